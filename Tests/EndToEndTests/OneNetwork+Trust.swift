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

        /// Lines of a client about the visitor.
        private static func lines(_ what: String, of client: String) async throws -> [String] {
            let lines = try await FanionNetwork.current.control(client, "GETINFO plugin/\(what)")
            return lines.map { $0.replacing("plugin/\(what)=", with: "") }.filter { $0.hasPrefix(visitor) }
        }

        /// Cells that came back through relays which run a client's plugin.
        private static func cells(_ client: String) async throws -> Int {
            let words = try await lines("counters", of: client).flatMap { $0.split(separator: " ") }
            return words.compactMap { $0.hasPrefix("backward=") ? Int($0.dropFirst("backward=".count)) : nil }.reduce(
                0, +)
        }

        /// Fetches a file over circuits that are new, and says whether the plugin has counted its cells.
        private static func isCounted(_ client: String, within time: Duration = .seconds(5)) async throws -> Bool {
            let network = try FanionNetwork.current
            _ = try await network.control(client, "SIGNAL NEWNYM")
            let before = try await cells(client)
            let user = "trust\(UInt32.random(in: 0...UInt32.max))"
            let got = try await offload { try network.fetch("trusted", user: user, client: client) }
            return try await eventually(within: time, every: .seconds(1)) {
                try await cells(client) - before > got.count / 498 / 2 ? true : nil
            } ?? false
        }

        @Test func `relays run what a key has signed and a log holds, and say why they run nothing else`() async throws
        {
            let network = try FanionNetwork.current
            let folder = network.script.folder
            guard FileManager.default.fileExists(atPath: folder + "/brought/\(Self.visitor).o") else { return }
            _ = try network.serve("trusted", bytes: 500_000)
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

            // What nobody has signed is refused, and the client hears why. Circuits that were built before still have it.
            for client in ["client1", "client2"] {
                let isRefused = try await eventually(within: .seconds(90)) {
                    try await Self.isCounted(client) ? nil : true
                }
                #expect(isRefused == true)
                #expect(try await Self.lines("refusals", of: client).contains { $0.contains("unknown-signer") })
            }

            // What is signed and logged runs; the client reads the log through its circuits, for the newest proof.
            try await network.reload("client2") { text in
                text.replacing(folder + "/brought", with: signed) + "\n\(logLine)\nPluginLogInterval 2 seconds\n"
            }
            let isRead = try await eventually(within: .seconds(60)) {
                isThere(network.folder(of: "client2") + "/data/plugin-logs/log1.checkpoint") ? true : nil
            }
            #expect(isRead == true, "\(network.log(of: "client2").suffix(500))")
            let isTaken = try await eventually(within: .seconds(90)) {
                try await Self.isCounted("client2") ? true : nil
            }
            let refusals = try await Self.lines("refusals", of: "client2")
            #expect(isTaken == true, "\(refusals)")

            // Once it is revoked, no relay runs it any more.
            try await Self.plugin("log", "revoke", "--key", folder + "/log.key", log, file)
            try await Self.plugin("log", "cosign", log, "--key", folder + "/w.key")
            let isGone = try await eventually(within: .seconds(90)) {
                try await Self.isCounted("client2") ? nil : true
            }
            #expect(isGone == true)
            #expect(try await Self.lines("refusals", of: "client2") != refusals)

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
