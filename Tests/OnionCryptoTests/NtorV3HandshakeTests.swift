import Testing

@testable import OnionCrypto

@Suite struct NtorV3HandshakeTests {
    // Proposal 332, X.2.
    static let onionKey = X25519.KeyPair(
        secret: hex("4051daa5921cfa2a1c27b08451324919538e79e788a81b38cbed097a5dff454a").span.bytes)!
    static let clientKey = X25519.KeyPair(
        secret: hex("b825a3719147bcbe5fb1d0b0fcb9c09e51948048e2e3283d2ab7b45b5ef38b49").span.bytes)!
    static let serverKey = X25519.KeyPair(
        secret: hex("4865a5b7689dafd978f529291c7171bc159be076b92186405d13220b80e2a053").span.bytes)!
    static let identity = hex("9fad2af287ef942632833d21f946c6260c33fae6172b60006e86e4a6911753a2")
    static let verification = hex("78797a7a79")
    static let keys = OnionKeySnapshot(
        rsaIdentity: [UInt8](repeating: 1, count: 20), ed25519Identity: identity, current: onionKey)

    @Test func `the vector of proposal 332 comes out on both sides`() throws {
        #expect(
            Self.onionKey.publicKey.bytes == hex("f8307a2bc1870b00b828bb74dbb8fd88e632a6375ab3bcd1ae706aaa8b6cdd1d"))
        #expect(
            Self.clientKey.publicKey.bytes == hex("252fe9ae91264c91d4ecb8501f79d0387e34ad8ca0f7c995184f7d11d5da4f46"))
        #expect(
            Self.serverKey.publicKey.bytes == hex("4bf4814326fdab45ad5184f5518bd7fae25dc59374062698201a50a22954246d"))

        let client = try NtorV3Handshake.Client(
            ed25519Identity: Self.identity, onionKey: Self.onionKey.publicKey, body: ascii("hello world"),
            verification: Self.verification, ephemeral: Self.clientKey)
        let skin = client.message
        let expectedSkin = hex(
            """
            9fad2af287ef942632833d21f946c6260c33fae6172b60006e86e4a6911753a2f8307a2bc1870b00b828bb74dbb8fd88e632a6375ab3bcd1
            ae706aaa8b6cdd1d252fe9ae91264c91d4ecb8501f79d0387e34ad8ca0f7c995184f7d11d5da4f463bebd9151fd3b47c180abc9e044d5356
            5f04d82bbb3bebed3d06cea65db8be9c72b68cd461942088502f67
            """)
        #expect(skin == expectedSkin)

        let server = try NtorV3Handshake.Server(
            skin.span.bytes, keys: Self.keys, verification: Self.verification, readsExtensions: false)
        #expect(server.message == ascii("hello world"))
        let reply = try server.respond(body: ascii("Hola Mundo"), ephemeral: Self.serverKey)
        let expectedReply = hex(
            """
            4bf4814326fdab45ad5184f5518bd7fae25dc59374062698201a50a22954246d2fc5f8773ca824542bc6cf6f57c7c29bbf4e5476461ab130
            c5b18ab0a91276651202c3e1e87c0d32054c
            """)
        #expect(reply.message == expectedReply)

        let expectedKeys = hex(
            """
            9c19b631fd94ed86a817e01f6c80b0743a43f5faebd39cfaa8b00fa8bcc65c3bfeaa403d91acbd68a821bf6ee8504602b094a254392a0773
            7d5662768c7a9fb1b2814bb34780eaee6e867c773e28c212ead563e98a1cd5d5b4576f5ee61c59bde025ff2851bb19b721421694f263818e
            3531e43a9e4e3e2c661e2ad547d8984caa28ebecd3e4525452299be26b9185a20a90ce1eac20a91f2832d731b54502b09749b5a2a2949292
            f8cfcbeffb790c7790ed935a9d251e7e336148ea83b063a5618fcff674a44581585fd22077ca0e52c59a24347a38d1a1ceebddbf238541f2
            26b8f88d0fb9c07a1bcd2ea764bbbb5dacdaf5312a14c0b9e4f06309b0333b4a
            """)
        #expect(reply.keyStream.bytes(count: 256).copyToArray() == expectedKeys)
        let result = try client.finishRaw(reply.message.span.bytes)
        #expect(result.message == ascii("Hola Mundo"))
        #expect(result.keyStream.bytes(count: 256).copyToArray() == expectedKeys)

        let circuitKeys = result.keyStream.circuitKeys()
        #expect(circuitKeys.forwardDigestSeed.array == Array(expectedKeys[0..<20]))
        #expect(circuitKeys.backwardDigestSeed.array == Array(expectedKeys[20..<40]))
        #expect(circuitKeys.forwardKey.array == Array(expectedKeys[40..<56]))
        #expect(circuitKeys.backwardKey.array == Array(expectedKeys[56..<72]))
        #expect(circuitKeys.handshakeNonce.array == Array(expectedKeys[72..<92]))
    }

    static func startClient(_ extensions: [HandshakeExtension] = []) throws(CryptoError) -> NtorV3Handshake.Client {
        try NtorV3Handshake.Client(ed25519Identity: identity, onionKey: onionKey.publicKey, extensions: extensions)
    }

    @Test func `extensions travel both ways and are sorted on the way`() throws {
        let asked = [HandshakeExtension(type: 0xf0, body: [1, 2, 3]), HandshakeExtension(type: 1, body: [])]
        let answered = [HandshakeExtension(type: 2, body: [31])]
        let client = try Self.startClient(asked)
        let skin = client.message
        let server = try NtorV3Handshake.Server(skin.span.bytes, keys: Self.keys)
        #expect(server.extensions == [asked[1], asked[0]])
        let reply = try server.respond(extensions: answered)
        let result = try client.finish(reply.message.span.bytes)
        #expect(result.extensions == answered)
        let same = result.keyStream.bytes(count: 160) == reply.keyStream.bytes(count: 160)
        #expect(same)
    }

    @Test func `the previous onion key still answers`() throws {
        let keys = OnionKeySnapshot(
            rsaIdentity: Self.keys.rsaIdentity, ed25519Identity: Self.identity, current: X25519.KeyPair(),
            previous: Self.onionKey)
        let client = try Self.startClient()
        let skin = client.message
        let reply = try NtorV3Handshake.Server(skin.span.bytes, keys: keys).respond(extensions: [])
        let result = try client.finish(reply.message.span.bytes)
        let same = result.keyStream.bytes(count: 160) == reply.keyStream.bytes(count: 160)
        #expect(same)
    }

    private func serverError(_ message: [UInt8], keys: OnionKeySnapshot = Self.keys) -> CryptoError? {
        thrown { () throws(CryptoError) in _ = try NtorV3Handshake.Server(message.span.bytes, keys: keys) }
    }

    private func clientError(_ change: (inout [UInt8]) -> Void) throws -> CryptoError? {
        let client = try Self.startClient()
        let skin = client.message
        let reply = try NtorV3Handshake.Server(skin.span.bytes, keys: Self.keys).respond(extensions: [])
        var bytes = reply.message
        change(&bytes)
        do throws(CryptoError) {
            _ = try client.finish(bytes.span.bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func `the relay refuses what it must`() throws {
        let message = try Self.startClient([HandshakeExtension(type: 1, body: [])]).message
        for count in 0..<message.count {
            let expected: CryptoError = count < 128 ? .messageTooShort : .badAuthentication
            #expect(serverError(Array(message[..<count])) == expected)
        }
        #expect(serverError(message + [0]) == .badAuthentication)
        #expect(serverError(message + [UInt8](repeating: 0, count: 400)) == .messageTooLong)

        var wrongIdentity = message
        wrongIdentity[0] ^= 1
        #expect(serverError(wrongIdentity) == .wrongIdentity)
        var wrongKey = message
        wrongKey[32] ^= 1
        #expect(serverError(wrongKey) == .unknownOnionKey)
        var smallOrder = message
        smallOrder.replaceSubrange(64..<96, with: [UInt8](repeating: 0, count: 32))
        #expect(serverError(smallOrder) == .badPoint)
        for index in 96..<message.count {
            var changed = message
            changed[index] ^= 0x40
            #expect(serverError(changed) == .badAuthentication)
        }
    }

    @Test func `the client refuses what it must`() throws {
        #expect(try clientError { _ in } == nil)
        #expect(try clientError { $0.removeLast($0.count - 63) } == .messageTooShort)
        #expect(try clientError { $0.removeLast() } == .badAuthentication)
        #expect(try clientError { $0 += [UInt8](repeating: 0, count: 496) } == .messageTooLong)
        #expect(try clientError { $0[32] ^= 1 } == .badAuthentication)
        #expect(try clientError { $0[64] ^= 1 } == .badAuthentication)
        #expect(try clientError { $0[3] ^= 1 } == .badAuthentication)
        #expect(try clientError { $0.replaceSubrange(0..<32, with: [UInt8](repeating: 0, count: 32)) } == .badPoint)
    }

    @Test func `an onion key of small order is refused before anything is sent`() {
        let zero = X25519.PublicKey([UInt8](repeating: 0, count: 32))!
        let error = thrown { () throws(CryptoError) in
            _ = try NtorV3Handshake.Client(ed25519Identity: Self.identity, onionKey: zero, extensions: [])
        }
        #expect(error == .badPoint)
    }

    @Test func `what does not fit into a cell is refused`() throws {
        let big = HandshakeExtension(type: 1, body: [UInt8](repeating: 0, count: 255))
        let rest = HandshakeExtension(type: 2, body: [UInt8](repeating: 0, count: 377 - 1 - 257 - 2))
        let client = try Self.startClient([big, rest])
        #expect(client.message.count == 505)
        let tooLong = thrown { () throws(CryptoError) in _ = try Self.startClient([big, big]) }
        #expect(tooLong == .messageTooLong)
        let answer = thrown { () throws(CryptoError) in
            _ = try NtorV3Handshake.Server(Self.startClient().message.span.bytes, keys: Self.keys).respond(
                extensions: [big, big])
        }
        #expect(answer == .messageTooLong)
    }

    @Test func `a message that is no list of extensions is refused`() throws {
        for body in [[], [1], [1, 5], [1, 5, 2, 0], [0, 0], [1, 5, 0, 9]] as [[UInt8]] {
            let client = try NtorV3Handshake.Client(
                ed25519Identity: Self.identity, onionKey: Self.onionKey.publicKey, body: body,
                verification: NtorV3Handshake.circuitVerification, ephemeral: X25519.KeyPair())
            let error = serverError(client.message)
            #expect(error == .messageTooShort || error == .messageTooLong, "\(body)")
        }
    }
}

@Suite struct HandshakeExtensionTests {
    @Test func `a list is encoded in ascending order and decoded in any`() throws {
        let list = [HandshakeExtension(type: 3, body: [2, 6]), HandshakeExtension(type: 1, body: [])]
        #expect(try HandshakeExtension.encode(list) == hex("02 0100 03020206"))
        #expect(try HandshakeExtension.decode(hex("02 03020206 0100").span.bytes) == list)
        #expect(try HandshakeExtension.encode([]) == [0])
        #expect(try HandshakeExtension.decode(hex("02 0100 0100").span.bytes).count == 2)
    }

    @Test func `truncations and trailing bytes are refused`() throws {
        let bytes = hex("02 0100 03020206")
        for count in 0..<bytes.count {
            let error = thrown { () throws(CryptoError) in
                _ = try HandshakeExtension.decode(Array(bytes[..<count]).span.bytes)
            }
            #expect(error == .messageTooShort)
        }
        let error = thrown { () throws(CryptoError) in _ = try HandshakeExtension.decode((bytes + [0]).span.bytes) }
        #expect(error == .messageTooLong)
    }

    @Test func `a body that its length byte cannot tell is refused`() {
        let error = thrown { () throws(CryptoError) in
            _ = try HandshakeExtension.encode([HandshakeExtension(type: 1, body: [UInt8](repeating: 0, count: 256))])
        }
        #expect(error == .messageTooLong)
    }
}
