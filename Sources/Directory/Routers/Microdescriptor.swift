package import Cells
package import OnionCrypto

/// What clients need of a router descriptor (dir-spec §3.3): authorities compute it, the consensus names it by digest.
///
/// Who the relay is by RSA, and where it is, stands in the consensus.
package struct Microdescriptor: Sendable {
    /// The whole document.
    package let bytes: [UInt8]
    /// SHA-256 of it, which names it.
    package let digest: MicrodescriptorDigest
    /// The relay's key for ntor handshakes.
    package let ntorOnionKey: X25519.PublicKey
    /// The relay's Ed25519 identity.
    package let ed25519Identity: Ed25519Identity?
    /// An IPv6 OR port, in documents from before the consensus had it.
    package let ipv6: SocketEndpoint?
    /// The relays that are run together with it.
    package let family: RelayFamily?
    /// The families that certified it, as "ed25519:KEY".
    package let familyIDs: [String]
    /// Which ports it lets out to in IPv4: none, if it does not say.
    package let exitPolicy: PortPolicy?
    /// Which ports it lets out to in IPv6: none, if it does not say.
    package let ipv6Policy: PortPolicy?

    /// Reads a microdescriptor; the TAP key in it is passed over, since no handshake uses it any more. Nobody signs it: that it is the right one is known by its digest.
    package init(_ bytes: [UInt8]) throws(DirectoryError) {
        let document = try DirectoryDocument(bytes, limit: DirectoryLimits.routerDescriptorLength)
        try Self.grammar.check(document)
        let ntor = try document.required("ntor-onion-key")
        guard let point = DirectoryEncoding.base64(try document.argument(ntor), byteCount: 32),
            let key = X25519.PublicKey(point)
        else { throw ntor.error(.badKey) }
        ntorOnionKey = key
        ed25519Identity = try Self.identity(in: document)
        ipv6 = document.firstIPv6("a")
        let family = document.first("family").map { document.arguments($0) } ?? []
        self.family = family.isEmpty ? nil : RelayFamily(words: family)
        familyIDs = document.first("family-ids").map { document.arguments($0) } ?? []
        // A summary in a form of later days says nothing, and the rest of the document still holds.
        exitPolicy = document.first("p").flatMap { PortPolicy(document.text($0).description) }
        ipv6Policy = document.first("p6").flatMap { PortPolicy(document.text($0).description) }
        guard let digest = MicrodescriptorDigest(SHA256.hash(bytes)) else { throw DirectoryError(.tooLong) }
        self.digest = digest
        self.bytes = bytes
    }

    /// True if it lets nothing out.
    package var rejectsEverything: Bool {
        (exitPolicy?.rejectsEverything ?? true) && (ipv6Policy?.rejectsEverything ?? true)
    }

    /// The Ed25519 key of an `id` line, of which there may be one; lines of other kinds are let be.
    private static func identity(in document: DirectoryDocument) throws(DirectoryError) -> Ed25519Identity? {
        var identity: Ed25519Identity?
        for item in document.all("id") where document.arguments(item).first == "ed25519" {
            guard identity == nil else { throw item.error(.repeated) }
            guard let key = Ed25519Identity(base64: try document.argument(item, 1)) else { throw item.error(.badKey) }
            identity = key
        }
        return identity
    }

    private static let grammar = DocumentGrammar([
        .init("onion-key", .exactlyOnce, arguments: 0...0, object: .optional("RSA PUBLIC KEY"), at: .first),
        .init("ntor-onion-key", .exactlyOnce, arguments: 1...Int.max),
        .init("id", .anyNumber, arguments: 2...Int.max),
        .init("a", .anyNumber, arguments: 1...Int.max),
        .init("family", .atMostOnce),
        .init("family-ids", .atMostOnce),
        .init("p", .atMostOnce),
        .init("p6", .atMostOnce),
    ])
}
