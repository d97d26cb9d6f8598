package import Cells
internal import OnionCrypto

/// One authority's part in a shared random value (srv-spec §4.1): first the digest of a secret, later the secret.
///
/// Both are kept as they were written, in base 64: commits are compared and hashed in that form.
package struct SharedRandomCommit: Hashable, Sendable {
    /// The authority: SHA-1 of its v3 identity key.
    package let identity: RSAIdentity
    /// TIMESTAMP and SHA3-256 of the reveal, in base 64.
    package let commitment: ByteText
    /// TIMESTAMP and random number, in base 64; nil as long as it is not told.
    package private(set) var reveal: ByteText?
    /// SHA3-256 of the reveal, as committed to.
    package let revealDigest: [UInt8]
    /// The timestamp that was committed to.
    private let timestamp: [UInt8]

    /// Bytes of a commitment and of a reveal.
    private static let byteCount = 40

    /// Makes our own: commits to a random number of 32 bytes at the start of a period.
    package init(identity: RSAIdentity, timestamp: WallTime, randomNumber: [UInt8]) {
        self.identity = identity
        let seconds = UInt64(bitPattern: timestamp.seconds)
        self.timestamp = (0..<8).map { UInt8(truncatingIfNeeded: seconds >> (56 - 8 * UInt64($0))) }
        let reveal = Self.encode(self.timestamp + SHA3_256.hash(randomNumber))
        revealDigest = SHA3_256.hash(reveal.bytes)
        commitment = Self.encode(self.timestamp + revealDigest)
        self.reveal = reveal
    }

    /// Reads VERSION ALGORITHM IDENTITY COMMITMENT and perhaps the reveal; nil if it is of another version or broken.
    package init?(words: [ByteText]) {
        guard words.count >= 4, words[0] == "1", words[1] == "sha3-256",
            let identity = RSAIdentity(hex: words[2].description), let commitment = Self.decode(words[3])
        else { return nil }
        self.identity = identity
        self.commitment = words[3]
        timestamp = Array(commitment[..<8])
        revealDigest = Array(commitment[8...])
        if words.count > 4 {
            guard Self.decode(words[4]) != nil else { return nil }
            reveal = words[4]
        }
    }

    private static func encode(_ bytes: [UInt8]) -> ByteText {
        var text: [UInt8] = []
        DirectoryEncoding.appendBase64(bytes, padded: true, into: &text)
        return ByteText(text)
    }

    private static func decode(_ text: ByteText) -> [UInt8]? {
        DirectoryEncoding.base64(text.bytes, in: 0..<text.bytes.count, byteCount: byteCount)
    }

    /// Whether the reveal is what was committed to; false if there is none.
    package var isRevealValid: Bool {
        guard let reveal, let bytes = Self.decode(reveal) else { return false }
        return Array(bytes[..<8]) == timestamp && SHA3_256.hash(reveal.bytes) == revealDigest
    }

    /// Without the reveal, as it is told in the commit phase.
    package var withoutReveal: SharedRandomCommit {
        var commit = self
        commit.reveal = nil
        return commit
    }

    /// Takes over another one's reveal.
    mutating func takeReveal(of other: SharedRandomCommit) {
        reveal = other.reveal
    }

    /// VERSION ALGORITHM IDENTITY COMMITMENT, and the reveal if there is one.
    package var text: ByteText {
        var bytes = Array("1 sha3-256 \(identity.hex) ".utf8) + commitment.bytes
        if let reveal { bytes += [0x20] + reveal.bytes }
        return ByteText(bytes)
    }
}

/// The two phases of drawing a shared random value (srv-spec §3).
package enum SharedRandomPhase: String, Hashable, Sendable {
    /// Authorities tell digests of their secrets.
    case commit
    /// Authorities tell the secrets.
    case reveal
}
