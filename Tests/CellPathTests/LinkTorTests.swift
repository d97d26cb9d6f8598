import Cells
import Channels
import Foundation
import NIOCore
import OnionCrypto
import Testing
import Transport

/// Link handshakes, on real sockets: against ourselves, and against C Tor both ways.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct LinkTorTests {
    static let circuitID = CircuitID(rawValue: 0x8000_0001)

    @Test(arguments: [0x0303, 0x0304] as [UInt16])
    func `our two sides meet over TLS`(version: UInt16) async throws {
        let relay = try LinkTestRelay()
        let other = try LinkTestRelay()
        let server = try await LinkServer(relay.identity, versions: version == 0x0303 ? .only12 : .only13)
        let loop = try await LinkLoop()
        let context = try TLSContext()
        let client = try await loop.dial(server.port, context, .client(relay.expected))
        #expect(try await client.opened().rsaIdentity == relay.identity.rsaIdentity)
        #expect(try await client.run { $0.tlsVersion } == version)
        let initiator = try await loop.dial(server.port, context, .relay(other.identity, relay.expected))
        #expect(try await initiator.opened().isCanonical)
        try await initiator.run { $0.send(PaddingCell().wire(circuitID: .zero)) }
        let accepted = try await server.end(with: .padding)
        #expect(try await accepted.opened().ed25519Identity == other.identity.ed25519Identity)
        try await loop.stop()
        try await server.stop()
    }

    @Test func `a relay that is somebody else is left`() async throws {
        let server = try await LinkServer(try LinkTestRelay().identity)
        let loop = try await LinkLoop()
        let client = try await loop.dial(server.port, try TLSContext(), .client(try LinkTestRelay().expected))
        #expect(try await client.wait { $0.fault } == .wrongIdentity)
        try await loop.stop()
        try await server.stop()
    }

    @Test(.enabled(if: LinkTorProcess.isWanted))
    func `we dial a C Tor relay, as a client and as a relay, with TLS 1_2 and 1_3`() async throws {
        let port = try freeLoopbackPort()
        let tor = try LinkTorProcess.relay(port: port)
        defer { tor.end() }
        try await tor.waitForLog("Opened OR listener")
        try await tor.waitForLog("Rebuilding relay descriptor")
        let expected = ExpectedPeer(
            rsaIdentity: try tor.rsaIdentity(), ed25519Identity: try tor.ed25519Identity())
        let us = try LinkTestRelay()
        let loop = try await LinkLoop()
        let both: [(UInt16, TLSContext.Versions)] = [(0x0303, .only12), (0x0304, .only13)]
        for (version, versions) in both {
            let context = try TLSContext(clientWith: versions)
            for role in [ChannelRole.client(expected), .relay(us.identity, expected)] {
                let end = try await loop.dial(port, context, role)
                let channel = try await end.opened()
                #expect(try await end.run { $0.tlsVersion } == version)
                #expect(channel.linkProtocol == .v5)
                #expect(channel.rsaIdentity == expected.rsaIdentity)
                #expect(channel.ed25519Identity == expected.ed25519Identity)
                #expect(channel.isCanonical)
                #expect(channel.apparentAddress == .v4(0x7F00_0001))
                #expect(channel.clockSkew == nil)
                // The channel works: a circuit of one hop comes up.
                _ = try await Self.createFast(on: end)
                try await end.run { $0.close() }
            }
        }
        // C Tor knows us by name where we said who we are, and as nobody elsewhere.
        let good = tor.log.split(separator: "\n").filter { $0.contains("Got good NETINFO cell") }
        #expect(good.filter { $0.contains("Its ID digest is \(us.identity.rsaIdentity.hex)") }.count == 2)
        #expect(good.filter { $0.contains("Its ID digest is \(String(repeating: "0", count: 40))") }.count == 2)
        #expect(!tor.log.contains("Received a bad"))
        let wrong = ExpectedPeer(rsaIdentity: us.identity.rsaIdentity)
        let end = try await loop.dial(port, try TLSContext(), .client(wrong))
        #expect(try await end.wait { $0.fault } == .wrongIdentity)
        try await loop.stop()
    }

    @Test(.enabled(if: LinkTorProcess.isWanted), arguments: [0x0303, 0x0304] as [UInt16])
    func `a C Tor client dials us and sends CREATE_FAST`(version: UInt16) async throws {
        let us = try LinkTestRelay()
        let server = try await LinkServer(us.identity, versions: version == 0x0303 ? .only12 : .only13)
        let tor = try LinkTorProcess(
            ["SocksPort 127.0.0.1:\(try freeLoopbackPort())", "FetchDirInfoEarly 1", "FetchDirInfoExtraEarly 1"],
            authority: (server.port, us.identity.rsaIdentity.hex))
        defer { tor.end() }
        let end = try await server.end(with: .createFast)
        let channel = try await end.opened()
        #expect(channel.linkProtocol == .v5)
        #expect(!channel.isAuthenticated && !channel.isCanonical)
        #expect(try await end.run { $0.tlsVersion } == version)
        let create = try await end.cell(.createFast)
        #expect(channel.peerMayChoose(create.circuitID))
        #expect(tor.log.contains("Got good NETINFO cell"))
        #expect(tor.log.contains("learned peer id"))
        #expect(!tor.log.contains("Received a bad"))
        // It takes our answer, and goes on to ask for the consensus: RELAY cells.
        let body = try CreateFastCell(body: create.body.span.bytes)
        let reply = try CreateFastHandshake.respond(to: body.clientRandom.span.bytes)
        let created = CreatedFastCell(
            relayRandom: Array(reply.message.prefix(20)), keyDigest: Array(reply.message.suffix(20)))
        try await end.run { $0.send(created.wire(circuitID: create.circuitID)) }
        let relayed = try await end.wait { end in
            end.received.first { $0.command == .relay || $0.command == .relayEarly }
        }
        #expect(relayed?.circuitID == create.circuitID)
        try await server.stop()
    }

    @Test(.enabled(if: LinkTorProcess.isWanted))
    func `a C Tor relay extends a circuit to us, authenticated`() async throws {
        let port = try freeLoopbackPort()
        let tor = try LinkTorProcess.relay(port: port)
        defer { tor.end() }
        try await tor.waitForLog("Opened OR listener")
        try await tor.waitForLog("Rebuilding relay descriptor")
        let us = try LinkTestRelay()
        let server = try await LinkServer(us.identity)
        let loop = try await LinkLoop()
        let expected = ExpectedPeer(rsaIdentity: try tor.rsaIdentity(), ed25519Identity: try tor.ed25519Identity())
        let end = try await loop.dial(port, try TLSContext(), .client(expected))
        _ = try await end.opened()
        let stream = try await Self.createFast(on: end)
        let keys = stream.circuitKeys()
        var forward = keys.makeForwardLayer()
        var backward = keys.makeBackwardLayer()

        let handshake = NtorHandshake.Client(
            rsaIdentity: us.identity.rsaIdentity.bytes, onionKey: us.onionKey.publicKey)
        let message = Extend2Message(
            linkSpecifiers: [
                .endpoint(SocketEndpoint(address: .v4(0x7F00_0001), port: server.port)),
                .rsaIdentity(us.identity.rsaIdentity), .ed25519Identity(us.identity.ed25519Identity),
            ], handshakeType: .ntor, handshakeData: handshake.message)
        let extend = Self.cell(.relayEarly, message, through: &forward)
        try await end.run { $0.send(extend) }

        let accepted = try await server.end(with: .create2)
        let channel = try await accepted.opened()
        #expect(channel.rsaIdentity == expected.rsaIdentity)
        #expect(channel.ed25519Identity == expected.ed25519Identity)
        #expect(channel.isCanonical)
        let create = try await accepted.cell(.create2)
        let request = try Create2Cell(body: create.body.span.bytes)
        #expect(request.handshakeType == .ntor)
        let reply = try NtorHandshake.respond(to: request.handshakeData.span.bytes, keys: us.onionKeys)
        let created = Created2Cell(handshakeData: reply.message).wire(circuitID: create.circuitID)
        try await accepted.run { $0.send(created) }

        var body = try await end.cell(.relay).body
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        let tag = backward.receive(command: 3, &span)
        #expect(tag != nil)
        let header = try RelayCellFormat.v0.decodeHeader(body.span.bytes)
        #expect(header.command == .extended2)
        let extended = try Extended2Message(data: body.span.bytes.extracting(header.dataRange))
        _ = try handshake.finish(extended.handshakeData.span.bytes)
        try await loop.stop()
        try await server.stop()
    }

    @Test(.enabled(if: LinkTorProcess.isWanted))
    func `C Tor's key files make a link identity that C Tor's own identities belong to`() async throws {
        let tor = try LinkTorProcess.relay(port: try freeLoopbackPort())
        defer { tor.end() }
        try await tor.waitForLog("Opened OR listener")
        try await tor.waitForLog("Rebuilding relay descriptor")
        let pem = try tor.file("keys/secret_id_key")
        let rsa = try RSAKeyPair(pem: pem.span.bytes)
        // The files of Ed25519 keys begin with 32 bytes that say what they are.
        let master = Array(try tor.file("keys/ed25519_master_id_secret_key").dropFirst(32))
        let masterKey = Ed25519.KeyPair(expandedSecret: master.span.bytes)
        #expect(masterKey?.publicKey.bytes == (try tor.ed25519Identity()).bytes)
        let signing = Array(try tor.file("keys/ed25519_signing_secret_key").dropFirst(32))
        let signingKey = Ed25519.KeyPair(expandedSecret: signing.span.bytes)
        let certificate = Array(try tor.file("keys/ed25519_signing_cert").dropFirst(32))
        let keys = LinkIdentity.Keys(
            rsaIdentity: rsa, signingKey: try #require(signingKey),
            signingKeyCertificate: try Ed25519Certificate(parsing: certificate.span.bytes))
        var random = SystemRandom()
        let now = WallTime(seconds: Int64(Date().timeIntervalSince1970))
        let identity = try LinkIdentity(keys: keys, now: now, using: &random)
        #expect(identity.rsaIdentity == (try tor.rsaIdentity()))
        #expect(identity.ed25519Identity == (try tor.ed25519Identity()))
    }

    /// A circuit of one hop.
    static func createFast(on end: LinkEnd) async throws -> CircuitKeyStream {
        let handshake = CreateFastHandshake.Client()
        let create = CreateFastCell(clientRandom: handshake.message).wire(circuitID: circuitID)
        try await end.run { $0.send(create) }
        let cell = try await end.cell(.createdFast)
        #expect(cell.circuitID == circuitID)
        return try handshake.finish(cell.body.span.bytes.extracting(0..<40))
    }

    /// A relay message for the hop at the other end of a layer, in a cell.
    static func cell(_ command: CellCommand, _ message: some RelayMessage, through layer: inout OnionLayer) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: CellsSpec.bodyLength)
        var random = SystemRandom()
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        RelayCellFormat.v0.encode(message, streamID: StreamID(rawValue: 0), into: &span, using: &random)
        _ = layer.originate(command: command.rawValue, &span)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: circuitID.rawValue)
        bytes.append(command.rawValue)
        return bytes + body
    }
}
