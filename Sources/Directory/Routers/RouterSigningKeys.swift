package import Cells
package import OnionCrypto

/// The keys with which a relay signs its descriptor and its extra-info document.
package struct RouterSigningKeys: Sendable {
    /// The RSA identity key.
    package let identityKey: RSAKeyPair
    /// The medium-term signing key.
    package let signingKey: Ed25519.KeyPair
    /// Its certificate by the Ed25519 identity, which it names.
    package let signingKeyCertificate: Ed25519Certificate
    /// The Ed25519 identity.
    package let ed25519Identity: Ed25519Identity
    /// The ntor onion key.
    package let onionKey: X25519.KeyPair
    /// The TAP onion key; nil to leave it out, which authorities of today refuse.
    package let tapOnionKey: RSAKeyPair?

    /// Takes keys that belong together; nil if the certificate is not the signing key's, or does not name the identity.
    package init?(
        identityKey: RSAKeyPair, signingKey: Ed25519.KeyPair, signingKeyCertificate: Ed25519Certificate,
        onionKey: X25519.KeyPair, tapOnionKey: RSAKeyPair?
    ) {
        guard signingKeyCertificate.type == .signingKey, let identity = signingKeyCertificate.signingKey,
            signingKeyCertificate.certifiedKey == signingKey.publicKey.bytes
        else { return nil }
        self.identityKey = identityKey
        self.signingKey = signingKey
        self.signingKeyCertificate = signingKeyCertificate
        ed25519Identity = identity
        self.onionKey = onionKey
        self.tapOnionKey = tapOnionKey
    }

    /// SHA-1 of the RSA identity key.
    package var identity: RSAIdentity { identityKey.publicKey.identity }

    /// Ends a router descriptor or extra-info document with both signatures.
    func sign(_ writer: consuming DocumentWriter) throws(CryptoError) -> [UInt8] {
        writer.lines(Array(RouterDocumentSignatures.ed25519Line.utf8))
        let signature = signingKey.sign(RouterDocumentSignatures.ed25519Digest(writer.bytes[...]))
        writer.lines(Array((DirectoryEncoding.base64(signature) + "\n").utf8))
        writer.line("router-signature")
        writer.object("SIGNATURE", try identityKey.sign(digest: SHA1.hash(writer.bytes)))
        return writer.bytes
    }
}
