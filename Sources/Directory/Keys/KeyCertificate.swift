package import Cells
package import OnionCrypto

/// A directory authority's word that it votes with a signing key for some months (dir-spec §3.1): read and checked.
///
/// To make one: `KeyCertificateBuilder`.
package struct KeyCertificate: Hashable, Sendable {
    /// The whole document.
    package let bytes: [UInt8]
    /// SHA-1 of its signed part.
    package let digest: DescriptorDigest
    /// The authority's long-term key.
    package let identityKey: RSAPublicKey
    /// SHA-1 of that key, which names the authority (`v3ident`).
    package let identity: RSAIdentity
    /// The key that it signs votes and consensuses with.
    package let signingKey: RSAPublicKey
    /// SHA-1 of that key.
    package let signingKeyDigest: RSAIdentity
    /// When it was made.
    package let published: WallTime
    /// When it ends.
    package let expires: WallTime
    /// Where the authority's directory port was then.
    package let address: SocketEndpoint?

    /// Reads a certificate, all of `bytes`, and checks both signatures. Whether it has ended is for the caller.
    package init(_ bytes: [UInt8]) throws(DirectoryError) {
        let document = try DirectoryDocument(bytes, limit: DirectoryLimits.keyCertificateLength)
        try Self.grammar.check(document)
        let version = try document.required("dir-key-certificate-version")
        guard try document.argument(version) == "3" else { throw version.error(.badArgument) }
        let identityItem = try document.required("dir-identity-key")
        identityKey = try document.rsaKey(identityItem)
        identity = identityKey.identity
        signingKey = try document.rsaKey(try document.required("dir-signing-key"))
        signingKeyDigest = signingKey.identity
        let fingerprint = try document.required("fingerprint")
        guard RSAIdentity(hex: document.text(fingerprint).trimmed.description) == identity else {
            throw fingerprint.error(.inconsistent)
        }
        published = try document.time(try document.required("dir-key-published"))
        expires = try document.time(try document.required("dir-key-expires"))
        address = try document.first("dir-address").map { item throws(DirectoryError) in
            guard let address = SocketEndpoint(try document.argument(item)), address.address.isV4 else {
                throw item.error(.badArgument)
            }
            return address
        }
        let certification = try document.required("dir-key-certification")
        guard let digest = DescriptorDigest(SHA1.hash(bytes.span.bytes.extracting(0..<certification.lineEnd))),
            identityKey.isValidSignature(
                try document.object(certification, "SIGNATURE"), startingWith: digest.bytes)
        else { throw certification.error(.badSignature) }
        let crosscert = try document.required("dir-key-crosscert")
        // "ID SIGNATURE" or, from very old programs, "SIGNATURE".
        guard let object = crosscert.object, signingKey.isValidSignature(object.body, startingWith: identity.bytes)
        else { throw crosscert.error(.badSignature) }
        self.digest = digest
        self.bytes = bytes
    }

    /// True if it has ended at `now`.
    package func isExpired(at now: WallTime) -> Bool { now > expires }

    /// Where the certificate ends that begins at `start`, in a vote or among others; nil if it does not end.
    package static func end(in bytes: [UInt8], from start: Int) -> Int? {
        let last = Array("\ndir-key-certification".utf8)
        let close = Array("\n-----END SIGNATURE-----\n".utf8)
        guard let signature = bytes.firstRange(of: last, from: start),
            let end = bytes.firstRange(of: close, from: signature)
        else { return nil }
        return end + close.count
    }

    private static let grammar = DocumentGrammar([
        .init("dir-key-certificate-version", .exactlyOnce, arguments: 1...Int.max, at: .first),
        .init("dir-address", .atMostOnce, arguments: 1...Int.max),
        .init("fingerprint", .exactlyOnce),
        .init("dir-key-published", .exactlyOnce),
        .init("dir-key-expires", .exactlyOnce),
        .init("dir-identity-key", .exactlyOnce, arguments: 0...0, object: .required("RSA PUBLIC KEY")),
        .init("dir-signing-key", .exactlyOnce, arguments: 0...0, object: .required("RSA PUBLIC KEY")),
        .init("dir-key-crosscert", .exactlyOnce, arguments: 0...0, object: .anyName),
        .init("dir-key-certification", .exactlyOnce, arguments: 0...0, object: .required("SIGNATURE"), at: .last),
    ])
}

extension [UInt8] {
    /// Where `pattern` first stands at or behind `start`.
    fileprivate func firstRange(of pattern: [UInt8], from start: Int) -> Int? {
        guard start >= 0, let first = pattern.first else { return nil }
        var index = start
        while index + pattern.count <= count {
            if self[index] == first, self[index..<(index + pattern.count)].elementsEqual(pattern) { return index }
            index += 1
        }
        return nil
    }
}
