import Cells
import Circuits
import Foundation
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

/// A client and relays of this process, over real sockets, with plugins at their doors.
struct PluginNetwork {
    let client: TestNode
    let relays: [TestNode]

    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "PluginHostTests/Fixtures")

    /// Three relays that echo, and a client; `host` and the numbers after it are their addresses.
    static func start(
        host: UInt8, count: Int = 3, change: (@Sendable (inout CellPathSettings) -> Void)? = nil
    ) async throws -> PluginNetwork {
        var relays: [TestNode] = []
        for index in 0..<count {
            relays.append(
                try await TestNode(
                    keys: TestKeys.all[index], host: host + UInt8(index) + 1, acceptor: { _ in EchoAcceptor() },
                    change: change))
        }
        return PluginNetwork(client: try await TestNode(host: host), relays: relays)
    }

    /// Plugins by file, name and arguments, as an operator would install them.
    static func plugins(
        _ names: [(file: String, name: String, arguments: String)], budget: PluginBudget = PluginBudget()
    ) throws -> PluginSet {
        let files = try names.map { (name: $0.file, bytes: try bytes($0.file)) }
        let made = PluginSet.make(
            names.map { PluginSet.Wish(name: $0.name, arguments: Array($0.arguments.utf8)) }, from: files,
            doors: Corridor.askedDoors, grant: Grant(capabilities: Corridor.grantedCapabilities, budget: budget))
        #expect(made.problems == [])
        return made.set
    }

    /// A plugin's object.
    static func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: fixtures.appending(path: file + ".o")))
    }

    /// The plugin of `Fixtures/messages.c`, told what to do.
    static func messages(_ mode: Character) throws -> PluginSet {
        try plugins([("messages", "org.example.messages", String(mode))])
    }

    func stop() async throws {
        try await client.stop()
        for relay in relays { try await relay.stop() }
    }

    /// A circuit through the first `hops` relays.
    func build(_ hops: Int = 3) async throws -> CircuitWatch {
        try await client.build(relays.prefix(hops).map(\.target))
    }

    /// A stream over a circuit to the echo at its end; `port` as in `EchoAcceptor`.
    func open(_ count: Int, on watch: CircuitWatch, port: UInt16 = 80) async throws -> EchoStream {
        try await client.run { corridor in
            let stream = EchoStream(corridor.eventLoop, count: count)
            // Who does not wait for one of them must not trip over it.
            stream.connected.futureResult.whenComplete { _ in }
            stream.done.futureResult.whenComplete { _ in }
            stream.ended.futureResult.whenComplete { _ in }
            let request = StreamRequest.begin(BeginMessage(address: "example.com", port: port))
            guard let circuit = watch.circuit, let end = circuit.openStream(request, owner: stream) else {
                let ending = CircuitEnding(reason: .none, isRemote: false, hopCount: 0)
                stream.abandon(ending)
                throw CircuitClosed(ending: ending)
            }
            stream.port = end
            return stream
        }
    }

    /// So many bytes to the echo and back.
    func echo(_ count: Int, on watch: CircuitWatch) async throws -> EchoStream {
        let stream = try await open(count, on: watch)
        _ = try await stream.done.futureResult.get()
        return stream
    }

    /// What the first plugin of a node has counted.
    func counters(_ node: TestNode) async throws -> PluginCounters {
        try #require(try await node.run { $0.pluginCounters }.first)
    }
}

extension EchoStream {
    /// Keeps no promise open that nobody will fulfil.
    func abandon(_ ending: CircuitEnding) {
        connected.fail(CircuitClosed(ending: ending))
        done.fail(CircuitClosed(ending: ending))
        ended.fail(CircuitClosed(ending: ending))
    }
}
