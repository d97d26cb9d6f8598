package import Cells

extension RSAIdentity {
    /// 40 digits in groups of four, as `fingerprint` lines and C Tor's `--list-fingerprint` write them.
    package var spacedHex: String {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 4).map { String(digits[$0..<($0 + 4)]) }.joined(separator: " ")
    }
}
