import Foundation
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct PluginTests {
        private static let fixtures = NetworkScript.root.appending(path: "Tests/PluginHostTests/Fixtures")

        /// What a version of the plugin has counted at a node, by name.
        private func counters(_ network: FanionNetwork, _ node: String, _ version: String) async throws -> [String: Int]
        {
            let lines = try await network.control(node, "GETINFO plugin/counters")
            guard let line = lines.first(where: { $0.contains("org.example.upgrade \(version) ") }) else { return [:] }
            let pairs = line.split(separator: " ").compactMap { word -> (String, Int)? in
                let parts = word.split(separator: "=")
                return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
            }
            return Dictionary(pairs) { $1 }
        }

        @Test func `SIGHUP puts a plugin in place, changes it as it runs, keeps it, and takes it away`() async throws {
            let network = try FanionNetwork.current
            let user = "plugins-\(UInt32.random(in: 0...UInt32.max))"
            let content = try network.serve("plugin-file", bytes: 300_000)
            /// Carries bytes over the one circuit of this user.
            func carry() async throws {
                #expect(try await offload { try network.fetch("plugin-file", user: user) } == content)
            }
            try await carry()
            let circuit = try #require(try await network.circuits(of: "client1", user: user).first)
            let exit = try #require(circuit.path.last)
            let folder = network.folder(of: exit) + "/data/other-plugins"
            let object = folder + "/upgrade.o"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            func install(_ bytes: Data) throws { try bytes.write(to: URL(filePath: object)) }
            func version(_ number: Int) throws -> Data {
                try Data(contentsOf: Self.fixtures.appending(path: "upgrade-\(number).o"))
            }
            let torrc = try String(contentsOfFile: network.folder(of: exit) + "/torrc", encoding: .utf8)

            // In place, at a circuit that is open.
            try install(try version(1))
            try await network.reload(exit) { text in
                let lines = text.split(separator: "\n").filter { !$0.hasPrefix("Plugin") }
                return lines.joined(separator: "\n") + "\nPluginsDirectory \(folder)\nPlugin org.example.upgrade\n"
            }
            #expect(network.log(of: exit).contains("plugin org.example.upgrade 1.1.0 is in place"))
            try await carry()
            let first = try await counters(network, exit, "1.1.0")
            #expect((first["cells"] ?? 0) > 0 && first["faults"] == 0)

            // A newer one in its place, which takes over what it has counted.
            try install(try version(2))
            try await network.reload(exit) { $0 }
            try await carry()
            let (old, new) = (
                try await counters(network, exit, "1.1.0"), try await counters(network, exit, "1.2.0")
            )
            #expect((old["upgraded"] ?? 0) >= 1 && old["attached"] == old["detached"])
            #expect((new["taken_over"] ?? 0) > 0 && (new["cells"] ?? 0) > 0)

            // A file that will not do: an error that names it, and what was there stays.
            try install(Data("nonsense".utf8))
            try await network.reload(exit) { $0 }
            #expect(network.log(of: exit).contains("a plugin cannot be used: \(object)"))
            #expect(network.log(of: exit).contains("version 1.2.0 of org.example.upgrade stays in place"))
            try await carry()
            let kept = try await counters(network, exit, "1.2.0")
            #expect((kept["cells"] ?? 0) > (new["cells"] ?? 0))

            // Taken away.
            try FileManager.default.removeItem(atPath: object)
            try await network.reload(exit) { $0 }
            let gone = try await counters(network, exit, "1.2.0")
            #expect(gone["attached"] == gone["detached"])
            try await carry()
            #expect(try await counters(network, exit, "1.2.0")["cells"] == gone["cells"])
            // All of that over one circuit, which never noticed.
            #expect(try await network.circuits(of: "client1", user: user).first?.id == circuit.id)
            try await network.reload(exit) { _ in torrc }
            #expect(network.dead.isEmpty)
        }
    }
}
