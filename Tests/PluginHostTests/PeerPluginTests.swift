import EBPF
import Hooks
import Testing

@testable import PluginHost

/// Instances of plugins that peers brought, beside the operator's own.
@Suite struct PeerPluginTests {
    private static func plugin(_ bringer: Bringer) throws -> Plugin {
        try Fixture.plugin("monitor", grant: Grant(bringer: bringer))
    }

    /// A circuit's doors where an array can hold them.
    private final class Circuit {
        var doors: Doors

        init(_ host: PluginHost) { doors = Doors(role: .relay, host: host) }

        deinit { doors.close() }
    }

    @Test func `peers' instances leave half of the memory to the operator's own, and give theirs back`() throws {
        var budget = PluginBudget()
        budget.totalMemory = 2 << 20
        let host = PluginHost(budget: budget, random: { 4 })
        let (peers, own) = (try Self.plugin(.peer), try Self.plugin(.installed))
        for _ in 0..<3 {
            var circuits: [Circuit] = []
            // 16 KiB each.
            while circuits.count < 1000 {
                let circuit = Circuit(host)
                guard (try? circuit.doors.attach(peers, isNegotiated: true)) != nil else { break }
                circuits.append(circuit)
            }
            #expect(circuits.count == 64)
            let operators = Circuit(host)
            #expect(throws: Never.self) { try operators.doors.attach(own) }
        }
    }

    @Test func `what a peer's instance counts is its own, and nobody sees its name`() throws {
        let host = PluginHost(random: { 4 })
        let plugin = try Self.plugin(.peer)
        var first = Doors(role: .relay, host: host)
        var second = Doors(role: .relay, host: host)
        try first.attach(plugin, isNegotiated: true)
        try second.attach(plugin, isNegotiated: true)
        for _ in 0..<5 {
            var context = CellReceivedContext()
            _ = first.cellReceived(&context)
        }
        let identity = plugin.file.identity
        // circuits, open_milliseconds, received_forward
        let (five, none) = (first.negotiatedCounters(of: identity), second.negotiatedCounters(of: identity))
        #expect(five?[2] == 5 && none?[2] == 0)
        #expect(host.counters.map(\.name) == ["peers"])
        #expect(host.counters[0]["attached"] == 2)
        first.close()
        second.close()
        // init, five cells and exit; init and exit.
        #expect(host.counters[0]["calls"] == 9 && host.counters[0]["detached"] == 2)
    }

    @Test func `a peer's instance at a client hears of its hop alone, and sends to no other`() throws {
        let host = PluginHost(random: { 4 })
        let plugin = try Self.plugin(.peer)
        var doors = Doors(role: .client, host: host)
        try doors.attach(plugin, isNegotiated: true, onlyHop: 2)
        for hop in 0..<4 as Range<UInt32> {
            var context = CellReceivedContext()
            context.hop = hop
            _ = doors.cellReceived(&context)
        }
        let counted = doors.negotiatedCounters(of: plugin.file.identity)
        #expect(counted?[2] == 1)
        doors.close()
    }

    @Test func `a change of the operator's plugins leaves negotiated ones alone`() throws {
        let host = PluginHost(random: { 4 })
        let plugin = try Self.plugin(.peer)
        var doors = Doors(role: .relay, host: host)
        try doors.attach(plugin, isNegotiated: true)
        doors.follow(.none)
        let isKept = doors.hasNegotiated(plugin.file.identity)
        #expect(isKept)
        let wasThere = doors.detach(plugin.file.identity)
        #expect(!wasThere)
        let isGone = doors.detach(plugin.file.identity, isNegotiated: true)
        let isStillThere = doors.hasNegotiated(plugin.file.identity)
        #expect(isGone && !isStillThere)
        // Wished for, so nobody is told.
        let hasDepartures = doors.hasDepartures
        #expect(!hasDepartures)
        doors.close()
    }
}
