package import Cells
package import OnionCrypto

/// How router descriptors and extra-info documents are signed, which is the same (dir-spec §2.1.1): an Ed25519 signature
/// by the signing key over all that stands before it, then an RSA signature by the identity key.
struct RouterDocumentSignatures {
    private let document: DirectoryDocument

    /// What is put before the bytes whose digest the Ed25519 key signs.
    static let prefix = Array("Tor router descriptor signature v1".utf8)
    /// The line of the Ed25519 signature, up to the signature.
    static let ed25519Line = "router-sig-ed25519 "

    /// Looks at a document that keeps its grammar.
    init(_ document: DirectoryDocument) {
        self.document = document
    }

    /// The certificate below `identity-ed25519`, and the identity that signed it.
    func identityCertificate() throws(DirectoryError) -> (Ed25519Certificate, Ed25519Identity) {
        let item = try document.required("identity-ed25519")
        let certificate = try document.certificate(item, .signingKey)
        guard let identity = certificate.signingKey else { throw item.error(.badCertificate) }
        guard
            Ed25519.PublicKey(identity.bytes)?.isValidSignature(certificate.signature, of: certificate.signedBytes)
                == true
        else { throw item.error(.badSignature) }
        return (certificate, identity)
    }

    /// SHA-1 up to the line of the RSA signature, this included.
    func digest() throws(DirectoryError) -> DescriptorDigest {
        let item = try document.required("router-signature")
        guard let digest = DescriptorDigest(SHA1.hash(document.bytes.span.bytes.extracting(0..<item.lineEnd))) else {
            throw item.error(.badSignature)
        }
        return digest
    }

    /// Throws unless the certified signing key signed.
    func checkEd25519(_ certificate: Ed25519Certificate) throws(DirectoryError) {
        let item = try document.required("router-sig-ed25519")
        // The space behind the keyword is signed too.
        guard item.rest.lowerBound == item.start + Self.ed25519Line.utf8.count else { throw item.error(.malformedLine) }
        guard let signature = DirectoryEncoding.base64(try document.argument(item), byteCount: 64) else {
            throw item.error(.badArgument)
        }
        let digest = Self.ed25519Digest(document.bytes[..<item.rest.lowerBound])
        guard Ed25519.PublicKey(certificate.certifiedKey)?.isValidSignature(signature, of: digest) == true else {
            throw item.error(.badSignature)
        }
    }

    /// Throws unless an RSA identity key signed.
    func checkRSA(_ key: RSAPublicKey) throws(DirectoryError) {
        let item = try document.required("router-signature")
        guard key.isValidSignature(try document.object(item, "SIGNATURE"), startingWith: try digest().bytes) else {
            throw item.error(.badSignature)
        }
    }

    /// What the Ed25519 key signs: the digest of the prefix and everything up to its signature.
    static func ed25519Digest(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        SHA256.hash(prefix + bytes)
    }
}

extension DirectoryDocument {
    /// The Ed25519 certificate of one type below an item.
    func certificate(_ item: DocumentItem, _ type: CertificateType) throws(DirectoryError) -> Ed25519Certificate {
        guard let object = item.object else { throw item.error(.missingObject) }
        do throws(WireError) {
            let certificate = try Ed25519Certificate(parsing: object.body.span.bytes)
            guard certificate.type == type else { throw WireError("certificate type", at: 1) }
            return certificate
        } catch {
            throw item.error(.badCertificate)
        }
    }

    /// The RSA public key below an item; of one size, if that is given.
    func rsaKey(_ item: DocumentItem, bits: Int? = nil) throws(DirectoryError) -> RSAPublicKey {
        let der = try object(item, "RSA PUBLIC KEY")
        do throws(CryptoError) {
            let key = try RSAPublicKey(der: der)
            guard bits == nil || key.bits == bits else { throw .badKey }
            return key
        } catch {
            throw item.error(.badKey)
        }
    }

    /// The first IPv6 address and port in lines of a keyword that can be read; the others are for later versions.
    func firstIPv6(_ keyword: String) -> SocketEndpoint? {
        all(keyword).lazy.compactMap { arguments($0).first }.compactMap { SocketEndpoint($0) }
            .first { $0.address.isV6 && $0.port != 0 }
    }

    /// A moment, which must be all of the line.
    func time(_ item: DocumentItem) throws(DirectoryError) -> WallTime {
        guard let time = WallTime(text: text(item).trimmed.description) else { throw item.error(.badArgument) }
        return time
    }
}

extension RSAPublicKey {
    /// SHA-1 of the key, as a name.
    package var identity: RSAIdentity {
        guard let identity = RSAIdentity(fingerprint) else { preconditionFailure("SHA-1 of another length") }
        return identity
    }

    /// Whether the owner of this key signed bytes that begin with these; C Tor looks no further than the digest.
    func isValidSignature(_ signature: [UInt8], startingWith digest: [UInt8]) -> Bool {
        recover(signature)?.starts(with: digest) == true
    }
}
