import Foundation
import Glibc
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct VanishingTests {
        @Test func `when the middle relay is killed, the next request has another circuit`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("next", bytes: 1 << 20)
            _ = try network.serve("endless", bytes: 64 << 20)
            let (user, relay) = try await TrafficTests.middle(network)
            let before = try await network.circuits(of: "client1", user: user)
            let download = try await offload {
                let connection = try network.socks(receiveBuffer: 4096)
                try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                try connection.ask(for: "endless")
                _ = try connection.read(exactly: 100_000)
                return connection
            }
            try network.signal(SIGKILL, to: relay)
            let begin = ContinuousClock.now
            // What was under way ends early, without waiting for a timeout.
            let rest = try await offload {
                var count = 0
                while let bytes = try? download.read(), !bytes.isEmpty { count += bytes.count }
                return count
            }
            #expect(rest < 63 << 20)
            #expect(try await offload { try network.fetch("next", user: user, timeout: 10) } == content)
            let time = ContinuousClock.now - begin
            print("after a kill -9 of the middle relay: the next request took \(time)")
            #expect(time < .seconds(10))
            let after = try await network.circuits(of: "client1", user: user)
            #expect(!after.isEmpty && Set(after.map(\.id)).isDisjoint(with: before.map(\.id)))
            #expect(network.dead == [relay])
            try network.startAgain(relay)
            #expect(try await offload { try network.fetch("next", user: "others") } == content)
        }

        @Test func `when one of three authorities is killed, two make the next consensus`() async throws {
            let network = try FanionNetwork.current
            let first = try await consensus(network)
            try network.signal(SIGKILL, to: "auth3")
            let begin = ContinuousClock.now
            // The round that was under way may still have had three.
            let next = try await eventually(within: .seconds(70), every: .seconds(1)) {
                let now = try await consensus(network)
                return now.validAfter > first.validAfter && now.signatures == 2 ? now : nil
            }
            print("a consensus of two came \(ContinuousClock.now - begin) after the kill")
            #expect(next != nil)
            #expect(network.dead == ["auth3"])
            try network.startAgain("auth3")
            let whole = try await eventually(within: .seconds(70), every: .seconds(1)) {
                let now = try await consensus(network)
                return now.validAfter > next?.validAfter ?? "" && now.signatures == 3 ? now : nil
            }
            print("one of three came \(ContinuousClock.now - begin) after the kill")
            #expect(whole != nil, "\(network.log(of: "auth3").suffix(1_000))")
            #expect(network.dead.isEmpty)
        }

        private func consensus(_ network: FanionNetwork) async throws -> (validAfter: String, signatures: Int) {
            let auth = try network.node("auth1")
            let text = try await offload {
                let connection = try Connection(to: auth.address, auth.dirPort)
                try connection.write(Array("GET /tor/status-vote/current/consensus HTTP/1.0\r\n\r\n".utf8))
                var bytes: [UInt8] = []
                while case let more = try connection.read(), !more.isEmpty { bytes += more }
                return String(decoding: bytes, as: UTF8.self)
            }
            let lines = text.split(separator: "\n")
            let validAfter = lines.first { $0.hasPrefix("valid-after ") } ?? ""
            return (String(validAfter), lines.filter { $0.hasPrefix("directory-signature ") }.count)
        }

        @Test(.enabled(if: NetworkScript.isFull, "takes twelve minutes: FANION_TEST_FULL=1"))
        func `twenty circuits carry a live stream each for twelve minutes`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("tick", bytes: 20_000)
            let users = (0..<20).map { "long-\($0)" }
            let streams = try await offload {
                try users.map { user in
                    let connection = try network.socks()
                    try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                    return connection
                }
            }
            func ids() async throws -> [String] {
                var ids: [String] = []
                for user in users { ids += try await network.circuits(of: "client1", user: user).map(\.id) }
                return ids
            }
            let before = Set(try await ids())
            #expect(before.count == 20)
            let end = ContinuousClock.now + .seconds(12 * 60)
            var rounds = 0
            while ContinuousClock.now < end {
                let areWhole = try await offload {
                    try streams.map { stream in
                        try stream.ask(for: "tick", keepsAlive: true)
                        return try stream.answer() == content
                    }
                }
                #expect(areWhole.allSatisfy { $0 })
                rounds += 1
                try await Task.sleep(for: .seconds(5))
            }
            print("twenty streams for twelve minutes: \(rounds) answers each")
            #expect(Set(try await ids()).isSuperset(of: before))
            #expect(network.dead.isEmpty)
        }
    }
}
