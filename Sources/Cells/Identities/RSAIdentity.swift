/// Who a relay or authority is by its RSA key: the SHA-1 digest of that key, 20 bytes (its *fingerprint*).
package struct RSAIdentity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// How many bytes it has.
    package static let length = 20

    // Big-endian, so that comparing numbers compares bytes.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt32

    /// Takes 20 bytes; nil for any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        var words: (UInt64, UInt64, UInt32) = (0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: words.0 = words.0 << 8 | UInt64(byte)
            case 8..<16: words.1 = words.1 << 8 | UInt64(byte)
            default: words.2 = words.2 << 8 | UInt32(byte)
            }
        }
        (first, second, third) = words
    }

    /// Parses 40 hexadecimal digits of either case.
    package init?(hex: some StringProtocol) {
        guard let bytes = Base16.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// Parses 27 letters of base64, as consensuses write it.
    package init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(bytes)
    }

    /// The 20 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        bytes.append(bigEndian: first)
        bytes.append(bigEndian: second)
        bytes.append(bigEndian: third)
        return bytes
    }

    /// True if every byte is zero, which stands for *none* in places.
    package var isZero: Bool { first == 0 && second == 0 && third == 0 }

    /// 40 capital hexadecimal digits.
    package var hex: String { Base16.encode(bytes, uppercase: true) }
    /// 27 letters of base64 without padding.
    package var base64: String { Base64.encode(bytes, padding: false) }
    /// The same as `hex`.
    package var description: String { hex }

    /// By bytes.
    package static func < (left: RSAIdentity, right: RSAIdentity) -> Bool {
        (left.first, left.second, left.third) < (right.first, right.second, right.third)
    }
}
