package import Cells
package import OnionCrypto

/// One authority's signed vote, as it was read: its text, and what it says.
package struct Vote: Sendable {
    /// The whole document.
    package let text: [UInt8]
    /// What it says.
    package let content: VoteContent
    /// The authority's key certificate, which stands inside.
    package let certificate: KeyCertificate
    /// SHA-1 of the signed part: how the consensus names the vote.
    package let digest: DescriptorDigest

    /// Reads a document, all of it, and checks its signature by the certificate inside. Whether that authority is one of
    /// ours is for the caller.
    package init(parsing text: [UInt8]) throws(NetworkStatusError) {
        let reader = try VoteReader(text)
        let certificate = reader.certificate
        let digest = SHA1.hash(text.span.extracting(first: reader.signedLength).bytes)
        guard certificate.identity == reader.content.source.identity else {
            throw NetworkStatusError(.badCertificate, at: 0)
        }
        guard reader.signature.identity == certificate.identity,
            certificate.signingKey.isValidSignature(reader.signature.signature, startingWith: digest),
            let name = DescriptorDigest(digest)
        else { throw NetworkStatusError(.badSignature, at: reader.signedLength) }
        self.text = text
        self.certificate = certificate
        self.digest = name
        content = reader.content
    }

    /// Signs `content` and reads the result back, so that nothing leaves us that others would refuse.
    package init(
        signing content: VoteContent, certificate: KeyCertificate, with key: RSAKeyPair
    ) throws(VoteSigningError) {
        var text = content.encode(certificate: certificate.bytes) + Array("directory-signature ".utf8)
        let signature: [UInt8]
        do { signature = try key.sign(digest: SHA1.hash(text)) } catch { throw .crypto(error) }
        text += Array("\(certificate.identity.hex) \(key.publicKey.identity.hex)\n".utf8)
        DocumentSignature.appendObject(signature, into: &text)
        do { try self.init(parsing: text) } catch { throw .unreadable(error) }
    }

    /// Who voted: SHA-1 of the v3 identity key.
    package var identity: RSAIdentity { certificate.identity }

    /// The votes in bytes that may hold several, one behind the other.
    package static func split(_ bytes: [UInt8]) -> [[UInt8]] {
        DocumentSplitter.split(bytes, startingWith: ["network-status-version"]).map { Array(bytes[$0.range]) }
    }
}

/// Why a vote could not be signed.
package enum VoteSigningError: Error, Hashable, Sendable {
    /// The key did not sign.
    case crypto(CryptoError)
    /// What came of it cannot be read: the content has something that no vote may have.
    case unreadable(NetworkStatusError)
}
