import Foundation
import Testing

extension OneNetwork {
    /// What the clients of the network bring to the middle of their circuits, and no relay has.
    @Suite(.serialized)
    struct BroughtPluginTests {
        private static let name = "org.fanion.visitor@middle"

        /// What came back to a client, by counter.
        private func counters(_ client: String = "client1") async throws -> [String: Int] {
            let network = try FanionNetwork.current
            let lines = try await network.control(client, "GETINFO plugin/counters")
            let line = lines.first { $0.replacing("plugin/counters=", with: "").hasPrefix(Self.name) }
            guard let line else { return [:] }
            return Dictionary(
                line.split(separator: " ").compactMap { word -> (String, Int)? in
                    let parts = word.split(separator: "=")
                    return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
                }, uniquingKeysWith: { $1 })
        }

        @Test func `a plugin that no relay has runs at the middle relay, and what it counts comes back`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("visited", bytes: 4 << 20)
            let before = try await counters()
            let got = try await offload { try network.fetch("visited", user: "visited") }
            #expect(got == content)
            let cells = (4 << 20) / 498
            let came = try await eventually(within: .seconds(20)) {
                // Once a second each circuit answers.
                let now = try await counters()
                return (now["backward"] ?? 0) - (before["backward"] ?? 0) > cells ? now : nil
            }
            #expect(came != nil)
            #expect((came?["longest_burst"] ?? 0) > 10)
            // The relays run it, and none of them has it, names it or shows what it counted.
            var attached = 0
            for node in network.nodes where node.kind != "client" {
                let lines = try await network.control(node.name, "GETINFO plugin/counters")
                #expect(!lines.contains { $0.contains("visitor") })
                let peers = lines.first { $0.replacing("plugin/counters=", with: "").hasPrefix("peers ") }
                let word = peers?.split(separator: " ").first { $0.hasPrefix("attached=") }
                attached += word.flatMap { Int($0.dropFirst("attached=".count)) } ?? 0
            }
            #expect(attached > 0)
            let folder = network.script.folder + "/plugins"
            let files = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(!files.contains { $0.contains("visitor") })
        }

        @Test func `what a reload brings to new circuits, and no longer wants of old ones`() async throws {
            let network = try FanionNetwork.current
            _ = try network.serve("reloaded", bytes: 1 << 20)
            let bring = "PluginBring org.fanion.visitor hop=middle preferred"
            try await network.reload("client2") {
                $0.replacing(bring, with: "PluginBring org.fanion.visitor hop=all required")
            }
            _ = try await offload { try network.fetch("reloaded", user: "required", client: "client2") }
            let places = try await eventually(within: .seconds(20)) {
                let lines = try await network.control("client2", "GETINFO plugin/counters")
                let places = ["guard", "middle", "exit"].filter { place in
                    lines.contains { $0.contains("org.fanion.visitor@" + place) }
                }
                return places.count == 3 ? places : nil
            }
            #expect(places != nil)
            try await network.reload("client2") {
                $0.replacing("PluginBring org.fanion.visitor hop=all required", with: bring)
            }
            _ = try await offload { try network.fetch("reloaded", user: "preferred", client: "client2") }
            #expect(network.dead == [])
        }
    }
}
