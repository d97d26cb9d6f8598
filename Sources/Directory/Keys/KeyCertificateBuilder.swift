package import Cells
package import OnionCrypto

/// Makes a directory authority's key certificate, byte by byte as `tor-gencert` writes it.
package struct KeyCertificateBuilder: Sendable {
    /// When it is made.
    package var published: WallTime
    /// When it ends.
    package var expires: WallTime
    /// Where the authority's directory port is.
    package var address: SocketEndpoint?

    /// Takes the times, and an address if it is to be told.
    package init(published: WallTime, expires: WallTime, address: SocketEndpoint? = nil) {
        self.published = published
        self.expires = expires
        self.address = address
    }

    /// The certificate of a signing key, by an identity key; both sign.
    package func signed(
        by identityKey: RSAKeyPair, for signingKey: RSAKeyPair
    ) throws(CryptoError) -> [UInt8] {
        let identity = identityKey.publicKey.identity
        var writer = DocumentWriter()
        writer.line("dir-key-certificate-version", "3")
        if let address { writer.line("dir-address", address.description) }
        writer.line("fingerprint", identity.hex)
        writer.line("dir-key-published", published.description)
        writer.line("dir-key-expires", expires.description)
        writer.line("dir-identity-key")
        writer.object("RSA PUBLIC KEY", identityKey.publicKey.der)
        writer.line("dir-signing-key")
        writer.object("RSA PUBLIC KEY", signingKey.publicKey.der)
        writer.line("dir-key-crosscert")
        writer.object("ID SIGNATURE", try signingKey.sign(digest: identity.bytes))
        writer.line("dir-key-certification")
        writer.object("SIGNATURE", try identityKey.sign(digest: SHA1.hash(writer.bytes)))
        return writer.bytes
    }
}
