package import Cells
package import OnionCrypto

/// What a relay tells of itself for people who watch the network (dir-spec §2.1.2): read and checked as far as it can be
/// without the descriptor that it belongs to.
///
/// What the statistics say is nobody's business here; they stay in `bytes`.
package struct ExtraInfoDocument: Sendable {
    /// The whole document.
    package let bytes: [UInt8]
    /// SHA-1 of its signed part, which names it.
    package let digest: DescriptorDigest
    /// SHA-256 of all of it.
    package let sha256: [UInt8]
    /// The relay's nickname.
    package let nickname: String
    /// The relay's RSA identity, as the document says.
    package let identity: RSAIdentity
    /// The relay's Ed25519 identity, which signed the signing key, which signed the document.
    package let ed25519Identity: Ed25519Identity
    /// The certificate of the signing key.
    package let signingKeyCertificate: Ed25519Certificate
    /// When it was made.
    package let published: WallTime

    /// Reads a document and checks its Ed25519 signature and certificate. The RSA signature waits for the key: see
    /// `check(against:)`.
    package init(_ bytes: [UInt8]) throws(DirectoryError) {
        let document = try DirectoryDocument(bytes, limit: DirectoryLimits.extraInfoLength)
        try Self.grammar.check(document)
        let signatures = RouterDocumentSignatures(document)
        let first = try document.required("extra-info")
        let nickname = try document.argument(first)
        guard Nickname.isValid(nickname), let identity = RSAIdentity(hex: try document.argument(first, 1)) else {
            throw first.error(.badArgument)
        }
        self.nickname = nickname
        self.identity = identity
        published = try document.time(try document.required("published"))
        (signingKeyCertificate, ed25519Identity) = try signatures.identityCertificate()
        digest = try signatures.digest()
        sha256 = SHA256.hash(bytes)
        try signatures.checkEd25519(signingKeyCertificate)
        let signature = try document.required("router-signature")
        guard (128...512).contains(try document.object(signature, "SIGNATURE").count) else {
            throw signature.error(.malformedObject)
        }
        self.bytes = bytes
    }

    /// Throws unless the document is the one that a descriptor names, of the same relay and signed with the same keys.
    package func check(against router: RouterDescriptor) throws(DirectoryError) {
        guard router.identity == identity, router.published == published else {
            throw DirectoryError(.inconsistent, "extra-info", line: 1)
        }
        guard router.signingKeyCertificate == signingKeyCertificate else {
            throw DirectoryError(.inconsistent, "identity-ed25519", line: 2)
        }
        guard router.extraInfoDigest == digest, router.extraInfoSHA256 == nil || router.extraInfoSHA256 == sha256 else {
            throw DirectoryError(.inconsistent, "extra-info-digest")
        }
        try checkSignature(by: router.identityKey)
    }

    /// Throws unless an RSA identity key signed it.
    package func checkSignature(by key: RSAPublicKey) throws(DirectoryError) {
        let document = try DirectoryDocument(bytes, limit: DirectoryLimits.extraInfoLength)
        guard key.identity == identity else { throw DirectoryError(.inconsistent, "extra-info", line: 1) }
        try RouterDocumentSignatures(document).checkRSA(key)
    }

    private static let grammar = DocumentGrammar(
        [
            .init("extra-info", .exactlyOnce, arguments: 2...Int.max, at: .first),
            .init("identity-ed25519", .exactlyOnce, arguments: 0...0, object: .required("ED25519 CERT"), at: .second),
            .init("published", .exactlyOnce),
            .init("router-sig-ed25519", .exactlyOnce, arguments: 1...Int.max, at: .secondToLast),
            .init("router-signature", .exactlyOnce, arguments: 0...0, object: .required("SIGNATURE"), at: .last),
        ] + statistics.map { .init($0, .atMostOnce) })

    /// What a relay may say once; whatever else it says is let be.
    private static let statistics = [
        "read-history", "write-history", "dirreq-stats-end", "dirreq-v2-ips", "dirreq-v3-ips", "dirreq-v2-reqs",
        "dirreq-v3-reqs", "dirreq-v2-share", "dirreq-v3-share", "dirreq-v2-resp", "dirreq-v3-resp",
        "dirreq-v2-direct-dl", "dirreq-v3-direct-dl", "dirreq-v2-tunneled-dl", "dirreq-v3-tunneled-dl",
        "entry-stats-end", "entry-ips", "cell-stats-end", "cell-processed-cells", "cell-queued-cells",
        "cell-time-in-queue", "cell-circuits-per-decile", "exit-stats-end", "exit-kibibytes-written",
        "exit-kibibytes-read", "exit-streams-opened",
    ]
}
