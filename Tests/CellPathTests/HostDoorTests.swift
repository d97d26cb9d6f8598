import Hooks
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Doors of the loop itself that no cell passes.
    @Suite struct HostDoorTests {
        private func ask(_ node: TestNode, bandwidth: UInt64, position: UInt32) async throws -> Answer<PathVerdict> {
            try await node.run { corridor in
                guard corridor.beginChoice() else { return .builtIn }
                var context = ChoosePathContext()
                context.parameter = position
                context.bandwidth = bandwidth
                return corridor.choosePath(&context)
            }
        }

        @Test func `a plugin weighs relays and hears of a consensus`() async throws {
            let node = try await TestNode(host: 60)
            #expect(try await ask(node, bandwidth: 7, position: 1) == .builtIn)
            let plugins = try PluginNetwork.plugins([("paths", "org.example.paths", "o77")])
            try await node.run { $0.apply(plugins) }
            let (same, veto) = (try #require(PathVerdict(answer: 65_536)), try #require(PathVerdict(answer: 0)))
            #expect(try await ask(node, bandwidth: 77, position: 1) == .verdict(same))
            #expect(try await ask(node, bandwidth: 78, position: 1) == .verdict(veto))
            #expect(try await ask(node, bandwidth: 78, position: 2) == .verdict(same))
            try await node.run { $0.consensusChanged(relays: 9, validAfter: 1_767_225_600) }
            let counted = try #require(try await node.run { $0.pluginCounters }.first)
            #expect(counted["middles"] == 2 && counted["exits"] == 1)
            #expect(counted["consensuses"] == 1 && counted["relays"] == 9)
            try await node.stop()
        }

        @Test func `a plugin that weighs for ever is gone after one relay`() async throws {
            let node = try await TestNode(host: 60)
            let plugins = try PluginNetwork.plugins([("paths", "org.example.paths", "l")])
            try await node.run { $0.apply(plugins) }
            #expect(try await ask(node, bandwidth: 7, position: 1) == .builtIn)
            #expect(try await node.run { $0.beginChoice() } == false)
            let counted = try #require(try await node.run { $0.pluginCounters }.first)
            #expect(counted["faults"] == 1 && counted["detached"] == 1)
            try await node.stop()
        }
    }
}
