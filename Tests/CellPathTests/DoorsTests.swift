import Cells
import Circuits
import Foundation
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Plugins at the doors of circuits between nodes of this process, over real sockets.
    @Suite struct DoorsTests {
        @Test func `a monitor counts every cell of a circuit, and changes none`() async throws {
            let network = try await PluginNetwork.start(host: 20)
            let monitor = try PluginNetwork.plugins([("monitor", "org.fanion.monitor", "")])
            for node in [network.client] + network.relays { try await node.run { $0.apply(monitor) } }
            let watch = try await network.client.build(network.relays.map(\.target))
            let stream = try await network.echo(500_000, on: watch)
            #expect(stream.isIntact)
            let cells = UInt64(500_000 / 498)
            let middle = try await network.counters(network.relays[1])
            #expect(middle["circuits"] == 1)
            #expect(middle["received_forward"] > cells && middle["received_backward"] > cells)
            // What passed: all but what was for the relay itself (EXTEND2), and its answer (EXTENDED2).
            #expect(middle["sent_forward"] == middle["received_forward"] - 1)
            #expect(middle["sent_backward"] == middle["received_backward"] + 1)
            #expect(middle["ours"] == 1)
            let client = try await network.counters(network.client)
            #expect(client["sent_forward"] > cells && client["received_backward"] > cells)
            #expect(client["ours"] == client["sent_forward"])
            // Taken away while the circuit is in use, and put back.
            for node in network.relays { try await node.run { $0.apply(.none) } }
            let before = try await network.counters(network.relays[1])
            #expect(try await network.echo(100_000, on: watch).isIntact)
            let after = try await network.counters(network.relays[1])
            #expect(after["received_forward"] == before["received_forward"] && after["detached"] == 1)
            try await network.relays[1].run { $0.apply(monitor) }
            #expect(try await network.echo(100_000, on: watch).isIntact)
            let again = try await network.counters(network.relays[1])
            #expect(again["received_forward"] > after["received_forward"] && again["attached"] == 2)
            try await network.stop()
        }

        @Test func `cells leave at a constant rate, padding where there are none`() async throws {
            let network = try await PluginNetwork.start(host: 20)
            let plugins = try PluginNetwork.plugins([("constant-rate", "org.fanion.constant-rate", "5000")])
            try await network.relays[0].run { $0.apply(plugins) }
            let watch = try await network.client.build(network.relays.prefix(2).map(\.target))
            let idle = try await network.counters(network.relays[0])
            let start = ContinuousClock.now
            func ticks() async throws -> Double {
                Double(try await network.counters(network.relays[0])["padding"] - idle["padding"])
            }
            // They come by themselves, never faster than the clock; `PaceTests` looks at each one's time.
            try await eventually { try await ticks() >= 150 }
            let come = try await ticks()
            let passed = (ContinuousClock.now - start) / .milliseconds(5)
            #expect(come <= passed + 2, "\(come) of \(passed)")
            // The client got them all, and took no offence.
            #expect(try await network.client.run { _ in watch.circuit?.hopCount } == 2)
            // Real cells take padding's place, one each tick, and arrive whole.
            let begin = ContinuousClock.now
            let stream = try await network.echo(50_000, on: watch)
            let took = ContinuousClock.now - begin
            #expect(stream.isIntact)
            #expect(took >= .milliseconds(500), "101 cells of 5 ms took \(took)")
            let real = try await network.counters(network.relays[0])
            #expect(real["real"] >= 101 && real["over_budget"] == 0 && real["faults"] == 0)
            try await network.stop()
        }

        @Test func `what is held is bounded, and DESTROY is not held`() async throws {
            let network = try await PluginNetwork.start(host: 20)
            let plugins = try PluginNetwork.plugins([("constant-rate", "org.fanion.constant-rate", "2000000")])
            let watch = try await network.client.build(network.relays.prefix(2).map(\.target))
            try await network.relays[0].run { $0.apply(plugins) }
            let stream = try await network.open(3_000_000, on: watch)
            try await Task.sleep(for: .milliseconds(500))
            let queued = try await network.relays[0].run { corridor in
                corridor.circuits.slots.map { corridor.circuits.pointer($0).pointee.queue.count }
            }
            // CONNECTED at least, and no more than windows let through.
            #expect(queued.count == 1 && queued[0] >= 1 && queued[0] <= 1_100)
            let begin = ContinuousClock.now
            try await network.relays[0].run { corridor in
                for slot in corridor.circuits.slots { corridor.closeCircuit(slot, .finished) }
                corridor.settleSoon()
            }
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.isRemote && ContinuousClock.now - begin < .milliseconds(500))
            stream.abandon(ending)
            try await network.stop()
        }

        @Test func `a plugin that fails takes its circuit along, or goes, and others go on`() async throws {
            let network = try await PluginNetwork.start(host: 20)
            // An endless loop at its first cell: fails open.
            let open = try PluginNetwork.plugins([("hostile-open", "org.example.hostile-open", "l")])
            try await network.relays[0].run { $0.apply(open) }
            let watch = try await network.client.build(network.relays.map(\.target))
            #expect(try await network.echo(100_000, on: watch).isIntact)
            let counted = try await network.counters(network.relays[0])
            #expect(counted["faults"] == 1 && counted["detached"] == 1)
            try await network.stop()
        }

        @Test func `a plugin ranks circuits in the built-in's place`() async throws {
            let network = try await PluginNetwork.start(host: 20)
            let ewma = try PluginNetwork.plugins([
                ("ewma", "org.fanion.ewma", ""), ("monitor", "org.fanion.monitor", ""),
            ])
            for relay in network.relays { try await relay.run { $0.apply(ewma) } }
            let first = try await network.client.build(network.relays.map(\.target))
            let second = try await network.client.build(network.relays.map(\.target))
            async let one = network.echo(500_000, on: first)
            async let two = network.echo(500_000, on: second)
            let (streamOne, streamTwo) = (try await one, try await two)
            #expect(streamOne.isIntact && streamTwo.isIntact)
            let counted = try await network.relays[0].run { $0.pluginCounters }
            let ranked = try #require(counted.first { $0.name == "org.fanion.ewma" })
            #expect(ranked["calls"] > 200 && ranked["faults"] + ranked["bad_verdicts"] + ranked["over_budget"] == 0)
            // The keys are those that the built-in would have come to: sums of weights of about 1.
            let keys = try await network.relays[0].run { corridor in
                corridor.circuits.slots.map { corridor.circuits.pointer($0).pointee.schedule.burden.bits >> 32 }
            }
            #expect(keys.count == 2 && keys.allSatisfy { (70...80).contains($0) }, "\(keys)")
            // And without it the built-in carries on.
            for relay in network.relays { try await relay.run { $0.apply(.none) } }
            #expect(try await network.relays[0].run { $0.isRanked } == false)
            #expect(try await network.echo(100_000, on: first).isIntact)
            try await network.stop()
        }

        @Test func `a plugin at a door that nobody asks at is not put in place`() throws {
            let file = try PluginNetwork.bytes("sendme")
            let made = PluginSet.make(
                [
                    PluginSet.Wish(name: "org.fanion.sendme", arguments: []),
                    PluginSet.Wish(name: "org.fanion.missing", arguments: []),
                ], from: [("sendme.o", file), ("broken.o", [1, 2, 3])],
                doors: Corridor.askedDoors.subtracting(DoorSet(.maySend)), grant: Grant())
            #expect(made.set.entries.isEmpty)
            #expect(made.problems.count == 3)
            #expect(made.problems.contains { $0.contains("nothing asks at may_send yet") })
        }
    }
}
