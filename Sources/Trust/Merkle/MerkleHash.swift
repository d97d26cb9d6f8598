internal import OnionCrypto

/// A hash of RFC 6962's tree: SHA-256 with a byte before that says what was hashed. 32 bytes inside the value, since a log has
/// hundreds of thousands.
package struct MerkleHash: Hashable, Sendable {
    private let first, second, third, fourth: UInt64

    /// Takes 32 bytes, or fails.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            let byte = UInt64(byte)
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | byte
            case 1: words.1 = words.1 << 8 | byte
            case 2: words.2 = words.2 << 8 | byte
            default: words.3 = words.3 << 8 | byte
            }
        }
        (first, second, third, fourth) = words
    }

    private init(digest bytes: [UInt8]) {
        guard let hash = MerkleHash(bytes) else { preconditionFailure("SHA-256 has 32 bytes") }
        self = hash
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for word in [first, second, third, fourth] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes
    }

    /// RFC 6962 §2.1: the hash of no entries.
    package static let empty = MerkleHash(digest: SHA256.hash([]))

    /// RFC 6962 §2.1: an entry's hash, `SHA-256(0x00 || entry)`.
    package static func leaf(_ entry: [UInt8]) -> MerkleHash { MerkleHash(digest: SHA256.hash([0] + entry)) }

    /// RFC 6962 §2.1: `SHA-256(0x01 || left || right)`.
    package static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        MerkleHash(digest: SHA256.hash([1] + left.bytes + right.bytes))
    }
}
