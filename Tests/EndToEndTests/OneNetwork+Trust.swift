import Foundation
import Testing

extension OneNetwork {
    /// Relays that run what a key has signed and a log holds, and nothing else.
    @Suite(.serialized)
    struct TrustTests {
        private static let visitor = "org.fanion.visitor"

        /// Runs `fanion plugin`; what it says.
        @discardableResult
        private static func plugin(_ words: String...) async throws -> String {
            let (code, said) = try await ChildProcess.run([NetworkScript.fanion, "plugin"] + words)
            guard code == 0 else { throw Failure("fanion plugin \(words): \(said)") }
            return said
        }

        /// The torrc line that a command prints for its key.
        private static func line(_ said: String, _ option: String) throws -> [String] {
            let line = said.split(separator: "\n").first { $0.contains("for a torrc: \(option) ") }
            guard let words = line?.split(separator: " "), let place = words.firstIndex(of: Substring(option)) else {
                throw Failure("no \(option) in: \(said)")
            }
            return words[(place + 1)...].map(String.init)
        }

        /// Lines of a node about the visitor, after a request to make circuits that bring it.
        private static func answers(_ what: String, of client: String, _ user: String) async throws -> [String] {
            let network = try FanionNetwork.current
            _ = try await offload { try network.fetch("trusted", user: user, client: client) }
            let lines = try await network.control(client, "GETINFO plugin/\(what)")
            return lines.map { $0.replacing("plugin/\(what)=", with: "") }.filter { $0.hasPrefix(visitor) }
        }

        @Test func `relays run what a key has signed and a log holds, and say why they run nothing else`() async throws
        {
            let network = try FanionNetwork.current
            let folder = network.script.folder
            guard FileManager.default.fileExists(atPath: folder + "/brought/\(Self.visitor).o") else { return }
            _ = try network.serve("trusted", bytes: 100_000)
            // Client 2 has the same plugin, signed, in a log that a witness has seen.
            let (signed, log) = (folder + "/signed", folder + "/www/log")
            try FileManager.default.copyItem(atPath: folder + "/brought", toPath: signed)
            let file = "\(signed)/\(Self.visitor).o"
            let key = try Self.line(
                await Self.plugin("sign", "--key", folder + "/alice.key", "--new-key", "alice", file), "PluginKey")
            let made = try await Self.plugin(
                "log", "init", log, "--key", folder + "/log.key", "--origin", "log.example/plugins")
            let vkey = try Self.line(made, "PluginLog")[1]
            try await Self.plugin("log", "add", "--key", folder + "/log.key", log, file)
            try await Self.plugin("log", "revoke", "--key", folder + "/log.key", log)
            let witness = try Self.line(
                await Self.plugin("log", "cosign", log, "--key", folder + "/w.key", "--new-key", "w.example")
                    .replacing("key; for", with: "key\nfor"), "PluginWitness")
            let logLine = "PluginLog log1 \(vkey) http://\(FanionNetwork.serverAddress):\(network.port)/log/"
            let trust = """
                PluginPolicy alice and log1
                PluginKey alice \(key[1])
                \(logLine)
                PluginWitness w \(witness[1])
                PluginLogInterval 2 seconds
                """
            let relays = network.nodes.filter { $0.kind != "client" }.map(\.name)
            for relay in relays {
                try await network.reload(relay) { $0.replacing("TestingFanionAnyPlugin 1", with: trust) }
                let isRead = try await eventually(within: .seconds(60)) {
                    isThere(network.folder(of: relay) + "/data/plugin-logs/log1.checkpoint") ? true : nil
                }
                #expect(isRead == true, "\(network.log(of: relay).suffix(500))")
            }

            // What nobody has signed is refused, and the client hears why.
            let refused = try await eventually(within: .seconds(60)) {
                let lines = try await Self.answers("refusals", of: "client1", "unsigned\(UInt16.random(in: 0...9999))")
                return lines.contains { $0.contains("unknown-signer") } ? lines : nil
            }
            #expect(refused != nil)

            // What is signed and logged runs; the client reads the log through its circuits, for the newest proof.
            try await network.reload("client2") { text in
                text.replacing(folder + "/brought", with: signed) + "\n\(logLine)\nPluginLogInterval 2 seconds\n"
            }
            let isRead = try await eventually(within: .seconds(60)) {
                isThere(network.folder(of: "client2") + "/data/plugin-logs/log1.checkpoint") ? true : nil
            }
            #expect(isRead == true, "\(network.log(of: "client2").suffix(500))")
            let counted = try await eventually(within: .seconds(60)) {
                let lines = try await Self.answers("counters", of: "client2", "signed\(UInt16.random(in: 0...9999))")
                return lines.first { line in
                    line.split(separator: " ").contains { $0.hasPrefix("backward=") && $0 != "backward=0" }
                }
            }
            let said = try await network.control("client2", "GETINFO plugin/refusals")
            #expect(counted != nil, "\(said)")

            // Once it is revoked, no relay runs it any more.
            try await Self.plugin("log", "revoke", "--key", folder + "/log.key", log, file)
            try await Self.plugin("log", "cosign", log, "--key", folder + "/w.key")
            let revoked = try await eventually(within: .seconds(60)) {
                let lines = try await Self.answers("refusals", of: "client2", "revoked\(UInt16.random(in: 0...9999))")
                return lines.contains { $0.contains("at-the-handshake") || $0.contains("revoked") } ? lines : nil
            }
            #expect(revoked != nil)

            // As it was, for whoever comes next.
            for relay in relays {
                try await network.reload(relay) { $0.replacing(trust, with: "TestingFanionAnyPlugin 1") }
            }
            try await network.reload("client2") { text in
                text.replacing(signed, with: folder + "/brought").replacing(logLine, with: "").replacing(
                    "PluginLogInterval 2 seconds", with: "")
            }
            #expect(network.dead.isEmpty)
        }

        private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
    }
}
