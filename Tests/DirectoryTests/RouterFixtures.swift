import Cells
import Directory
import OnionCrypto

/// Documents of a C Tor authority and a C Tor relay, as they were served, and a relay of our own.
enum RouterFixtures {
    /// The bytes of the documents of one kind.
    static func bytes(_ name: String) throws -> [UInt8] { try NetworkStatusFixtures.bytes("routers/" + name) }

    /// Both relays' descriptors.
    static func routers() throws -> [RouterDescriptor] {
        try DocumentSplitter.read(try bytes("router-descriptors"), startingWith: ["router"]) {
            _, bytes throws(DirectoryError) in try RouterDescriptor(bytes)
        }.map { try $0.document.get() }
    }

    /// Fresh keys of a relay.
    static func keys(signedAt now: WallTime = published) throws -> RouterSigningKeys {
        let master = Ed25519.KeyPair()
        let signing = Ed25519.KeyPair()
        let unsigned = Ed25519Certificate.unsigned(
            type: .signingKey, expirationHours: UInt32((now.seconds + 30 * 86_400) / 3600),
            certifiedKey: signing.publicKey.bytes, signingKey: Ed25519Identity(master.publicKey.bytes))
        let bytes = unsigned + master.sign(unsigned)
        let certificate = try Ed25519Certificate(parsing: bytes.span.bytes)
        guard
            let keys = RouterSigningKeys(
                identityKey: try RSAKeyPair(bits: 1024), signingKey: signing, signingKeyCertificate: certificate,
                onionKey: X25519.KeyPair(), tapOnionKey: try RSAKeyPair(bits: 1024))
        else { throw CryptoError.badKey }
        return keys
    }

    /// A moment without meaning.
    static let published = WallTime(seconds: 1_795_000_000)

    /// A descriptor with something of everything.
    static func builder() throws -> RouterDescriptorBuilder {
        var builder = RouterDescriptorBuilder(
            nickname: "fanion1", address: 0x7F02_0301, orPort: 9001, platform: "Fanion 0.1 on Linux",
            protocols: "Link=4-5 Relay=2-4", published: published,
            bandwidth: RouterDescriptor.AdvertisedBandwidth(rate: 1000, burst: 2000, observed: 30))
        builder.dirPort = 9030
        builder.ipv6 = SocketEndpoint("[2001:db8::7]:9001")
        builder.uptime = 77
        builder.contact = "somebody\n<at> example.org"
        builder.family = [.nickname("friend"), .identity(RSAIdentity([UInt8](repeating: 7, count: 20))!)]
        builder.familyKeys = [Ed25519.KeyPair(), Ed25519.KeyPair()]
        var settings = ExitPolicy.Settings()
        settings.ipv6Exit = true
        builder.exitPolicy = try .configured(["accept *:80,accept *:443,reject *:*"], settings)
        builder.publishesIPv6Policy = true
        builder.overload = "1 2026-11-24 22:00:00"
        return builder
    }
}
