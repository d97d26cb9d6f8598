import Testing

@testable import OnionCrypto

@Suite struct NtorHandshakeTests {
    static func pair(_ secret: String) -> X25519.KeyPair {
        let bytes = hex(secret)
        return X25519.KeyPair(secret: bytes.span.bytes)!
    }

    static let clientKey = pair("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    static let onionKey = pair("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    static let serverKey = pair("a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa")
    static let identity = ascii("iToldYouAboutStairs.")
    static let keys = OnionKeySnapshot(
        rsaIdentity: identity, ed25519Identity: [UInt8](repeating: 9, count: 32), current: onionKey)

    // Computed from tor-spec §5.1.4 by an independent program with these keys.
    static let message = hex(
        """
        69546f6c64596f7541626f75745374616972732ede9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f
        8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a
        """)
    static let reply = hex(
        """
        c0478dd9dee3066c4c6fd7dc72938ae6cfd611e7a781877ba88735c8cf11eb35f9b983760073a55babbe6f4f3812864067f43a93a9b579c7
        85553fa0a570470f
        """)
    static let material = hex(
        """
        9692e7095e41903f14333fedaf7c0ae63563d9138a1f605e1db0afcb0022a32e033e64035dad9948b1b5958a0717a4405b3c288fe54965cf
        2d1a9593e1eb2831a7701e33151a8f0d355cf976e79ff3b86fa88533258a96df34e873b1
        """)

    static func respond(to message: [UInt8]) throws(CryptoError) -> [UInt8] {
        try NtorHandshake.respond(to: message.span.bytes, keys: keys).message
    }

    static func finish(_ reply: [UInt8]) throws(CryptoError) {
        let client = NtorHandshake.Client(
            rsaIdentity: identity, onionKey: onionKey.publicKey, ephemeral: clientKey)
        _ = try client.finish(reply.span.bytes)
    }

    @Test func `messages and keys are what the specification makes of these secrets`() throws {
        let client = NtorHandshake.Client(
            rsaIdentity: Self.identity, onionKey: Self.onionKey.publicKey, ephemeral: Self.clientKey)
        let message = client.message
        #expect(message == Self.message)
        let answer = try NtorHandshake.respond(
            to: message.span.bytes, keys: Self.keys, ephemeral: Self.serverKey)
        let reply = answer.message
        #expect(reply == Self.reply)
        let atRelay = answer.keyStream.bytes(count: 92).copyToArray()
        let stream = try client.finish(reply.span.bytes)
        let atClient = stream.bytes(count: 92).copyToArray()
        #expect(atRelay == Self.material)
        #expect(atClient == Self.material)
        let keys = stream.circuitKeys()
        let parts = keys.forwardDigestSeed.array + keys.backwardDigestSeed.array + keys.forwardKey.array
        let rest = keys.backwardKey.array + keys.handshakeNonce.array
        #expect(parts + rest == Self.material)
    }

    @Test func `the relay refuses what is not for it`() {
        let good = Self.message
        #expect(thrown { () throws(CryptoError) in _ = try Self.respond(to: good) } == nil)
        for (offset, error) in [(0, CryptoError.wrongIdentity), (19, .wrongIdentity), (20, .unknownOnionKey)] {
            var changed = good
            changed[offset] ^= 1
            #expect(thrown { () throws(CryptoError) in _ = try Self.respond(to: changed) } == error)
        }
        let zero = Array(good.prefix(52)) + [UInt8](repeating: 0, count: 32)
        #expect(thrown { () throws(CryptoError) in _ = try Self.respond(to: zero) } == .badPoint)
        for count in 0..<84 {
            let cut = Array(good.prefix(count))
            #expect(thrown { () throws(CryptoError) in _ = try Self.respond(to: cut) } == .messageTooShort)
        }
        #expect(thrown { () throws(CryptoError) in _ = try Self.respond(to: good + [0]) } == .messageTooLong)
    }

    @Test func `the client notices every changed byte`() {
        #expect(thrown { () throws(CryptoError) in try Self.finish(Self.reply) } == nil)
        for offset in 0..<64 {
            var changed = Self.reply
            changed[offset] ^= 0x40
            #expect(thrown { () throws(CryptoError) in try Self.finish(changed) } == .badAuthentication)
        }
        let zero = [UInt8](repeating: 0, count: 32) + Self.reply.suffix(32)
        #expect(thrown { () throws(CryptoError) in try Self.finish(zero) } == .badPoint)
        for count in 0..<64 {
            let cut = Array(Self.reply.prefix(count))
            #expect(thrown { () throws(CryptoError) in try Self.finish(cut) } == .messageTooShort)
        }
        #expect(thrown { () throws(CryptoError) in try Self.finish(Self.reply + [0]) } == .messageTooLong)
    }

    @Test func `CREATE_FAST derives KH first`() throws {
        let half = [UInt8](0..<20)
        let client = CreateFastHandshake.Client(half: half)
        let answer = try CreateFastHandshake.respond(to: half.span.bytes, half: [UInt8](100..<120))
        let reply = answer.message
        #expect(reply == [UInt8](100..<120) + hex("49a8a3ed63f78047a1583aff465c08c636c25088"))
        let stream = try client.finish(reply.span.bytes)
        let keys = stream.circuitKeys()
        let parts = keys.forwardDigestSeed.array + keys.backwardDigestSeed.array + keys.forwardKey.array
        let expected = hex(
            """
            7d80d7369e2d2de74c4b5df2c08bb237873044231f53bf72fd8a63e0e36c9752eb63e66e320a933d4d5fcaf3bd136643e646ff5a2990f244
            1b946aadc9fae932c36236a1fd112b2b
            """)
        #expect(parts + keys.backwardKey.array == expected)
        #expect(keys.handshakeNonce.array == hex("49a8a3ed63f78047a1583aff465c08c636c25088"))
    }
}
