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
    }
}
