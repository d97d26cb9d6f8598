import Cells
import Circuits
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Plugins that the ends of circuits bring each other, over real sockets.
    @Suite struct PluginExchangeTests {
        @Test func `a client brings the middle relay a plugin that it has not, and hears what it counts`() async throws
        {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            let watch = try await network.build()
            let sent = try await network.messages(network.client)
            #expect(sent.offers.sent == 1 && sent.fragments.sent == 35)
            #expect(network.shelves.map { $0.kept.count } == [0, 1, 0])
            _ = try await network.echo(500_000, on: watch)
            let cells = UInt64(500_000 / 498)
            let counted = try await network.counters()
            #expect(counted.map(\.name) == ["org.fanion.monitor@middle"])
            let middle = try #require(counted.first)
            #expect(middle["circuits"] == 1)
            #expect(middle["received_forward"] > cells && middle["received_backward"] > cells)
            #expect(middle["calls"] > 2 * cells)
            // The relay itself shows a sum over all that peers brought, and no names.
            let own = try await network.relays[1].run { $0.pluginCounters }
            #expect(own.map(\.name) == ["peers"])
            #expect(own[0]["attached"] == 1)
            try await network.stop()
        }

        @Test func `what a relay has kept comes with the handshake, without a message`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            let first = try await network.build()
            let before = try await network.messages(network.client)
            let second = try await network.build()
            let after = try await network.messages(network.client)
            #expect(after.all.sent == before.all.sent)
            #expect(after.fragments.sent == 35)
            _ = try await network.echo(10_000, on: second)
            _ = try await network.echo(10_000, on: first)
            let counted = try await network.counters()
            #expect(counted.first?["circuits"] == 2)
            try await network.stop()
        }

        @Test func `a client brings plugins to guard, middle and exit`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("monitor", .all)])
            let watch = try await network.build()
            let sent = try await network.messages(network.client)
            #expect(sent.offers.sent == 3 && sent.fragments.sent == 3 * 35)
            _ = try await network.echo(100_000, on: watch)
            let counted = try await network.counters()
            #expect(counted.map(\.name) == ["exit", "guard", "middle"].map { "org.fanion.monitor@\($0)" })
            for place in counted { #expect(place["received_forward"] > 100_000 / 498) }
            // Our own half counts here, once for the circuit.
            #expect(try await network.client.run { $0.pluginCounters }.first?["circuits"] == 1)
            try await network.stop()
        }

        @Test
        func `an exit brings its client a plugin, which hears of that hop alone and is kept for no other circuit`()
            async throws
        {
            let network = try await ExchangeNetwork.start(host: 60)
            let exit = network.relays[2]
            try await network.wish([try ExchangeNetwork.wish("monitor", .exit, role: .relay)], at: exit)
            for turn in 1...2 {
                let watch = try await network.build()
                _ = try await network.echo(100_000, on: watch)
                try await eventually { try await network.messages(exit).sent[3] == turn }
                _ = try await network.echo(100_000, on: watch)
                // A client that keeps code would tell the exit that it is the same: it wants all of it again.
                #expect(try await network.messages(exit).fragments.sent == turn * 35)
            }
            #expect(network.clientShelf.kept.count == 0)
            let counted = try await network.counters(of: exit)
            #expect(counted.map(\.name) == ["org.fanion.monitor@client"])
            #expect(counted[0]["received_backward"] > 2 * 100_000 / 498)
            #expect(counted[0]["circuits"] == 2)
            try await network.stop()
        }

        @Test func `two plugins at once, and the halves of one talk`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([
                try ExchangeNetwork.wish("monitor", .middle), try ExchangeNetwork.wish("talk", .middle, arguments: "1"),
            ])
            let watch = try await network.build()
            // Each question has its answer; the windows count them, and acknowledge them with DATA's tags.
            _ = try await network.echo(400_000, on: watch)
            try await eventually {
                try await network.client.run { $0.pluginCounters }.contains {
                    $0.name == "org.example.talk" && $0["heard"] == 20
                }
            }
            let own = try #require(
                try await network.client.run { $0.pluginCounters }.first { $0.name == "org.example.talk" })
            #expect(own["said"] == 20 && own["wrong"] == 0)
            #expect(own["length"] == (0..<20).reduce(0) { $0 + 475 - $1 })
            let counted = try await network.counters()
            #expect(counted.map(\.name) == ["org.example.talk@middle", "org.fanion.monitor@middle"])
            #expect(counted[0]["heard"] == 20 && counted[0]["said"] == 20 && counted[0]["wrong"] == 0)
            #expect(counted[1]["received_forward"] > 400_000 / 498)
            try await network.stop()
        }

        @Test func `one plugin serves a thousand circuits, and its code travels once`() async throws {
            let network = try await ExchangeNetwork.start(host: 60, count: 2)
            try await network.wish([try ExchangeNetwork.wish("monitor", .exit)])
            let path = network.path()
            var watches = [try await network.client.build(path)]
            for _ in 0..<111 {
                watches += try await withThrowingTaskGroup(of: CircuitWatch.self) { group in
                    for _ in 0..<9 { group.addTask { try await network.client.build(path) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            #expect(watches.count == 1000)
            #expect(try await network.messages(network.client).fragments.sent == 35)
            // Instances are made with the first cell.
            let isBegun = try await network.relays[1].run { $0.pluginCounters.first?["attached"] }
            #expect(isBegun == 1)
            _ = try await network.echo(1_000, on: watches[999])
            #expect(try await network.relays[1].run { $0.pluginCounters.first?["attached"] } == 2)
            for watch in watches { try await network.client.run { _ in watch.circuit?.close(.finished) } }
            try await network.expectNothingLeft()
            try await network.stop()
        }

        @Test func `a hop that does not list the protocol never sees any of it`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("monitor", .all, isRequired: false)])
            let watch = try await network.build(without: [1])
            _ = try await network.echo(100_000, on: watch)
            try await eventually { try await network.client.run { $0.exchanging.isEmpty || $0.peerCounters.isEmpty } }
            try await eventually { try await network.messages(network.client).received[3] == 2 }
            let counted = try await network.counters()
            #expect(counted.map(\.name) == ["org.fanion.monitor@exit", "org.fanion.monitor@guard"])
            let middle = try await network.messages(network.relays[1])
            #expect(middle == PluginMessageCounts())
            #expect(
                try await network.relays[1].run { corridor in
                    corridor.circuits.slots.allSatisfy { corridor.circuits.pointer($0).pointee.exchange == nil }
                })
            try await network.stop()
        }

        @Test func `what is required and not to be had ends the circuit, what is preferred does not`() async throws {
            let network = try await ExchangeNetwork.start(host: 60, relays: SimplePluginTrust.installed)
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            #expect(try await network.client.fail(network.path()).reason == .requested)
            #expect(try await network.client.fail(network.path(without: [1])).reason == .requested)
            #expect(try await network.client.run { $0.counters.pluginsMissed } == 2)
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle, isRequired: false)])
            let watch = try await network.build()
            _ = try await network.echo(10_000, on: watch)
            #expect(try await network.counters() == [])
            // The operator installs it: nothing travels.
            let rules = PluginShelf.Rules(
                trust: SimplePluginTrust.installed, keepsCode: true, doors: Corridor.askedDoors,
                capabilities: Corridor.negotiatedCapabilities)
            network.shelves[1].apply(rules, installed: [try PluginFile(bytes: PluginNetwork.bytes("monitor"))])
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            let second = try await network.build()
            _ = try await network.echo(10_000, on: second)
            #expect(try await network.messages(network.client).fragments.sent == 0)
            #expect(try await network.counters().first?["circuits"] == 1)
            try await network.stop()
        }

        @Test(arguments: [
            ("hostile-open", "", PluginRefusal.capabilities), ("ewma", "", .place), ("leaver", "r", .initialise),
            ("sendme", "", nil),
        ])
        func `a plugin that asks for too much, or has no place here, is refused`(
            file: String, arguments: String, reason: PluginRefusal?
        ) async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            let bytes = try PluginNetwork.bytes(file)
            let wish = try #require(
                PluginWish(
                    file: try PluginFile(bytes: bytes), bundle: PluginBundle(file: bytes), half: nil, bringer: .client,
                    place: .middle, isRequired: false, arguments: Array(arguments.utf8)))
            try await network.wish([wish])
            let watch = try await network.build()
            try await eventually {
                let heard = try await network.messages(network.client).received
                // The answer that asks for the code, and the one that says no; or READY.
                return heard[1] == 2 || heard[3] == 1
            }
            #expect(try await network.messages(network.client).received[1] == (reason == nil ? 1 : 2))
            _ = try await network.echo(10_000, on: watch)
            try await network.stop()
        }

        @Test(arguments: [("d", PluginDetachReason.plugin), ("f", .fault)])
        func `a plugin that leaves or fails is heard of, and its counters come back`(
            mode: String, reason: PluginDetachReason
        ) async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([
                try ExchangeNetwork.wish("leaver", .middle, isRequired: false, arguments: mode, hasHalf: false)
            ])
            let watch = try await network.build()
            _ = try await network.echo(100_000, on: watch)
            try await eventually { try await network.messages(network.relays[1]).sent[4] == 1 }
            try await eventually { try await network.messages(network.client).sent[4] >= 1 }
            let counted = try await network.client.run { $0.peerCounters }
            #expect(counted.first?["cells"] == 10)
            // And the circuit goes on without.
            _ = try await network.echo(100_000, on: watch)
            #expect(try await network.relays[1].run { $0.pluginCounters.first?["detached"] } == 1)
            try await network.stop()
        }

        @Test func `one that was required takes its circuit along`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("leaver", .middle, arguments: "f")])
            let watch = try await network.build()
            let stream = try await network.client.run { corridor in
                let stream = EchoStream(corridor.eventLoop, count: 100_000)
                stream.port = try #require(watch.circuit).openStream(.beginDirectory, owner: stream)
                for future in [
                    stream.ended.futureResult.map { _ in }, stream.done.futureResult.map { _ in },
                    stream.connected.futureResult.map { _ in },
                ] {
                    future.whenComplete { _ in }
                }
                return stream
            }
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.reason == .requested && !ending.isRemote)
            stream.abandon(ending)
            try await network.stop()
        }

        @Test func `what is wished for no longer is detached, at both ends`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("monitor", .all)])
            let watch = try await network.build()
            _ = try await network.echo(10_000, on: watch)
            try await network.wish([])
            try await eventually { try await network.messages(network.client).received[4] == 3 }
            for relay in network.relays {
                #expect(try await relay.run { $0.pluginCounters.first?["detached"] } == 1)
            }
            let last = try await network.client.run { $0.peerCounters }
            #expect(last.count == 3 && last.allSatisfy { $0["received_forward"] > 20 })
            _ = try await network.echo(10_000, on: watch)
            #expect(try await network.client.run { $0.peerCounters } == last)
            try await network.stop()
        }

        @Test func `a higher version takes over between two cells, with what the old one knew`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            try await network.wish([try ExchangeNetwork.wish("upgrade-1", .middle)])
            let watch = try await network.build()
            _ = try await network.echo(100_000, on: watch)
            let before = try #require(try await network.counters().first)
            try await network.wish([try ExchangeNetwork.wish("upgrade-2", .middle)])
            try await eventually { try await network.messages(network.client).received[3] == 2 }
            _ = try await network.echo(100_000, on: watch)
            try await Task.sleep(for: .seconds(1))
            let after = try #require(try await network.counters().first { $0.version.minor == 2 })
            #expect(after["taken_over"] >= before["cells"] && before["cells"] > 100_000 / 498)
            #expect(after["cells"] > 100_000 / 498)
            // The old one went without a DETACH.
            #expect(try await network.messages(network.client).received[4] == 0)
            try await network.stop()
        }

        @Test func `ten plugins of different sizes travel in three sizes`() async throws {
            let network = try await ExchangeNetwork.start(host: 60, count: 2)
            let bytes = try PluginNetwork.bytes("monitor")
            let file = try PluginFile(bytes: bytes)
            var cells: [Int] = []
            for evidence in [0, 1_000, 3_000, 8_000, 12_000, 20_000, 40_000, 55_000, 100_000, 255_000] {
                let rules = PluginShelf.Rules(
                    trust: SimplePluginTrust.any, keepsCode: true, doors: Corridor.askedDoors,
                    capabilities: Corridor.negotiatedCapabilities)
                network.shelves[1].apply(rules)
                let wish = try #require(
                    PluginWish(
                        file: file, bundle: PluginBundle(file: bytes, evidence: [UInt8](repeating: 1, count: evidence)),
                        half: nil, bringer: .client, place: .exit, isRequired: true, arguments: []))
                try await network.wish([wish])
                let before = try await network.messages(network.client).fragments.sent
                _ = try await network.build()
                cells.append(try await network.messages(network.client).fragments.sent - before)
            }
            #expect(Set(cells) == [35, 139, 556])
            #expect(cells.sorted() == cells)
            try await network.stop()
        }

        @Test(arguments: [PluginRefusal.revoked, .evidence, .policy])
        func `what policy says of an identity is said before code travels`(reason: PluginRefusal) async throws {
            let network = try await ExchangeNetwork.start(host: 60, relays: TestTrust(early: reason))
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            #expect(try await network.client.fail(network.path()).reason == .requested)
            #expect(try await network.messages(network.client) == PluginMessageCounts())
            try await network.stop()
        }

        @Test func `evidence travels with the code, and is judged before it is compiled`() async throws {
            let network = try await ExchangeNetwork.start(host: 60, relays: TestTrust(late: .evidence))
            try await network.wish([try ExchangeNetwork.wish("monitor", .middle)])
            #expect(try await network.client.fail(network.path()).reason == .requested)
            #expect(network.shelves[1].kept.count == 0)
            let bytes = try PluginNetwork.bytes("monitor")
            let wish = try #require(
                PluginWish(
                    file: try PluginFile(bytes: bytes), bundle: PluginBundle(file: bytes, evidence: [1]), half: nil,
                    bringer: .client, place: .middle, isRequired: true, arguments: []))
            try await network.wish([wish])
            _ = try await network.build()
            #expect(network.shelves[1].kept.count == 1)
            try await network.stop()
        }

        @Test func `how long it takes from the offer until it runs`() async throws {
            let network = try await ExchangeNetwork.start(host: 60)
            var (sent, cached, without): ([Duration], [Duration], [Duration]) = ([], [], [])
            let rules = PluginShelf.Rules(
                trust: SimplePluginTrust.any, keepsCode: true, doors: Corridor.askedDoors,
                capabilities: Corridor.negotiatedCapabilities)
            let clock = ContinuousClock()
            _ = try await network.build()
            for _ in 0..<5 {
                try await network.wish([])
                without.append(try await clock.measure { _ = try await network.build() })
                try await network.wish([try ExchangeNetwork.wish("monitor", .exit)])
                network.shelves[2].apply(rules)
                sent.append(try await clock.measure { _ = try await network.build() })
                cached.append(try await clock.measure { _ = try await network.build() })
            }
            let medians = [sent, cached, without].map { $0.sorted()[2] / .milliseconds(1) }
            print(
                "a circuit of three hops with code sent: \(medians[0]) ms, kept: \(medians[1]) ms, without: \(medians[2]) ms"
            )
            #expect(try await network.messages(network.client).fragments.sent == 5 * 35)
            try await network.stop()
        }
    }
}

/// A policy that judges as a test says: identities, and what comes without evidence.
struct TestTrust: PluginTrust {
    var early: PluginRefusal?
    var late: PluginRefusal?

    func refusal(of identity: [UInt8], isInstalled: Bool, bringer: PluginRoles) -> PluginRefusal? { early }
    func refusal(of candidate: PluginCandidate) -> PluginRefusal? { candidate.evidence.isEmpty ? late : nil }
    func recommended(set: UInt32, place: UInt8) -> [UInt8]? { nil }
}
