import Cells
import Circuits
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

/// A client and relays of this process that bring each other plugins, over real sockets.
struct ExchangeNetwork {
    let client: TestNode
    let relays: [TestNode]
    let shelves: [PluginShelf]
    let clientShelf: PluginShelf

    /// A shelf that takes what `trust` lets in.
    static func shelf(_ trust: any PluginTrust, keepsCode: Bool = true) -> PluginShelf {
        PluginShelf(
            PluginShelf.Rules(
                trust: trust, keepsCode: keepsCode, doors: Corridor.askedDoors,
                capabilities: Corridor.negotiatedCapabilities))
    }

    /// Relays that take any plugin, and a client that takes any too; `host` and the numbers after it are their addresses.
    static func start(
        host: UInt8, count: Int = 3, relays trust: any PluginTrust = SimplePluginTrust.any,
        client clientTrust: any PluginTrust = SimplePluginTrust.any
    ) async throws -> ExchangeNetwork {
        var relays: [TestNode] = []
        var shelves: [PluginShelf] = []
        for index in 0..<count {
            shelves.append(shelf(trust))
            relays.append(
                try await TestNode(
                    keys: TestKeys.all[index], host: host + UInt8(index) + 1, plugins: shelves[index],
                    acceptor: { _ in EchoAcceptor() }))
        }
        let clientShelf = shelf(clientTrust, keepsCode: false)
        let client = try await TestNode(host: host, plugins: clientShelf)
        return ExchangeNetwork(client: client, relays: relays, shelves: shelves, clientShelf: clientShelf)
    }

    /// A wish for a plugin of the fixtures.
    static func wish(
        _ file: String, _ place: PluginWish.Place, isRequired: Bool = true, arguments: String = "",
        role: PluginRoles = .client, hasHalf: Bool = true
    ) throws -> PluginWish {
        let bytes = try PluginNetwork.bytes(file)
        let read = try PluginFile(bytes: bytes)
        let half =
            hasHalf && read.metadata.roles.isSuperset(of: role)
            ? try Plugin(read, grant: Grant(capabilities: Corridor.negotiatedCapabilities)) : nil
        return try #require(
            PluginWish(
                file: read, bundle: PluginBundle(file: bytes), half: half, bringer: role, place: place,
                isRequired: isRequired,
                arguments: Array(arguments.utf8)))
    }

    /// Has a node bring these from now on.
    func wish(_ wishes: [PluginWish], at node: TestNode? = nil) async throws {
        try await (node ?? client).run { $0.apply(wishes) }
    }

    /// A circuit through all relays, of which those at `without` do not list `Plugin=1`.
    func build(without: Set<Int> = []) async throws -> CircuitWatch {
        try await client.build(path(without: without))
    }

    /// Its path.
    func path(without: Set<Int> = []) -> [HopTarget] {
        relays.enumerated().map { without.contains($0.offset) ? $0.element.modernTarget : $0.element.pluginTarget }
    }

    /// So many bytes to the echo and back.
    func echo(_ count: Int, on watch: CircuitWatch) async throws -> EchoStream {
        let stream = try await client.run { corridor in
            let stream = EchoStream(corridor.eventLoop, count: count)
            stream.port = try #require(watch.circuit).openStream(
                .begin(BeginMessage(address: "example.com", port: 80)), owner: stream)
            return stream
        }
        _ = try await stream.done.futureResult.get()
        #expect(stream.isIntact)
        return stream
    }

    /// What came back from hops, fresh.
    func counters(of node: TestNode? = nil) async throws -> [PluginCounters] {
        let node = node ?? client
        try await node.run { $0.askPeerCounters() }
        try await eventually { try await node.run { $0.openQuestions } == 0 }
        return try await node.run { $0.peerCounters }
    }

    /// Messages of the exchange at a node.
    func messages(_ node: TestNode) async throws -> PluginMessageCounts { try await node.run { $0.pluginMessages } }

    /// The circuits of a relay end, and nothing of the exchange is left.
    func expectNothingLeft() async throws {
        for (place, relay) in relays.enumerated() {
            try await eventually { try await relay.run { $0.circuitCount } == 0 }
            #expect(shelves[place].receivingBytes == 0)
            // What a worker still compiles comes back to a circuit that is gone.
            #expect(try await relay.run { $0.exchanging.count } <= 1)
        }
    }

    func stop() async throws {
        try await client.stop()
        for relay in relays { try await relay.stop() }
    }
}

extension PluginMessageCounts {
    var offers: (sent: Int, received: Int) { (sent[0], received[0]) }
    var fragments: (sent: Int, received: Int) { (sent[2], received[2]) }
    var all: (sent: Int, received: Int) { (sent.reduce(0, +), received.reduce(0, +)) }
}
