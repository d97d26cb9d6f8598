import Foundation
import Glibc
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct SOCKSTests {
        /// The code of what SOCKS refuses; 0 if it grants.
        private func refusal(_ body: @escaping @Sendable (FanionNetwork) throws -> Void) async throws -> UInt8 {
            let network = try FanionNetwork.current
            do {
                try await offload { try body(network) }
                return 0
            } catch let refusal as Connection.Refusal {
                return refusal.code
            }
        }

        @Test func `SOCKS 4a and SOCKS 5 carry a file`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("versions", bytes: 100_000)
            #expect(try await offload { try network.fetch("versions", user: nil) } == content)
            let received = try await offload {
                let connection = try network.socks()
                try connection.request4a(FanionNetwork.serverAddress, network.port)
                try connection.ask(for: "versions")
                return try connection.answer()
            }
            #expect(received == content)
        }

        @Test func `users have circuits of their own, and one user's streams share one`() async throws {
            let network = try FanionNetwork.current
            let open: @Sendable (String) async throws -> Connection = { user in
                try await offload {
                    let connection = try network.socks()
                    try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                    return connection
                }
            }
            let connections = [try await open("alice"), try await open("bob"), try await open("alice")]
            let alice = try await network.circuits(of: "client1", user: "alice")
            let bob = try await network.circuits(of: "client1", user: "bob")
            #expect(alice.count == 1 && bob.count == 1)
            #expect(alice.first?.id != bob.first?.id)
            let target = "\(FanionNetwork.serverAddress):\(network.port)"
            let streams = try await network.control("client1", "GETINFO stream-status").filter { $0.contains(target) }
            func count(_ circuit: FanionNetwork.Circuit?) -> Int {
                streams.filter { $0.contains(" SUCCEEDED \(circuit?.id ?? "none") ") }.count
            }
            #expect(count(alice.first) == 2 && count(bob.first) == 1, "\(streams)")
            withExtendedLifetime(connections) {}
        }

        @Test func `what cannot be reached is refused with the right code`() async throws {
            // Nobody listens on the port after it was bound and closed.
            let ports = try await ChildProcess.run([NetworkScript.tools, "ports", FanionNetwork.serverAddress, "1"])
            let closed = try #require(UInt16(ports.said.trimmingCharacters(in: .whitespacesAndNewlines)))
            let server = FanionNetwork.serverAddress
            #expect(try await refusal { try $0.socks().request(server, closed) } == 5)
            #expect(try await refusal { try $0.socks().request4a(server, closed) } == 0x5B)
            #expect(try await refusal { try $0.socks().request("some.onion", 80) } == 4)
            #expect(try await refusal { try $0.socks().request(server, 80, command: 2) } == 7)
            #expect(try await refusal { try $0.socks().request(server, 80, command: 3) } == 7)
        }

        @Test func `a client that shuns private addresses ends cleanly when told to`() async throws {
            let network = try FanionNetwork.current
            let folder = network.script.folder + "/shy"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let ports = try await ChildProcess.run([NetworkScript.tools, "ports", "127.180.0.1", "1"])
            let port = try #require(UInt16(ports.said.trimmingCharacters(in: .whitespacesAndNewlines)))
            let torrc = try String(contentsOfFile: network.folder(of: "client1") + "/torrc", encoding: .utf8)
                .split(separator: "\n").filter { line in
                    !["DataDirectory", "ControlPort", "CookieAuth", "SocksPort", "OutboundBind", "Log"].contains {
                        line.hasPrefix($0)
                    }
                }.joined(separator: "\n")
            try """
            \(torrc)
            DataDirectory \(folder)/data
            PidFile \(folder)/pid
            SocksPort 127.180.0.1:\(port)
            ClientRejectInternalAddresses 1
            Log notice file \(folder)/log
            """.write(toFile: folder + "/torrc", atomically: true, encoding: .utf8)
            let client = try ChildProcess(
                [NetworkScript.fanion, "-f", folder + "/torrc", "--defaults-torrc", network.script.folder + "/empty"],
                output: folder + "/output")
            try network.keep(client, as: "shy")
            let log: @Sendable () -> String = { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }
            let isReady = try await eventually(within: .seconds(60)) {
                log().contains("Bootstrapped 100%") ? true : nil
            }
            #expect(isReady == true, "\(log())")
            let codes = try await offload {
                try [FanionNetwork.serverAddress, "10.1.2.3", "192.168.0.1", "localhost"].map { host in
                    let connection = try Connection(to: "127.180.0.1", port)
                    do {
                        try connection.request(host, 80)
                        return UInt8(0)
                    } catch let refusal as Connection.Refusal {
                        return refusal.code
                    }
                }
            }
            #expect(codes == [1, 1, 1, 1])
            #expect(FileManager.default.fileExists(atPath: folder + "/pid"))
            client.signal(SIGTERM)
            #expect(try await client.end(within: .seconds(10)) == 0)
            #expect(!FileManager.default.fileExists(atPath: folder + "/pid"))
            #expect(log().contains("[notice] ended"))
        }

        @Test(.enabled(if: FanionNetwork.canServeNames, "port 53 needs root"))
        func `names are looked up at the exit`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("named", bytes: 10_000)
            let received = try await offload {
                let connection = try network.socks()
                try connection.request4a("server.test", network.port)
                try connection.ask(for: "named")
                return try connection.answer()
            }
            #expect(received == content)
            let answers = try await offload {
                [
                    try network.socks().request("any.test", 0, command: 0xF0),
                    try network.socks().request("203.0.113.9", 0, command: 0xF1),
                ]
            }
            #expect(answers == ["203.0.113.7", "host.test"])
            #expect(try await refusal { try $0.socks().request("any.nowhere", 0, command: 0xF0) } == 4)
            #expect(try await refusal { try $0.socks().request("any.nowhere", 80) } == 4)
        }

        @Test(
            .enabled(
                if: FanionNetwork.canServeNames && access("/usr/bin/tor-resolve", X_OK) == 0,
                "needs tor-resolve, and root for port 53"))
        func `tor-resolve finds addresses and names`() async throws {
            let node = try FanionNetwork.current.node("client1")
            let socks = "\(node.address):\(node.socksPort)"
            for (words, answer) in [
                (["other.test"], "203.0.113.7"), (["-5", "more.test"], "203.0.113.7"),
                (["-5", "-x", "203.0.113.10"], "host.test"),
            ] {
                let (code, said) = try await ChildProcess.run(["/usr/bin/tor-resolve"] + words + [socks])
                #expect(code == 0 && said.contains(answer), "\(said)")
            }
        }
    }
}
