/// An Ed25519 certificate as Tor writes it (cert-spec §2.1): opened, not verified.
///
/// Who checks the signature, the time and the chain says so in `Channels` and `Directory`.
package struct Ed25519Certificate: Hashable, Sendable {
    /// What kind of key is certified (cert-spec §A.4).
    package enum KeyType {
        /// An Ed25519 key.
        package static let ed25519: UInt8 = 1
        /// The SHA-256 digest of an RSA key.
        package static let rsaDigest: UInt8 = 2
        /// The SHA-256 digest of an X.509 certificate.
        package static let certificateDigest: UInt8 = 3
    }

    /// What it certifies.
    package let type: CertificateType
    /// Hours since 1970 after which it is void.
    package let expirationHours: UInt32
    /// What kind of key `certifiedKey` is.
    package let keyType: UInt8
    /// 32 bytes: a key, or the digest of something.
    package let certifiedKey: [UInt8]
    /// The key that signed, if the certificate says so (extension 4).
    package let signingKey: Ed25519Identity?
    /// All that is signed.
    package let signedBytes: [UInt8]
    /// 64 bytes.
    package let signature: [UInt8]

    private static let signingKeyExtension: UInt8 = 4
    private static let affectsValidation: UInt8 = 1

    /// Parses a certificate, all of it.
    package init(parsing bytes: RawSpan) throws(WireError) {
        var parser = ByteParser(bytes)
        guard try parser.readUInt8("certificate version") == 1 else { throw WireError("certificate version", at: 0) }
        type = CertificateType(rawValue: try parser.readUInt8("certificate type"))
        expirationHours = try parser.readUInt32("expiration")
        keyType = try parser.readUInt8("key type")
        certifiedKey = try parser.readBytes(32, "certified key")
        var signingKey: Ed25519Identity?
        for _ in 0..<(try parser.readUInt8("number of extensions")) {
            let start = parser.offset
            let length = Int(try parser.readUInt16("extension length"))
            let extensionType = try parser.readUInt8("extension type")
            let flags = try parser.readUInt8("extension flags")
            let value = try parser.readBytes(length, "extension")
            if extensionType == Self.signingKeyExtension {
                guard signingKey == nil, let key = Ed25519Identity(value) else {
                    throw WireError("signing key extension", at: start)
                }
                signingKey = key
            } else if flags & Self.affectsValidation != 0 {
                // cert-spec §2.1: AFFECTS_VALIDATION on an unknown extension makes the certificate invalid.
                throw WireError("unknown critical extension", at: start)
            }
        }
        self.signingKey = signingKey
        signedBytes = Array(copying: bytes.extracting(0..<parser.offset))
        signature = try parser.readBytes(64, "signature")
        try parser.finish("bytes after the signature")
    }

    /// What has to be signed to make a certificate.
    package static func unsigned(
        type: CertificateType, expirationHours: UInt32, keyType: UInt8 = KeyType.ed25519, certifiedKey: [UInt8],
        signingKey: Ed25519Identity?
    ) -> [UInt8] {
        precondition(certifiedKey.count == 32)
        var bytes: [UInt8] = [1, type.rawValue]
        bytes.append(bigEndian: expirationHours)
        bytes.append(keyType)
        bytes += certifiedKey
        guard let signingKey else {
            bytes.append(0)
            return bytes
        }
        bytes.append(1)
        bytes.append(bigEndian: UInt16(Ed25519Identity.length))
        bytes += [signingKeyExtension, 0]
        bytes += signingKey.bytes
        return bytes
    }

    /// The certificate as it travels.
    package var encoded: [UInt8] { signedBytes + signature }

    /// After this moment it is void.
    package var expiration: WallTime { WallTime(hours: expirationHours) }

    /// True if it is void at `now`.
    package func isExpired(at now: WallTime) -> Bool { now > expiration }
}
