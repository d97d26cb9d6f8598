import Cells
import Channels
import Circuits
import Hooks
import NIOCore
import OnionCrypto
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// What plugins can try on a running relay, over real sockets: they go, or their circuit does, and all others stay.
    @Suite struct HostilePluginTests {
        /// Everything asked and granted, as by a careless operator.
        private static func plugins(
            _ arguments: String, file: String = "hostile", grant: Grant = Grant()
        ) throws -> PluginSet {
            let made = PluginSet.make(
                [PluginSet.Wish(name: "org.example.\(file)", arguments: Array(arguments.utf8))],
                from: [(name: file + ".o", bytes: try PluginNetwork.bytes(file))], doors: DoorSet(rawValue: .max),
                grant: grant)
            #expect(made.problems == [])
            return made.set
        }

        /// Puts plugins at the doors of the circuits that a relay has now, and of none that comes later.
        private func attach(_ plugins: PluginSet, on node: TestNode) async throws {
            try await node.run { corridor in
                corridor.readClock()
                corridor.plugins = plugins
                for slot in corridor.circuits.slots { corridor.attend(CircuitReference(.relay, slot)) }
                corridor.plugins = .none
                corridor.settleSoon()
            }
        }

        /// Has a plugin at one circuit of an exit that carries bytes, while another circuit does.
        ///
        /// - Returns: how the attacked circuit ended, or nil if its bytes arrived; and what was counted.
        private func attack(_ plugins: PluginSet, bytes: Int = 1_000_000) async throws -> (
            ending: CircuitEnding?, counters: PluginCounters
        ) {
            let network = try await PluginNetwork.start(host: 40)
            let exit = network.relays[2]
            let attacked = try await network.build()
            try await attach(plugins, on: exit)
            let other = try await network.build()
            async let others = network.echo(500_000, on: other)
            var ending: CircuitEnding?
            do {
                let stream = try await network.open(bytes, on: attacked)
                do {
                    _ = try await stream.done.futureResult.get()
                    #expect(stream.isIntact)
                } catch {
                    ending = try await attacked.closed.futureResult.get()
                    if let ending { stream.abandon(ending) }
                }
            } catch {
                // Gone before a stream could be opened.
                ending = try await attacked.closed.futureResult.get()
            }
            #expect(try await others.isIntact)
            #expect(try await network.echo(100_000, on: other).isIntact)
            let counters = try await network.counters(exit)
            try await network.stop()
            return (ending, counters)
        }

        @Test(arguments: ["l", "r", "n", "p", "m", "s", "c", "k"])
        func `a fault or an excess takes its circuit along and no other`(mode: String) async throws {
            let (ending, counters) = try await attack(Self.plugins(mode))
            #expect(ending?.isRemote == true)
            #expect(counters["detached"] == 1)
            switch mode {
            case "l", "r", "n": #expect(counters["faults"] == 1)
            case "c": #expect(counters["faults"] + counters["over_budget"] == 0)
            default: #expect(counters["over_budget"] == 1)
            }
            // Not before its thousandth cell.
            if mode == "n" { #expect(counters["calls"] >= 1_000) }
        }

        @Test(arguments: ["l", "r", "n", "p", "s"])
        func `who may be done without goes, and the circuit stays`(mode: String) async throws {
            let (ending, counters) = try await attack(Self.plugins(mode, file: "hostile-open"))
            #expect(ending == nil)
            #expect(counters["detached"] == 1 && counters["faults"] + counters["over_budget"] == 1)
        }

        @Test(arguments: ["h", "g", "w", "t", "d", "E"])
        func `what harms nobody but itself goes on, or goes quietly`(mode: String) async throws {
            let (ending, counters) = try await attack(Self.plugins(mode, file: "hostile-open"))
            #expect(ending == nil)
            // Writing everywhere takes more time than it has.
            #expect(counters["faults"] + counters["bad_verdicts"] + counters["over_budget"] <= (mode == "w" ? 1 : 0))
        }

        /// Doors of a circuit that are asked at an exit while a stream opens, carries and ends.
        private static let doors = Hook.allCases.filter { hook in
            hook.isOpen && hook.isOffered(to: .circuit) && Corridor.askedDoors.contains(hook)
                && ![.initialise, .exit, .timer].contains(hook)
        }

        @Test func `a bad verdict at any door takes its circuit along and no other`() async throws {
            let network = try await PluginNetwork.start(host: 50)
            let exit = network.relays[2]
            let other = try await network.build()
            #expect(try await network.echo(10_000, on: other).isIntact)
            var failures: UInt64 = 0
            for door in Self.doors {
                let number = Character(UnicodeScalar(UInt8(door.rawValue)))
                let plugins = try Self.plugins("b\(number)")
                // Whoever comes now has it, and who was there has not.
                try await exit.run { $0.plugins = plugins }
                let watch: CircuitWatch
                do {
                    watch = try await network.build()
                } catch {
                    // At the circuit's own beginning.
                    failures += 1
                    try await exit.run { $0.plugins = .none }
                    continue
                }
                try await exit.run { $0.plugins = .none }
                if let stream = try? await network.open(200_000, on: watch) {
                    if door == .circuitClosed { _ = try await stream.done.futureResult.get() }
                    if door == .circuitClosed { try await network.client.run { _ in watch.circuit?.close(.finished) } }
                    try await eventually { try await network.client.run { _ in watch.circuit == nil } }
                    guard try await network.client.run({ _ in watch.circuit == nil }) else {
                        Issue.record("\(door.name): the circuit goes on")
                        continue
                    }
                    let ending = try await watch.closed.futureResult.get()
                    #expect(ending.isRemote || door == .circuitClosed, "\(door.name)")
                    stream.abandon(ending)
                } else {
                    _ = try await watch.closed.futureResult.get()
                }
                failures += 1
                try await eventually { try await network.counters(exit)["bad_verdicts"] == failures }
                #expect(try await network.counters(exit)["bad_verdicts"] == failures, "\(door.name)")
                #expect(try await network.echo(10_000, on: other).isIntact, "\(door.name)")
            }
            #expect(failures >= 9)
            try await network.stop()
        }

        @Test func `a timer that sets itself again does not keep the loop busy`() async throws {
            let network = try await PluginNetwork.start(host: 40)
            let watch = try await network.build()
            try await attach(Self.plugins("t", file: "hostile-open"), on: network.relays[2])
            let begin = ContinuousClock.now
            let before = try await network.counters(network.relays[2])["calls"]
            for _ in 0..<10 { #expect(try await network.echo(20_000, on: watch).isIntact) }
            try await Task.sleep(for: .milliseconds(300))
            let calls = try await network.counters(network.relays[2])["calls"] - before
            // Eight a look, a look each half millisecond, and those for the cells.
            let looks = (ContinuousClock.now - begin) / .microseconds(500)
            #expect(Double(calls) <= 8 * looks + 5_000, "\(calls) in \(looks)")
            try await network.stop()
        }

        @Test func `capabilities that are not granted keep a plugin out`() throws {
            let bytes = try PluginNetwork.bytes("hostile")
            for withheld in [Capabilities.read, .rewrite, .deliver, .close, .padding] {
                let made = PluginSet.make(
                    [PluginSet.Wish(name: "org.example.hostile", arguments: [])], from: [("hostile.o", bytes)],
                    doors: DoorSet(rawValue: .max), grant: Grant(capabilities: .all.subtracting(withheld)))
                #expect(made.set.entries.isEmpty)
                #expect(made.problems.contains { $0.contains(withheld.list[0].uppercased()) }, "\(made.problems)")
            }
        }

        @Test func `an upgrade takes over between two cells; one that refuses leaves the old one`() async throws {
            let network = try await PluginNetwork.start(host: 40)
            let relay = network.relays[1]
            let (old, refusing, new) = (
                try PluginNetwork.plugins([("upgrade-1", "org.example.upgrade", "")]),
                try PluginNetwork.plugins([("upgrade-2", "org.example.upgrade", "n")]),
                try PluginNetwork.plugins([("upgrade-2", "org.example.upgrade", "")])
            )
            try await relay.run { $0.apply(old) }
            let watch = try await network.build()
            let stream = try await network.open(8_000_000, on: watch)
            /// A version's counter.
            func count(_ minor: UInt16, _ name: String) async throws -> UInt64 {
                try await relay.run { $0.pluginCounters }.first { $0.version.description == "1.\(minor).0" }?[name] ?? 0
            }
            try await eventually { try await count(1, "cells") > 500 }
            try await relay.run { $0.apply(refusing) }
            let atRefusal = try await count(1, "cells")
            try await eventually { try await count(1, "cells") > atRefusal + 500 }
            #expect(try await count(2, "refused") == 1)
            #expect(try await count(1, "detached") == 0)
            try await relay.run { $0.apply(new) }
            try await eventually { try await count(2, "cells") > 500 }
            // Nothing was lost between the two: what the old one counted is what the new one took over.
            #expect(try await count(2, "taken_over") == count(1, "cells"))
            #expect(try await count(1, "exits") == 1)
            _ = try await stream.done.futureResult.get()
            #expect(stream.isIntact)
            try await network.stop()
        }

        @Test func `a thousand instances come and go under load`() async throws {
            let network = try await PluginNetwork.start(host: 40)
            let relay = network.relays[1]
            var circuits: [CircuitWatch] = []
            for _ in 0..<4 { circuits.append(try await network.build()) }
            var streams: [EchoStream] = []
            for watch in circuits { streams.append(try await network.open(5_000_000, on: watch)) }
            let monitor = try PluginNetwork.plugins([("monitor", "org.fanion.monitor", "")])
            for _ in 0..<300 {
                try await relay.run { $0.apply(monitor) }
                try await relay.run { $0.apply(.none) }
            }
            for stream in streams {
                _ = try await stream.done.futureResult.get()
                #expect(stream.isIntact)
            }
            let counted = try await network.counters(relay)
            #expect(counted["attached"] == 1_200 && counted["detached"] == 1_200)
            #expect(counted["faults"] + counted["over_budget"] + counted["bad_verdicts"] == 0)
            // Their memory was used again and again.
            #expect(try await relay.run { $0.pluginHost.memory } <= 4 << 20)
            try await network.stop()
        }

        @Test func `a relay's keys are nowhere that a plugin can look`() async throws {
            let network = try await PluginNetwork.start(host: 40)
            let exit = network.relays[2]
            let keys = TestKeys.all[2]
            var secrets = [
                try keys.link.copyTLSKey().copyToArray(), keys.snapshot.current.copySecret().copyToArray(),
            ]
            // And many that are planted, so that wherever an instance lies some are near.
            let canary = (0..<32).map { UInt8($0) &* 37 &+ 11 }
            secrets += [[UInt8]](repeating: canary, count: 500).map { $0 + [0] }
            let watch = try await network.build()
            try await attach(Self.plugins("-"), on: exit)
            secrets += [[UInt8]](repeating: canary, count: 500).map { $0 + [1] }
            #expect(try await network.echo(200_000, on: watch).isIntact)
            let memories = try await exit.run { corridor in
                corridor.circuits.slots.compactMap { slot in
                    let doors = corridor.circuits.pointer(slot).pointee.doors
                    return doors.flatMap { doors in
                        doors.pointee.doors.plugins.first.flatMap {
                            doors.pointee.doors.memory(of: $0.file.identity)
                        }
                    }
                }
            }
            #expect(memories.count == 1 && memories[0].count == 65_536)
            let counted = try await network.counters(exit)
            #expect(counted["calls"] > 1_000)
            let words = memories.reduce(into: Set<UInt64>()) { $0.formUnion(Self.words($1)) }
            for secret in secrets {
                // Any eight bytes of it.
                for start in stride(from: 0, through: min(secret.count, 64) - 8, by: 8) {
                    let piece = Array(secret[start..<start + 8])
                    guard piece.contains(where: { $0 != 0 }), Set(piece).count > 3 else { continue }
                    let word = piece.enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
                    #expect(!counted.values.contains { $0.value == word })
                    #expect(!words.contains(word), "a piece of a key is in an arena")
                }
            }
            try await network.stop()
        }

        /// All words of eight bytes, at every place.
        private static func words(_ bytes: [UInt8]) -> Set<UInt64> {
            var words: Set<UInt64> = []
            var word: UInt64 = 0
            for (index, byte) in bytes.enumerated() {
                word = word >> 8 | UInt64(byte) << 56
                if index >= 7 { words.insert(word) }
            }
            return words
        }
    }
}
