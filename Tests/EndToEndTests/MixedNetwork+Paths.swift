import Foundation
import Testing

extension MixedNetwork {
    @Suite(.serialized)
    struct PathTests {
        /// How much is carried each way on each path, in MiB.
        private static let megabytes = NetworkScript.isFull ? 50 : 5

        @Test func `a client of C Tor reaches everything over every mixture of hops`() async throws {
            let network = try FanionNetwork.current
            _ = try network.serve("path", bytes: Self.megabytes << 20)
            for (number, path) in Self.paths.enumerated() {
                _ = try await network.control(
                    "client1",
                    "SETCONF StrictNodes=1 ConfluxEnabled=0 EntryNodes=\(path[0]) MiddleNodes=\(path[1]) ExitNodes=\(path[2])"
                )
                let user = "path\(number)"
                // Relays that were in use a moment ago may take it a moment to leave.
                let problem = try await eventually(within: .seconds(120)) { () -> String?? in
                    let problem = try await network.carry("path", client: "client1", user: user)
                    return problem == nil ? .some(nil) : nil
                }
                #expect(problem != nil, "\(path): nothing came through")
                let circuits = try await network.circuits(of: "client1", user: user)
                #expect(!circuits.isEmpty && circuits.allSatisfy { $0.path == path }, "\(path): \(circuits)")
            }
            _ = try await network.control(
                "client1", "RESETCONF StrictNodes ConfluxEnabled EntryNodes MiddleNodes ExitNodes")
            #expect(network.complaints.isEmpty, "\(network.complaints)")
        }

        /// Guard, middle and exit, of C Tor and of Fanion each.
        private static var paths: [[String]] {
            ["relay1", "relay3"].flatMap { entry in
                ["relay2", "relay4"].flatMap { middle in ["exit1", "exit2"].map { [entry, middle, $0] } }
            }
        }

        @Test func `a client of Fanion does too, with relays of both kinds`() async throws {
            let network = try FanionNetwork.current
            _ = try network.serve("ours", bytes: Self.megabytes << 20)
            var hops: Set<String> = []
            for number in 0..<6 {
                let user = "ours\(number)"
                let problem = try await network.carry("ours", client: "client2", user: user)
                #expect(problem == nil, "\(problem ?? "")")
                for circuit in try await network.circuits(of: "client2", user: user) { hops.formUnion(circuit.path) }
            }
            #expect(hops.contains { name in network.nodes.contains { $0.name == name && $0.isTor } }, "\(hops)")
            #expect(network.complaints.isEmpty, "\(network.complaints)")
        }
    }
}
