package import Cells
package import OnionCrypto

extension Ed25519Certificate {
    /// Makes and signs a certificate.
    ///
    /// - Parameters:
    ///   - namesSigner: Whether the signer's key goes into the certificate, as it must where nobody knows it from
    ///     elsewhere (the certificate of a signing key).
    package init(
        type: CertificateType, expirationHours: UInt32, keyType: UInt8 = KeyType.ed25519, certifiedKey: [UInt8],
        signer: Ed25519.KeyPair, namesSigner: Bool
    ) throws(WireError) {
        let unsigned = Self.unsigned(
            type: type, expirationHours: expirationHours, keyType: keyType, certifiedKey: certifiedKey,
            signingKey: namesSigner ? Ed25519Identity(signer.publicKey.bytes) : nil)
        let encoded = unsigned + signer.sign(unsigned)
        try self.init(parsing: encoded.span.bytes)
    }

    /// Whether the owner of a key signed it.
    package func isSigned(by key: Ed25519.PublicKey) -> Bool {
        key.isValidSignature(signature, of: signedBytes)
    }

    /// The hours since 1970 at whose end `lifetime` seconds from `now` on are over, as C Tor rounds them.
    package static func expirationHours(from now: WallTime, lifetime: Int64) -> UInt32 {
        let (end, overflow) = now.seconds.addingReportingOverflow(lifetime)
        guard !overflow, end > 0 else { return 0 }
        return UInt32(clamping: end / 3600 + (end % 3600 == 0 ? 0 : 1))
    }
}

extension RSAEd25519CrossCertificate {
    /// Makes and signs a cross-certificate: an RSA identity says which Ed25519 identity it goes with.
    package init(
        identity: Ed25519Identity, expirationHours: UInt32, signer: RSAKeyPair
    ) throws(CryptoError) {
        let digest = SHA256.hash(Self.signedBytes(identity: identity, expirationHours: expirationHours))
        self.init(
            identity: identity, expirationHours: expirationHours, signature: try signer.sign(digest: digest))
    }

    /// Whether the owner of a key signed it.
    package func isSigned(by key: RSAPublicKey) -> Bool {
        key.isValidSignature(signature, ofDigest: SHA256.hash(signedBytes))
    }
}
