/// Who a relay is by its Ed25519 master key: the 32 bytes of the public key.
///
/// Only a name here; whether it is a point of the curve is `OnionCrypto`'s business.
package struct Ed25519Identity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// How many bytes it has.
    package static let length = 32

    // Big-endian, so that comparing numbers compares bytes.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Takes 32 bytes; nil for any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: words.0 = words.0 << 8 | UInt64(byte)
            case 8..<16: words.1 = words.1 << 8 | UInt64(byte)
            case 16..<24: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (first, second, third, fourth) = words
    }

    /// Parses 64 hexadecimal digits of either case.
    package init?(hex: some StringProtocol) {
        guard let bytes = Base16.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// Parses 43 letters of base64, as documents write it.
    package init?(base64: some StringProtocol) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        bytes.append(bigEndian: first)
        bytes.append(bigEndian: second)
        bytes.append(bigEndian: third)
        bytes.append(bigEndian: fourth)
        return bytes
    }

    /// True if every byte is zero, which stands for *none* in places.
    package var isZero: Bool { first == 0 && second == 0 && third == 0 && fourth == 0 }

    /// 64 capital hexadecimal digits.
    package var hex: String { Base16.encode(bytes, uppercase: true) }
    /// 43 letters of base64 without padding.
    package var base64: String { Base64.encode(bytes, padding: false) }
    /// The same as `base64`.
    package var description: String { base64 }

    /// By bytes.
    package static func < (left: Ed25519Identity, right: Ed25519Identity) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
    }
}
