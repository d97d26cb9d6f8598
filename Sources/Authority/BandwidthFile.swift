package import Cells
internal import Directory
internal import OnionCrypto

/// Measured bandwidths that a scanner wrote for this authority (bandwidth-file-spec; V3BandwidthsFile).
package struct BandwidthFile: Sendable {
    /// The file as it is.
    package let bytes: [UInt8]
    /// Its headers, the timestamp first; empty if it is too old or broken.
    package private(set) var headers: [String] = []
    /// What was measured, in kilobytes per second.
    package private(set) var measurements: [RSAIdentity: UInt32] = [:]

    /// Reads a file. One that is too old, or does not begin with a timestamp, has no measurements.
    package init(_ bytes: [UInt8], now: WallTime) {
        self.bytes = bytes
        var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        // What stands behind the last newline is cut off in the middle.
        guard lines.popLast() != nil, !lines.isEmpty,
            let time = Int64(String(decoding: lines[0], as: UTF8.self)), time >= 0,
            now.seconds - time <= AuthoritySpec.bandwidthFileAge
        else { return }
        headers.append("timestamp=\(time)")
        var isAfterHeaders = false
        for line in lines.dropFirst() {
            let text = String(decoding: line, as: UTF8.self)
            if let (identity, bandwidth) = Self.measurement(text) {
                isAfterHeaders = true
                measurements[identity] = bandwidth
            } else if text == "=====" {
                isAfterHeaders = true
            } else if !isAfterHeaders, Self.isKeyValue(text), headers.count < AuthoritySpec.bandwidthFileHeaders {
                headers.append(text)
            }
        }
    }

    /// "sha256=" and the digest of the whole file, as votes name it.
    package var digestText: String {
        "sha256=" + DirectoryEncoding.base64(SHA256.hash(bytes))
    }

    private static func isKeyValue(_ text: String) -> Bool {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return false }
        return !text.contains(" ")
    }

    /// A line with `node_id=$FINGERPRINT` and `bw=NUMBER`; nil for others, and for those that say not to vote.
    private static func measurement(_ text: String) -> (RSAIdentity, UInt32)? {
        var identity: RSAIdentity?
        var bandwidth: UInt32?
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if word.hasPrefix("vote=0") { return nil }
            if word.hasPrefix("bw=") {
                guard bandwidth == nil, let number = Int64(word.dropFirst(3)), number >= 0 else { return nil }
                bandwidth = UInt32(truncatingIfNeeded: number)
            } else if word.hasPrefix("node_id=") {
                var digits = word.dropFirst("node_id=".count)
                if digits.first == "$" { digits = digits.dropFirst() }
                guard identity == nil, let named = RSAIdentity(hex: digits) else { return nil }
                identity = named
            }
        }
        guard let identity, let bandwidth else { return nil }
        return (identity, bandwidth)
    }
}
