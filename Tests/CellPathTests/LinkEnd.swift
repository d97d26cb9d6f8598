import Cells
import Channels
import Foundation
import NIOCore
import NIOPosix
import OnionCrypto
import Testing
import Transport

/// The smallest driver there can be: a `ChannelMachine` on a `TLSHandler`. It keeps the cells that come when it is open.
///
/// Lives on its event loop; tests reach it with `run`.
final class LinkEnd: TLSHandlerOwner, @unchecked Sendable {
    struct Received: Sendable {
        var circuitID: CircuitID
        var command: CellCommand
        var body: [UInt8]
    }

    let loop: LinkLoop
    private let role: (LinkEnd) -> ChannelRole
    private let remote: IPAddress
    private var handler: TLSHandler?
    private var machine: ChannelMachine?
    private var reader = CellReader()
    private var random = SystemRandom()
    private(set) var channel: OpenChannel?
    private(set) var fault: ChannelFault?
    private(set) var closing: TransportError?
    private(set) var received: [Received] = []

    init(loop: LinkLoop, remote: IPAddress, role: @escaping (LinkEnd) -> ChannelRole) {
        self.loop = loop
        self.remote = remote
        self.role = role
    }

    func install(_ context: TLSContext, on socket: any Channel) throws {
        let handler = try TLSHandler(context: context, loop: loop.transport, options: .init(isMetered: false))
        self.handler = handler
        try handler.install(on: socket, owner: self)
    }

    var tlsVersion: UInt16 { handler?.version ?? 0 }

    func connectionSecured() {
        guard let handler else { return }
        let role = role(self)
        let certificate = role.isInitiator ? handler.peerCertificate : handler.ownCertificate
        let connection = ChannelConnection(
            responderCertificate: certificate ?? [], remoteAddress: remote, ownAddresses: [.v4(0x7F00_0001)])
        let machine = ChannelMachine(role, connection: connection, now: .now)
        handler.append(machine.firstBytes)
        handler.flush()
        self.machine = consume machine
    }

    func receive(plaintext: UnsafeRawBufferPointer) {
        var rest = plaintext
        while fault == nil {
            do throws(CellReader.Failure) {
                switch try reader.next(&rest, pool: loop.cells) {
                case .needsMore: return
                case .outOfMemory: return
                case .cell(let cell): receive(cell)
                case .variable(let cell): receive(cell)
                }
            } catch {
                Issue.record("what came is no cell: \(error)")
                return
            }
        }
    }

    private func receive(_ cell: consuming Cell) {
        if machine?.isOpen == true {
            received.append(
                Received(
                    circuitID: cell.circuitID, command: cell.command, body: Array(copying: cell.bodyBytes)))
        } else if let action = machine?.receiveFixed(cell.command, body: cell.bodyBytes, wallTime: loop.wallTime) {
            perform(action)
        }
    }

    private func receive(_ cell: CellReader.VariableCell) {
        if let context = machine?.exporterContext, let material = try? handler?.exportKeyingMaterial(context: context) {
            machine?.provide(exporter: material)
        }
        let action = machine?.receiveVariable(
            cell.command, circuitID: cell.circuitID, body: cell.body.span.bytes, wire: cell.wire.span.bytes,
            wallTime: loop.wallTime, using: &random)
        if let action { perform(action) }
    }

    private func perform(_ action: ChannelMachine.ReceiveAction) {
        switch action {
        case .wait: break
        case .send(let bytes): send(bytes)
        case .open(let channel, let bytes):
            reader.isOpen = true
            self.channel = channel
            send(bytes)
        case .close(let fault):
            self.fault = fault
            handler?.close()
        }
    }

    func send(_ bytes: [UInt8]) {
        handler?.append(bytes)
        handler?.flush()
    }

    func burstEnded() {}
    func connectionWritable() {}

    func connectionClosed(_ reason: TransportError) {
        closing = reason
    }

    func close() { handler?.close() }

    /// Runs `body` on the end's loop.
    func run<Result: Sendable>(_ body: @escaping @Sendable (LinkEnd) -> Result) async throws -> Result {
        try await loop.loop.submit { body(self) }.get()
    }

    /// What `body` finds, as soon as it finds something; nil after twenty seconds or when the connection is gone.
    func wait<Result: Sendable>(_ body: @escaping @Sendable (LinkEnd) -> Result?) async throws -> Result? {
        for _ in 0..<2000 {
            if let result = try await run(body) { return result }
            if try await run({ $0.closing != nil }) { return try await run(body) }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }

    /// The channel, as soon as it is open.
    func opened() async throws -> OpenChannel {
        let channel = try await wait { $0.channel }
        let why = try await run { "\(String(describing: $0.fault)) \(String(describing: $0.closing))" }
        return try #require(channel, "\(why)")
    }

    /// The first cell of a command, as soon as it has come.
    func cell(_ command: CellCommand) async throws -> Received {
        let cell = try await wait { end in end.received.first { $0.command == command } }
        return try #require(cell)
    }
}

/// A thread with its transport and its cells.
final class LinkLoop: @unchecked Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    let cells = CellPool(budget: MemoryBudget(limit: 1 << 24))
    private(set) var transport: TransportLoop!

    init() async throws {
        loop = group.next()
        try await loop.submit { [self] in
            transport = TransportLoop(eventLoop: loop, bandwidth: SharedBandwidth(now: .now))
        }.get()
    }

    var wallTime: WallTime { WallTime(seconds: Int64(Date().timeIntervalSince1970)) }

    /// Dials a port of 127.0.0.1.
    func dial(_ port: UInt16, _ context: TLSContext, _ role: ChannelRole) async throws -> LinkEnd {
        let endpoint = SocketEndpoint(address: .v4(0x7F00_0001), port: port)
        let end = LinkEnd(loop: self, remote: endpoint.address) { _ in role }
        _ = try await DirectDialer().dial(endpoint, on: loop) { socket in
            try end.install(context, on: socket)
        }.get()
        return end
    }

    func stop() async throws { try await group.shutdownGracefully() }
}

/// A listening responder; the ends that it accepted.
final class LinkServer: @unchecked Sendable {
    let loop: LinkLoop
    let identity: LinkIdentity
    private(set) var port: UInt16 = 0
    private var listener: Listener?
    private var ends: [LinkEnd] = []

    init(_ identity: LinkIdentity, versions: TLSContext.Versions = .all) async throws {
        loop = try await LinkLoop()
        self.identity = identity
        let context = try TLSContext(
            serverCertificate: identity.tlsCertificate, key: identity.copyTLSKey().copyToArray(), versions: versions)
        let endpoint = SocketEndpoint(address: .v4(0x7F00_0001), port: 0)
        let listener = try await Listener.bind(endpoint, loops: loop.group) { [self] socket in
            let end = LinkEnd(loop: loop, remote: .v4(0x7F00_0001)) { [identity] _ in .responder(identity) }
            try end.install(context, on: socket)
            ends.append(end)
        }.get()
        self.listener = listener
        port = listener.endpoint.port
    }

    /// An end whose channel is open and has seen a command.
    func end(with command: CellCommand) async throws -> LinkEnd {
        for _ in 0..<3000 {
            let end = try await loop.loop.submit { [self] in
                ends.first { $0.channel != nil && $0.received.contains { $0.command == command } }
            }.get()
            if let end { return end }
            try await Task.sleep(for: .milliseconds(10))
        }
        let faults = try await loop.loop.submit { [self] in
            ends.map { "\(String(describing: $0.fault)) \(String(describing: $0.closing))" }
        }.get()
        Issue.record("no \(command) has come: \(faults)")
        throw TransportError.connectTimedOut
    }

    func stop() async throws {
        try await listener?.close().get()
        try await loop.stop()
    }
}

/// A relay's keys and what it presents now.
struct LinkTestRelay {
    let identity: LinkIdentity
    let onionKey = X25519.KeyPair()

    init() throws {
        let now = WallTime(seconds: Int64(Date().timeIntervalSince1970))
        let signing = Ed25519.KeyPair()
        let certificate = try Ed25519Certificate(
            type: .signingKey, expirationHours: Ed25519Certificate.expirationHours(from: now, lifetime: 86_400),
            certifiedKey: signing.publicKey.bytes, signer: Ed25519.KeyPair(), namesSigner: true)
        let keys = LinkIdentity.Keys(
            rsaIdentity: try RSAKeyPair(bits: 1024), signingKey: signing, signingKeyCertificate: certificate)
        var random = SystemRandom()
        identity = try LinkIdentity(keys: keys, now: now, using: &random)
    }

    var expected: ExpectedPeer {
        ExpectedPeer(rsaIdentity: identity.rsaIdentity, ed25519Identity: identity.ed25519Identity)
    }

    /// The keys that answer circuit handshakes.
    var onionKeys: OnionKeySnapshot {
        OnionKeySnapshot(
            rsaIdentity: identity.rsaIdentity.bytes, ed25519Identity: identity.ed25519Identity.bytes,
            current: onionKey)
    }
}
