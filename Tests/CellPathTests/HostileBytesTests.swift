import Cells
import Channels
import Circuits
import Logging
import NIOCore
import NIOPosix
import OnionCrypto
import ProtocolTestKit
import Synchronization
import Testing
import Transport

@testable import CellPath

extension CorridorTests {
    /// What peers may throw at an ORPort, and what becomes of it, while others' traffic goes on.
    @Suite struct HostileBytesTests {
        /// A relay to be tormented, with honest traffic through it that must not suffer.
        private struct Scene {
            let relay: TestNode
            let client: TestNode
            let honest: EchoStream

            func stop() async throws {
                // The honest stream has lived through all of it.
                _ = try await honest.done.futureResult.get()
                #expect(honest.isIntact)
                try await client.stop()
                try await relay.stop()
            }
        }

        private func scene(_ change: (@Sendable (inout CellPathSettings) -> Void)? = nil) async throws -> Scene {
            let relay = try await TestNode(
                loops: 2, keys: TestKeys.all[0], host: 21, acceptor: { _ in EchoAcceptor() }, change: change)
            let client = try await TestNode(host: 20)
            let watch = try await client.build([relay.target])
            let honest = try await client.run { corridor in
                let stream = EchoStream(corridor.eventLoop, count: 2_000_000)
                stream.port = watch.circuit?.openStream(.beginDirectory, owner: stream)
                return stream
            }
            return Scene(relay: relay, client: client, honest: honest)
        }

        @Test(arguments: [
            // VERSIONS of odd length; without a common version; something else first.
            [0, 0, 7, 0, 3, 0, 4, 0], [0, 0, 7, 0, 4, 0, 1, 0, 2], [0, 0, 129, 0, 4, 0, 1, 0, 2],
            Array("GET / HTTP/1.0\r\n\r\n".utf8), [UInt8](repeating: 0xA5, count: 20_000),
        ]) func `a link handshake that is none closes the channel`(bytes: [UInt8]) async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.send(bytes)
            try await attacker.expectClosed()
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `a second CERTS closes the channel`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.send(VersionsCell(versions: [4, 5]).wire())
            let certs = CertsCell(entries: []).wire()
            try await attacker.send(certs + certs)
            try await attacker.expectClosed()
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `cells for no circuit, and CREATE on a used or zero ID, are dropped and counted`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            try await attacker.createFast(id: 0x8000_0001)
            try await attacker.send(relayCell(id: 0x8000_0099))
            try await attacker.send(DestroyCell(reason: .none).wire(circuitID: CircuitID(rawValue: 0x8000_0098)))
            let create = CreateFastCell(clientRandom: [UInt8](repeating: 1, count: 20))
            try await attacker.send(create.wire(circuitID: CircuitID(rawValue: 0x8000_0001)))
            try await attacker.send(create.wire(circuitID: .zero))
            try await eventually {
                let counters = try await scene.relay.counters()
                return counters.droppedUnknownCircuit == 2 && counters.droppedCreate == 2
            }
            // The channel and its circuit live.
            #expect(try await scene.relay.circuitCount() == 2)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `CREATE in the wrong half of the IDs, of TAP or malformed, is answered by DESTROY`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let wrongHalf = CreateFastCell(clientRandom: [UInt8](repeating: 1, count: 20))
                .wire(circuitID: CircuitID(rawValue: 7))
            #expect(try await attacker.destroyReason(after: wrongHalf, id: 7) == .torProtocol)
            let tap = Create2Cell(handshakeType: .tap, handshakeData: [UInt8](repeating: 0, count: 186))
                .wire(circuitID: CircuitID(rawValue: 0x8000_0002))
            #expect(try await attacker.destroyReason(after: tap, id: 0x8000_0002) == .torProtocol)
            var long = Create2Cell(handshakeType: .ntor, handshakeData: []).wire(
                circuitID: CircuitID(rawValue: 0x8000_0003))
            long[7] = 0xFF
            long[8] = 0xFF
            #expect(try await attacker.destroyReason(after: long, id: 0x8000_0003) == .torProtocol)
            let garbage = Create2Cell(handshakeType: .ntor, handshakeData: [UInt8](repeating: 3, count: 84))
                .wire(circuitID: CircuitID(rawValue: 0x8000_0004))
            #expect(try await attacker.destroyReason(after: garbage, id: 0x8000_0004) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `a ninth RELAY_EARLY closes the circuit`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let layers = try await attacker.createFast(id: 0x8000_0001)
            for _ in 0..<8 {
                try await attacker.send(
                    layers.seal(DropMessage(), command: .relayEarly, id: 0x8000_0001))
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await scene.relay.circuitCount() == 2)
            let ninth = layers.seal(DropMessage(), command: .relayEarly, id: 0x8000_0001)
            #expect(try await attacker.destroyReason(after: ninth, id: 0x8000_0001) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `DATA beyond the window closes the circuit`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let layers = try await attacker.createFast(id: 0x8000_0001)
            // Port 3 swallows and does not acknowledge the stream, whose window is 500 cells.
            try await attacker.send(
                layers.seal(
                    BeginMessage(address: "1.2.3.4", port: 3), stream: 9, command: .relay, id: 0x8000_0001))
            var flood: [UInt8] = []
            for _ in 0..<501 {
                flood += layers.seal(DataMessage([1, 2, 3]), stream: 9, command: .relay, id: 0x8000_0001)
            }
            #expect(try await attacker.destroyReason(after: flood, id: 0x8000_0001) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `a SENDME that nobody asked for closes the circuit`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let layers = try await attacker.createFast(id: 0x8000_0001)
            let sendme = layers.seal(
                SendmeMessage.v1(tag: [UInt8](repeating: 7, count: 20)), command: .relay, id: 0x8000_0001)
            #expect(try await attacker.destroyReason(after: sendme, id: 0x8000_0001) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `a cell that is nobody's closes the circuit that ends here`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            try await attacker.createFast(id: 0x8000_0001)
            #expect(
                try await attacker.destroyReason(after: relayCell(id: 0x8000_0001), id: 0x8000_0001) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `extending to a private address is refused where it is not allowed`() async throws {
            let scene = try await scene { $0.extendsToPrivateAddresses = false }
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let layers = try await attacker.createFast(id: 0x8000_0001)
            let extend = Extend2Message(
                linkSpecifiers: TestNode.target(of: TestKeys.all[1]).linkSpecifiers, handshakeType: .ntor,
                handshakeData: [UInt8](repeating: 1, count: 84))
            let cell = layers.seal(extend, command: .relayEarly, id: 0x8000_0001)
            #expect(try await attacker.destroyReason(after: cell, id: 0x8000_0001) == .torProtocol)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `DATA, and EXTEND2 to two relays at once, are judged as in C Tor`() async throws {
            let scene = try await scene()
            let attacker = try await RawPeer(to: scene.relay)
            try await attacker.shakeHands()
            let layers = try await attacker.createFast(id: 0x8000_0001)
            // DATA for no stream is dropped; the circuit lives.
            try await attacker.send(
                layers.seal(DataMessage([1]), stream: 77, command: .relay, id: 0x8000_0001))
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await scene.relay.circuitCount() == 2)
            var target = TestNode.target(of: TestKeys.all[1])
            target.endpoints = [SocketEndpoint(address: IPAddress(ipv4: 0x7f00_00fd), port: 9)]
            let extend = Extend2Message(
                linkSpecifiers: target.linkSpecifiers, handshakeType: .ntor,
                handshakeData: [UInt8](repeating: 1, count: 84))
            let twice =
                layers.seal(extend, command: .relayEarly, id: 0x8000_0001)
                + layers.seal(extend, command: .relayEarly, id: 0x8000_0001)
            let reason = try await attacker.destroyReason(after: twice, id: 0x8000_0001)
            #expect(reason == .torProtocol || reason == .connectFailed)
            try await attacker.stop()
            try await scene.stop()
        }

        @Test func `silent connections and half a TLS handshake end at the limit, descriptors come back`() async throws
        {
            let scene = try await scene { $0.handshakeTime = .milliseconds(800) }
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let endpoint = try #require(scene.relay.listener?.endpoint)
            let before = openSockets(localPort: endpoint.port)
            var sockets: [any Channel] = []
            for number in 0..<500 {
                let socket = try await ClientBootstrap(group: group)
                    .connect(host: endpoint.address.description, port: Int(endpoint.port)).get()
                // The first bytes of a ClientHello, from every other one.
                if number % 2 == 0 { try await socket.writeAndFlush(ByteBuffer(bytes: [22, 3, 1, 2, 0, 1])) }
                sockets.append(socket)
            }
            for socket in sockets { try await socket.closeFuture.get() }
            try await group.shutdownGracefully()
            try await eventually { openSockets(localPort: endpoint.port) <= before }
            try await scene.stop()
        }
    }
}

private func relayCell(id: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: id)
    bytes.append(CellCommand.relay.rawValue)
    bytes += [UInt8](repeating: 0x5A, count: 509)
    return bytes
}

extension TestNode {
    /// Somewhere on loopback, where nothing listens.
    static func target(of keys: TestKeys) -> HopTarget {
        HopTarget(
            rsaIdentity: keys.link.rsaIdentity, ed25519Identity: keys.link.ed25519Identity,
            endpoints: [SocketEndpoint(address: IPAddress(ipv4: 0x7f00_0001), port: 9)],
            onionKey: keys.snapshot.current.publicKey)
    }

    func circuitCount() async throws -> Int {
        var count = 0
        for index in environment.loops.indices { count += try await run(on: index) { $0.circuitCount } }
        return count
    }
}

/// A client's half of one circuit of one hop, for peers that do as they like.
private final class RawLayers: @unchecked Sendable {
    private var forward: OnionLayer
    private var random = SystemRandom()

    init(_ keys: borrowing CircuitKeys) { forward = keys.makeForwardLayer() }

    /// A whole cell with a message, sealed.
    func seal(_ message: some RelayMessage, stream: UInt16 = 0, command: CellCommand, id: UInt32) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: 509)
        body.withUnsafeMutableBytes { bytes in
            // Safe: the array's own bytes, for the length of the call.
            var span = MutableRawSpan(_unsafeBytes: bytes)
            RelayCellFormat.v0.encode(message, streamID: StreamID(rawValue: stream), into: &span, using: &random)
            _ = forward.originate(command: command.rawValue, &span)
        }
        var bytes: [UInt8] = []
        bytes.append(bigEndian: id)
        bytes.append(command.rawValue)
        return bytes + body
    }
}

/// A peer with TLS and nothing else: sends what it is told, and remembers what comes.
private final class RawPeer: TLSHandlerOwner, @unchecked Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    private let isSecured: EventLoopPromise<Void>
    private let isClosed: EventLoopPromise<Void>
    private var tls: TLSHandler?
    private let received = Mutex<[UInt8]>([])

    init(to relay: TestNode) async throws {
        loop = group.next()
        isSecured = loop.makePromise()
        isClosed = loop.makePromise()
        let endpoint = try #require(relay.listener?.endpoint)
        let context = try TLSContext(clientWith: .all)
        let loop = self.loop
        _ = try await loop.submit { [self] in
            let transport = TransportLoop(eventLoop: loop, bandwidth: SharedBandwidth(now: .now))
            let handler = try TLSHandler(context: context, loop: transport)
            tls = handler
            let bound = NIOLoopBound(handler, eventLoop: loop)
            return DirectDialer(timeout: .seconds(5)).dial(endpoint, on: loop) { [self] in
                try bound.value.install(on: $0, owner: self)
            }
        }.get().get()
        try await isSecured.futureResult.get()
    }

    func connectionSecured() { isSecured.succeed() }
    func receive(plaintext: UnsafeRawBufferPointer) { received.withLock { $0 += plaintext } }
    func burstEnded() {}
    func connectionWritable() {}
    func connectionClosed(_ reason: TransportError) {
        isSecured.fail(reason)
        isClosed.succeed()
    }

    func send(_ bytes: [UInt8]) async throws {
        try await loop.submit { [self] in
            tls?.append(bytes)
            tls?.flush()
        }.get()
    }

    func expectClosed() async throws {
        let timer = loop.scheduleTask(in: .seconds(5)) { [isClosed] in isClosed.fail(TransportError.closedLocally) }
        try await isClosed.futureResult.get()
        timer.cancel()
    }

    /// The link handshake, as a client that looks at nothing.
    func shakeHands() async throws {
        try await send(VersionsCell(versions: [4, 5]).wire())
        // VERSIONS, CERTS, AUTH_CHALLENGE and NETINFO: over two thousand bytes.
        try await eventually { self.received.withLock { $0.count } > 2_000 }
        try await send(
            NetinfoCell(timestamp: 0, otherAddress: .v4(0x7f00_0015), ownAddresses: []).wire(circuitID: .zero))
        received.withLock { $0 = [] }
    }

    @discardableResult
    func createFast(id: UInt32) async throws -> RawLayers {
        let handshake = CreateFastHandshake.Client()
        received.withLock { $0 = [] }
        try await send(CreateFastCell(clientRandom: handshake.message).wire(circuitID: CircuitID(rawValue: id)))
        try await eventually { self.received.withLock { $0.count } >= 514 }
        let cell = received.withLock { Array($0.suffix(514)) }
        #expect(cell[4] == CellCommand.createdFast.rawValue)
        let reply = Array(cell[5..<45])
        let keys = try handshake.finish(reply.span.bytes).circuitKeys()
        return RawLayers(keys)
    }

    /// What DESTROY says that comes for a circuit after these bytes.
    func destroyReason(after bytes: [UInt8], id: UInt32) async throws -> DestroyReason? {
        received.withLock { $0 = [] }
        try await send(bytes)
        var prefix: [UInt8] = []
        prefix.append(bigEndian: id)
        prefix.append(CellCommand.destroy.rawValue)
        let wanted = prefix
        nonisolated(unsafe) var reason: DestroyReason?
        try await eventually {
            let bytes = self.received.withLock { $0 }
            var start = 0
            while start + 514 <= bytes.count {
                if Array(bytes[start..<(start + 5)]) == wanted {
                    reason = DestroyReason(rawValue: bytes[start + 5])
                    return true
                }
                start += 514
            }
            return false
        }
        return reason
    }

    func stop() async throws {
        try await loop.submit { [self] in tls?.abort() }.get()
        try? await isClosed.futureResult.get()
        try await group.shutdownGracefully()
    }
}
