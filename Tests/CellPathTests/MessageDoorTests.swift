import Cells
import Circuits
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Plugins at the doors of messages and streams, over real sockets.
    @Suite struct MessageDoorTests {
        /// Runs with the plugin `messages` at one node: the client is 0, relays are 1 to 3.
        private func withPlugin(
            _ mode: Character, at place: Int,
            _ body: (PluginNetwork, CircuitWatch, TestNode) async throws -> Void
        ) async throws {
            let network = try await PluginNetwork.start(host: 30)
            let node = place == 0 ? network.client : network.relays[place - 1]
            let plugins = try PluginNetwork.messages(mode)
            try await node.run { $0.apply(plugins) }
            try await body(network, try await network.build(), node)
            try await network.stop()
        }

        @Test func `a plugin that only looks sees each message and byte, and changes none`() async throws {
            for place in [0, 3] {
                try await withPlugin("-", at: place) { network, watch, node in
                    let stream = try await network.echo(200_000, on: watch)
                    #expect(stream.isIntact)
                    try await network.client.run { _ in stream.port?.end(EndMessage(reason: .done)) }
                    try await eventually { try await network.counters(node)["closed"] == 1 }
                    let counted = try await network.counters(node)
                    #expect(counted["opened"] == 1 && counted["connected"] == 1)
                    #expect(counted["data_in"] == 200_000 && counted["data_out"] == 200_000)
                    let cells = UInt64(200_000 / 498)
                    #expect(counted["messages"] > cells && counted["packaged"] > cells)
                    // A client sees its hops' times, and that the last hop speaks.
                    #expect(counted["hops"] == (place == 0 ? 3 : 0))
                    #expect(counted["handshakes"] == (place == 0 ? 3 : 0))
                    #expect(counted["hop_sum"] == (place == 0 ? 2 * counted["messages"] : 0))
                    #expect(counted["detached"] == 0)
                }
            }
        }

        @Test func `rewritten messages arrive as they were rewritten`() async throws {
            try await withPlugin("x", at: 3) { network, watch, _ in
                // The other half undoes it.
                let plugins = try PluginNetwork.messages("x")
                try await network.client.run { $0.apply(plugins) }
                #expect(try await network.echo(200_000, on: watch).isIntact)
                try await network.client.run { $0.apply(.none) }
                let changed = try await network.echo(100_000, on: watch)
                #expect(!changed.isIntact && changed.received == 100_000)
            }
        }

        @Test func `what is handled moves the windows and reaches nobody`() async throws {
            for mode: Character in ["h", "z"] {
                try await withPlugin(mode, at: 3) { network, watch, node in
                    let stream = try await network.open(2_000_000, on: watch)
                    // More than all windows let through without SENDMEs.
                    try await eventually { try await network.client.run { _ in stream.sent } == 2_000_000 }
                    try await eventually { try await network.counters(node)["messages"] > 2_000_000 / 498 }
                    #expect(try await network.client.run { _ in stream.received } == 0)
                    #expect(try await network.client.run { _ in watch.circuit?.hopCount } == 3)
                    let ending = CircuitEnding(reason: .finished, isRemote: false, hopCount: 3)
                    try await network.client.run { _ in
                        stream.port?.end(EndMessage(reason: .done))
                        stream.abandon(ending)
                    }
                }
            }
        }

        @Test func `a dropped message destroys a strict client's circuit`() async throws {
            let network = try await PluginNetwork.start(host: 30)
            let plugins = try PluginNetwork.messages("z")
            try await network.client.run { corridor in
                var settings = corridor.settings
                settings.endpoint.isStrict = true
                corridor.apply(settings)
                corridor.apply(plugins)
            }
            let watch = try await network.build()
            let stream = try await network.open(1_000, on: watch)
            #expect(try await watch.closed.futureResult.get().isRemote == false)
            #expect(try await network.client.counters().protocolViolations == 1)
            _ = try? await stream.ended.futureResult.get()
            try await network.stop()
        }

        @Test func `a message can be delivered in another's place, at either end`() async throws {
            for place in [0, 3] {
                try await withPlugin("d", at: place) { network, watch, node in
                    #expect(try await network.echo(1_000_000, on: watch).isIntact)
                    let counted = try await network.counters(node)
                    #expect(counted["data_in"] == 1_000_000 && counted["detached"] == 0)
                }
            }
        }

        @Test func `what is taken before it is packaged spends no window`() async throws {
            try await withPlugin("t", at: 0) { network, watch, node in
                #expect(try await network.echo(1_000_000, on: watch).isIntact)
                let counted = try await network.counters(node)
                #expect(counted["data_out"] == 1_000_000 && counted["data_in"] == 1_000_000)
                // Nothing of it has left: BEGIN and the circuit's own cells only.
                let exit = try await network.relays[2].counters()
                #expect(exit.received < 20)
            }
        }

        @Test func `a message that is taken is not sent`() async throws {
            try await withPlugin("b", at: 0) { network, watch, node in
                let before = try await network.relays[2].counters().recognised
                let stream = try await network.open(1_000, on: watch)
                try await eventually { try await network.counters(node)["packaged"] == 1 }
                #expect(try await network.relays[2].counters().recognised == before)
                let ending = CircuitEnding(reason: .finished, isRemote: false, hopCount: 3)
                try await network.client.run { _ in
                    stream.port?.end(EndMessage(reason: .done))
                    stream.abandon(ending)
                }
            }
        }

        @Test func `a stream can be a plugin's from its opening to its end`() async throws {
            try await withPlugin("s", at: 0) { network, watch, node in
                let before = try await network.relays[2].counters().recognised
                let stream = try await network.echo(300_000, on: watch)
                #expect(stream.isIntact)
                try await network.client.run { _ in stream.port?.end(EndMessage(reason: .done)) }
                let counted = try await network.counters(node)
                #expect(counted["opened"] == 1 && counted["connected"] == 1 && counted["closed"] == 1)
                // The relay has heard nothing of it.
                #expect(try await network.relays[2].counters().recognised == before)
                stream.ended.succeed(EndMessage(reason: .done))
            }
        }

        @Test func `bytes that a plugin eats are acknowledged all the same`() async throws {
            try await withPlugin("q", at: 3) { network, watch, node in
                let stream = try await network.open(2_000_000, on: watch)
                try await eventually { try await network.counters(node)["data_in"] == 2_000_000 }
                #expect(try await network.client.run { _ in stream.received } == 0)
                let ending = CircuitEnding(reason: .finished, isRemote: false, hopCount: 3)
                try await network.client.run { _ in
                    stream.port?.end(EndMessage(reason: .done))
                    stream.abandon(ending)
                }
            }
        }

        @Test func `a verdict can end the circuit`() async throws {
            for (mode, bytes): (Character, Int) in [("k", 1_000), ("c", 0)] {
                try await withPlugin(mode, at: 3) { network, watch, node in
                    let other = try await network.build(2)
                    let stream = try await network.open(bytes, on: watch)
                    if mode == "c" {
                        _ = try await stream.connected.futureResult.get()
                        try await network.client.run { _ in stream.port?.end(EndMessage(reason: .done)) }
                    }
                    let ending = try await watch.closed.futureResult.get()
                    #expect(ending.isRemote)
                    #expect(try await node.counters().destroyedByPlugins == 1)
                    #expect(try await network.echo(100_000, on: other).isIntact)
                    stream.abandon(ending)
                }
            }
        }

        @Test func `a plugin that delivers to itself without end is stopped by its budget`() async throws {
            try await withPlugin("e", at: 0) { network, watch, node in
                let stream = try await network.open(1_000, on: watch)
                let ending = try await watch.closed.futureResult.get()
                #expect(!ending.isRemote)
                let counted = try await network.counters(node)
                #expect(counted["over_budget"] == 1 && counted["detached"] == 1)
                _ = try? await stream.ended.futureResult.get()
                // Others go on.
                try await node.run { $0.apply(.none) }
                #expect(try await network.echo(1_000, on: try await network.build()).isIntact)
            }
        }

        @Test func `a client's padding names its hop`() async throws {
            try await withPlugin("p", at: 0) { network, watch, _ in
                let before = try await network.relays[0].counters().recognised
                let others = try await network.relays[1].counters().recognised
                #expect(try await network.echo(1_000, on: watch).isIntact)
                // Three for the first relay; one for a hop that is not there, which nobody gets.
                try await eventually { try await network.relays[0].counters().recognised == before + 3 }
                #expect(try await network.relays[1].counters().recognised == others)
            }
        }
    }
}
