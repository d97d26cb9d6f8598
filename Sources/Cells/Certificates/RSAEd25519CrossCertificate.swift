/// A relay's Ed25519 identity, signed by its RSA identity (cert-spec §2.3): opened, not verified.
package struct RSAEd25519CrossCertificate: Hashable, Sendable {
    /// What is put before the signed bytes when their SHA-256 digest is signed.
    package static let signaturePrefix = "Tor TLS RSA/Ed25519 cross-certificate"

    /// The identity that is certified.
    package let identity: Ed25519Identity
    /// Hours since 1970 after which it is void.
    package let expirationHours: UInt32
    /// By the RSA identity key, of the digest of prefix and signed bytes; at most 255 bytes.
    package let signature: [UInt8]

    /// All the fields.
    package init(identity: Ed25519Identity, expirationHours: UInt32, signature: [UInt8]) {
        self.identity = identity
        self.expirationHours = expirationHours
        self.signature = signature
    }

    /// Parses a cross-certificate, all of it.
    package init(parsing bytes: RawSpan) throws(WireError) {
        var parser = ByteParser(bytes)
        guard let identity = Ed25519Identity(try parser.readBytes(32, "Ed25519 key")) else {
            throw WireError("Ed25519 key", at: 0)
        }
        self.identity = identity
        expirationHours = try parser.readUInt32("expiration")
        let length = Int(try parser.readUInt8("signature length"))
        signature = try parser.readBytes(length, "signature")
        try parser.finish("bytes after the signature")
    }

    /// The prefix and what is signed: the digest of this is what the RSA key signs.
    package static func signedBytes(identity: Ed25519Identity, expirationHours: UInt32) -> [UInt8] {
        var bytes = Array(signaturePrefix.utf8)
        bytes += identity.bytes
        bytes.append(bigEndian: expirationHours)
        return bytes
    }

    /// The prefix and what is signed.
    package var signedBytes: [UInt8] { Self.signedBytes(identity: identity, expirationHours: expirationHours) }

    /// The cross-certificate as it travels.
    package var encoded: [UInt8] {
        var bytes = identity.bytes
        bytes.append(bigEndian: expirationHours)
        bytes.append(UInt8(truncatingIfNeeded: signature.count))
        bytes += signature
        return bytes
    }

    /// After this moment it is void.
    package var expiration: WallTime { WallTime(hours: expirationHours) }

    /// True if it is void at `now`.
    package func isExpired(at now: WallTime) -> Bool { now > expiration }
}
