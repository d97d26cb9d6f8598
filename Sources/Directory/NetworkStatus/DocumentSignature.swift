package import Cells

/// One authority's signature on a vote or consensus.
package struct DocumentSignature: Hashable, Sendable {
    /// What the document was hashed with.
    package enum Algorithm: String, Hashable, Sendable {
        case sha1
        case sha256
    }

    /// What the document was hashed with.
    package let algorithm: Algorithm
    /// The authority: SHA-1 of its identity key.
    package let identity: RSAIdentity
    /// SHA-1 of the key that signed.
    package let signingKey: RSAIdentity
    /// The signature.
    package let signature: [UInt8]

    /// Takes the parts.
    package init(algorithm: Algorithm, identity: RSAIdentity, signingKey: RSAIdentity, signature: [UInt8]) {
        self.algorithm = algorithm
        self.identity = identity
        self.signingKey = signingKey
        self.signature = signature
    }

    /// Reads [ALGORITHM] IDENTITY KEY and the object behind them; nil if the algorithm is unknown.
    static func parse(
        _ scanner: NetworkStatusScanner, _ words: [Range<Int>], object: (name: String, body: [UInt8])?, at offset: Int
    ) throws(NetworkStatusError) -> DocumentSignature? {
        let error = NetworkStatusError(.badArguments("directory-signature"), at: offset)
        guard words.count >= 2 else { throw error }
        var algorithm = Algorithm.sha1
        if words.count > 2 {
            guard let named = Algorithm(rawValue: scanner.text(words[0]).description) else { return nil }
            algorithm = named
        }
        let first = words.count > 2 ? 1 : 0
        guard let identity = DirectoryEncoding.hex(scanner.bytes, in: words[first], byteCount: 20),
            let signingKey = DirectoryEncoding.hex(scanner.bytes, in: words[first + 1], byteCount: 20),
            let identity = RSAIdentity(identity), let signingKey = RSAIdentity(signingKey)
        else { throw error }
        guard let object, object.name == "SIGNATURE", (128...512).contains(object.body.count) else {
            throw NetworkStatusError(.malformedObject, at: offset)
        }
        return DocumentSignature(
            algorithm: algorithm, identity: identity, signingKey: signingKey, signature: object.body)
    }

    /// Appends KEYWORD [ALGORITHM] IDENTITY KEY and the object.
    func encode(_ keyword: String, showsAlgorithm: Bool, into output: inout [UInt8]) {
        output.append(contentsOf: "\(keyword) ".utf8)
        if showsAlgorithm { output.append(contentsOf: "\(algorithm.rawValue) ".utf8) }
        DirectoryEncoding.appendHex(identity.bytes, into: &output)
        output.append(0x20)
        DirectoryEncoding.appendHex(signingKey.bytes, into: &output)
        output.append(0x0A)
        Self.appendObject(signature, into: &output)
    }

    /// Appends the object that holds a signature.
    static func appendObject(_ signature: [UInt8], into output: inout [UInt8]) {
        output.append(contentsOf: "-----BEGIN SIGNATURE-----\n".utf8)
        DirectoryEncoding.appendObjectBody(signature, into: &output)
        output.append(contentsOf: "-----END SIGNATURE-----\n".utf8)
    }
}
