import CellPath
import Cells
import Channels
import Circuits
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import OnionCrypto
import Transport

/// A client and three relays in one thread, joined by memory in place of sockets: TLS and all that is above it is real.
final class TraceNetwork {
    let loop = TraceLoop()
    let relays: [TraceNode]
    let client: TraceNode
    private let wires: Wires

    /// Makes the nodes; nothing is connected yet.
    init() throws {
        let loop = self.loop
        let wires = Wires(loop)
        self.wires = wires
        relays = try (1...3).map { try TraceNode(number: UInt8($0), isRelay: true, loop, wires) }
        client = try TraceNode(number: 4, isRelay: false, loop, wires)
        for relay in relays { wires.listeners[relay.endpoint] = relay }
        for node in relays + [client] { wires.nodes[node.endpoint] = node }
    }

    /// Who is in a seat: a relay of the circuit, 0 to 2, or the client, 3.
    func node(in seat: Int) -> TraceNode { seat < 3 ? relays[seat] : client }

    /// Carries bytes to and fro until nothing moves any more, or `isDone` says so.
    ///
    /// - Parameter measured: whose reading is to be counted.
    func run(measured: TraceNode? = nil, until isDone: () -> Bool) {
        var idle = 0
        while !isDone() {
            loop.turn()
            guard !wires.carry(to: measured) else {
                idle = 0
                continue
            }
            // A handshake may be with a worker.
            idle += 1
            guard idle < 20_000 else { fatalError("nothing moves any more") }
            usleep(idle < 100 ? 0 : 100)
        }
    }
}

/// One node: a corridor, and how others reach it.
final class TraceNode {
    let corridor: Corridor
    let endpoint: SocketEndpoint
    private let identity: LinkIdentity?
    private let onionKeys: OnionKeySnapshot?
    private let directory = CorridorDirectory(count: 1)

    init(number: UInt8, isRelay: Bool, _ loop: TraceLoop, _ wires: Wires) throws {
        endpoint = SocketEndpoint(address: IPAddress(ipv4: 0x7f00_0000 | UInt32(number)), port: 9_001)
        var logger = Logger(label: "trace")
        logger.logLevel = .warning
        let environment = CellPathEnvironment(
            loops: [loop], memory: MemoryBudget(limit: 1 << 30), bandwidth: SharedBandwidth(now: .now),
            dialer: WireDialer(wires: wires, from: endpoint), workerCount: 1, logger: logger)
        var settings = CellPathSettings(clientTLS: try TLSContext(clientWith: .all))
        settings.extendsToPrivateAddresses = true
        if isRelay {
            let link = try Self.makeIdentity()
            identity = link
            let keys = OnionKeySnapshot(
                rsaIdentity: link.rsaIdentity.bytes, ed25519Identity: link.ed25519Identity.bytes,
                current: X25519.KeyPair())
            onionKeys = keys
            settings.identities = LinkIdentities(link)
            settings.onionKeys = keys
            settings.serverTLS = try TLSContext(
                serverCertificate: link.tlsCertificate, key: try link.copyTLSKey().copyToArray())
            settings.ownAddresses = [endpoint.address]
        } else {
            identity = nil
            onionKeys = nil
        }
        corridor = Corridor(index: 0, environment: environment, settings: settings)
        corridor.streamAcceptor = isRelay ? SinkAcceptor() : nil
        directory.put(corridor)
        corridor.start(directory)
    }

    private static func makeIdentity() throws -> LinkIdentity {
        var random = SystemRandom()
        let master = Ed25519.KeyPair()
        let signing = Ed25519.KeyPair()
        let certificate = try Ed25519Certificate(
            type: .signingKey, expirationHours: Ed25519Certificate.expirationHours(from: .now, lifetime: 30 * 86_400),
            certifiedKey: signing.publicKey.bytes, signer: master, namesSigner: true)
        return try LinkIdentity(
            keys: LinkIdentity.Keys(
                rsaIdentity: try RSAKeyPair(bits: 1_024), signingKey: signing, signingKeyCertificate: certificate),
            now: .now, using: &random)
    }

    /// How a circuit gets here; a relay's only.
    var target: HopTarget {
        guard let identity, let onionKeys else { fatalError("no relay") }
        return HopTarget(
            rsaIdentity: identity.rsaIdentity, ed25519Identity: identity.ed25519Identity, endpoints: [endpoint],
            onionKey: onionKeys.current.publicKey)
    }
}
