import Cells
import Channels
import Circuits
import Logging
import NIOCore
import NIOPosix
import OnionCrypto
import PluginHost
import Synchronization
import Testing
import Transport

@testable import CellPath

/// All tests that open sockets: one after another.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct CorridorTests {}

/// A relay or client of a few loops in this process, with real sockets on loopback.
final class TestNode: @unchecked Sendable {
    let group: MultiThreadedEventLoopGroup
    let environment: CellPathEnvironment
    let directory: CorridorDirectory
    let keys: TestKeys?
    private(set) var listener: Listener?
    private let host: UInt8

    /// Starts a node; a relay if it has keys.
    init(
        loops count: Int = 1, keys: TestKeys? = nil, host: UInt8 = 1, memory: Int = 1 << 30,
        plugins: PluginShelf? = nil, acceptor: (@Sendable (any EventLoop) -> any StreamAcceptor)? = nil,
        change: (@Sendable (inout CellPathSettings) -> Void)? = nil
    ) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        self.keys = keys
        self.host = host
        let group = self.group
        let loops = (0..<count).map { _ in group.next() }
        environment = CellPathEnvironment(
            loops: loops, memory: MemoryBudget(limit: memory), bandwidth: SharedBandwidth(now: .now),
            dialer: DirectDialer(bindIPv4: IPAddress(ipv4: 0x7f00_0000 | UInt32(host)), timeout: .seconds(5)),
            workerCount: 1, plugins: plugins, logger: Logger(label: "test"))
        directory = CorridorDirectory(count: count)
        var settings = CellPathSettings(clientTLS: try TLSContext(clientWith: .all))
        settings.extendsToPrivateAddresses = true
        if let keys {
            settings.identities = LinkIdentities(keys.link)
            settings.onionKeys = keys.snapshot
            settings.serverTLS = try TLSContext(
                serverCertificate: keys.link.tlsCertificate, key: try keys.link.copyTLSKey().copyToArray())
            settings.ownAddresses = [IPAddress(ipv4: 0x7f00_0000 | UInt32(host))]
        }
        change?(&settings)
        for (index, loop) in loops.enumerated() {
            let settings = settings
            try await loop.submit { [self] in
                let corridor = Corridor(index: index, environment: environment, settings: settings)
                corridor.streamAcceptor = acceptor?(loop)
                directory.put(corridor)
                corridor.start(directory)
            }.get()
        }
        guard keys != nil else { return }
        let endpoint = SocketEndpoint(address: IPAddress(ipv4: 0x7f00_0000 | UInt32(host)), port: 0)
        listener = try await Listener.bind(endpoint, loops: group) { [self] socket in
            let index = loops.firstIndex { $0 === socket.eventLoop } ?? 0
            try directory.corridor(index)?.accept(socket)
        }.get()
    }

    /// How others reach it.
    var target: HopTarget {
        HopTarget(
            rsaIdentity: keys!.link.rsaIdentity, ed25519Identity: keys!.link.ed25519Identity,
            endpoints: [listener!.endpoint], onionKey: keys!.snapshot.current.publicKey)
    }

    /// The same, taking ntor-v3.
    var modernTarget: HopTarget {
        var target = target
        target.supportsNtorV3 = true
        return target
    }

    /// The same, with congestion control.
    var congestedTarget: HopTarget {
        var target = modernTarget
        target.supportsCongestionControl = true
        return target
    }

    /// The same, speaking of plugins too.
    var pluginTarget: HopTarget {
        var target = modernTarget
        target.supportsPlugins = true
        return target
    }

    /// Runs `body` with the corridor of a loop, on that loop.
    func run<Result: Sendable>(
        on index: Int = 0, _ body: @escaping @Sendable (Corridor) throws -> Result
    ) async throws -> Result {
        try await environment.loops[index].submit { [self] in
            try body(try #require(directory.corridor(index)))
        }.get()
    }

    /// All loops' counters.
    func counters() async throws -> CellPathCounters {
        var sum = CellPathCounters()
        for index in environment.loops.indices { sum += try await run(on: index) { $0.counters } }
        return sum
    }

    func stop() async throws {
        try await listener?.close().get()
        for index in environment.loops.indices { try await run(on: index) { $0.shutDown() } }
        try await Task.sleep(for: .milliseconds(20))
        environment.workers.shutDown()
        try await group.shutdownGracefully()
    }
}

/// A relay's keys, made once and shared by tests: RSA keys take a while.
final class TestKeys: Sendable {
    let link: LinkIdentity
    let snapshot: OnionKeySnapshot

    static let all: [TestKeys] = (0..<4).map { _ in try! TestKeys() }

    init() throws {
        var random = SystemRandom()
        let master = Ed25519.KeyPair()
        let signing = Ed25519.KeyPair()
        let certificate = try Ed25519Certificate(
            type: .signingKey,
            expirationHours: Ed25519Certificate.expirationHours(from: .now, lifetime: 30 * 86_400),
            certifiedKey: signing.publicKey.bytes, signer: master, namesSigner: true)
        link = try LinkIdentity(
            keys: LinkIdentity.Keys(
                rsaIdentity: try RSAKeyPair(bits: 1_024), signingKey: signing, signingKeyCertificate: certificate),
            now: .now, using: &random)
        snapshot = OnionKeySnapshot(
            rsaIdentity: link.rsaIdentity.bytes, ed25519Identity: link.ed25519Identity.bytes,
            current: X25519.KeyPair())
    }
}

/// Watches a circuit that a test has built.
final class CircuitWatch: ClientCircuitOwner, @unchecked Sendable {
    let built: EventLoopPromise<Void>
    let closed: EventLoopPromise<CircuitEnding>
    var grown = 0
    /// Touched on its loop only.
    var circuit: (any ClientCircuit)?

    init(_ loop: any EventLoop) {
        built = loop.makePromise()
        closed = loop.makePromise()
    }

    func circuitGrew(_ circuit: any ClientCircuit) { grown += 1 }

    func circuitBuilt(_ circuit: any ClientCircuit) { built.succeed() }

    func circuitClosed(_ circuit: any ClientCircuit, _ ending: CircuitEnding) {
        self.circuit = nil
        built.fail(CircuitClosed(ending: ending))
        closed.succeed(ending)
    }
}

struct CircuitClosed: Error {
    let ending: CircuitEnding
}

extension TestNode {
    /// Builds a circuit along `path` on a loop.
    func build(_ path: [HopTarget], on index: Int = 0) async throws -> CircuitWatch {
        let watch = CircuitWatch(environment.loops[index])
        try await run(on: index) { watch.circuit = $0.launch(path, owner: watch) }
        try await watch.built.futureResult.get()
        return watch
    }

    /// The same, of which nothing good is expected.
    func fail(_ path: [HopTarget], on index: Int = 0) async throws -> CircuitEnding {
        let watch = CircuitWatch(environment.loops[index])
        try await run(on: index) { watch.circuit = $0.launch(path, owner: watch) }
        watch.built.futureResult.whenComplete { _ in }
        return try await watch.closed.futureResult.get()
    }
}

/// A client's stream that sends a pattern and checks that it comes back.
final class EchoStream: StreamOwner, @unchecked Sendable {
    let connected: EventLoopPromise<ConnectedMessage>
    let done: EventLoopPromise<Int>
    let ended: EventLoopPromise<EndMessage>
    var port: (any StreamPort)?
    private var toSend: Int
    private(set) var sent = 0
    private(set) var received = 0
    private(set) var isIntact = true
    /// Bytes per `streamReceived`, for those who look at batching.
    private(set) var deliveries = 0

    init(_ loop: any EventLoop, count: Int) {
        connected = loop.makePromise()
        done = loop.makePromise()
        ended = loop.makePromise()
        toSend = count
    }

    func streamConnected(_ message: ConnectedMessage) {
        connected.succeed(message)
        pump()
    }

    func streamResolved(_ message: ResolvedMessage) {}

    func streamMaySend() { pump() }

    private func pump() {
        while sent < toSend, let port {
            let room = min(port.sendableBytes, toSend - sent)
            guard room > 0 else { return }
            let taken = withPattern(at: sent, count: room) { port.send($0) }
            sent += taken
            guard taken > 0 else { return }
        }
    }

    func streamReceived(_ bytes: ByteBuffer) {
        deliveries += 1
        bytes.withUnsafeReadableBytes { if !matchesPattern($0, at: received) { isIntact = false } }
        received += bytes.readableBytes
        if received == toSend { done.succeed(received) }
    }

    func streamEnded(_ message: EndMessage) {
        connected.fail(StreamFailed(message: message))
        if received < toSend { done.fail(StreamFailed(message: message)) }
        ended.succeed(message)
    }
}

struct StreamFailed: Error {
    let message: EndMessage
}

/// Exits' side: echoes what it gets; the port says how. Port 1 refuses, 2 never answers, 3 swallows.
final class EchoAcceptor: StreamAcceptor {
    func accept(_ request: StreamRequest, port: any StreamPort, isFirstHop: Bool) -> (any StreamOwner)? {
        switch request {
        case .begin(let message):
            if message.port == 1 {
                port.end(EndMessage(reason: .connectRefused))
                return nil
            }
            let owner = EchoOwner(port)
            if message.port == 3 { owner.swallows = true }
            if message.port != 2 { port.sendConnected(ConnectedMessage(address: message.ipAddress, timeToLive: 60)) }
            return owner
        case .beginDirectory:
            port.sendConnected(ConnectedMessage())
            return EchoOwner(port)
        case .resolve:
            port.sendResolved(ResolvedMessage(answers: [.init(.address(.v4(0x0102_0304)), timeToLive: 60)]))
            return nil
        }
    }
}

final class EchoOwner: StreamOwner {
    private let port: any StreamPort
    private var waiting = ByteBuffer()
    var swallows = false

    init(_ port: any StreamPort) { self.port = port }

    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) {}

    func streamReceived(_ bytes: ByteBuffer) {
        guard !swallows else {
            port.isBacklogged = true
            return
        }
        waiting.writeImmutableBuffer(bytes)
        pump()
    }

    func streamMaySend() { pump() }

    func streamEnded(_ message: EndMessage) {}

    private func pump() {
        while waiting.readableBytes > 0, port.sendableBytes > 0 {
            let taken = waiting.withUnsafeReadableBytes { port.send($0) }
            waiting.moveReaderIndex(forwardBy: taken)
            if taken == 0 { break }
        }
        waiting.discardReadBytes()
        // The reader of an echo is slow if its way back is.
        port.isBacklogged = waiting.readableBytes > 65_536
    }
}

/// Bytes that differ everywhere a cell might begin.
private let pattern: [UInt8] = (0..<(65_521 + 65_536)).map {
    UInt8(truncatingIfNeeded: ($0 % 65_521) &* 31 &+ ($0 % 65_521) >> 8)
}

func withPattern<Result>(at position: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    pattern.withUnsafeBytes { bytes in
        let start = position % 65_521
        return body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + min(count, 65_536))]))
    }
}

func matchesPattern(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Bool {
    var done = 0
    while done < bytes.count {
        let length = min(65_536, bytes.count - done)
        let same = withPattern(at: position + done, count: length) { expected in
            UnsafeRawBufferPointer(rebasing: bytes[done..<(done + length)]).elementsEqual(expected)
        }
        guard same else { return false }
        done += length
    }
    return true
}
