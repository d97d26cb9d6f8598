import Foundation
import Testing

/// Authorities of both programs together: what they sign is the same document.
@Suite(.enabled(if: NetworkScript.hasTor), .serialized)
struct MixedAuthoritiesTests {
    @Test(arguments: ["auth1,auth2", "auth1,client1"])
    func `every consensus after the second is signed by all three`(seats: String) async throws {
        let network = try await FanionNetwork.start([
            "--relays", "2", "--exits", "1", "--clients", "1", "--tor", seats, "--timeout", "240",
        ])
        do {
            try await Self.check(network)
        } catch {
            _ = try await network.stop()
            throw error
        }
        #expect(try await network.stop().isEmpty)
    }

    private static func check(_ network: FanionNetwork) async throws {
        let authorities = network.nodes.filter { $0.kind == "authority" }
        var signatures: [String: [String: Int]] = [:]
        // The network has had two or three by the time that it is ready; three more are looked at, everybody's.
        let found = try await eventually(within: .seconds(150), every: .seconds(1)) {
            for node in authorities {
                for flavor in ["", "-microdesc"] {
                    let (code, said) = try await ChildProcess.run([
                        "curl", "--silent", "--fail", "--max-time", "10",
                        "http://\(node.address):\(node.dirPort)/tor/status-vote/current/consensus\(flavor)",
                    ])
                    guard code == 0 else { continue }
                    let lines = said.split(separator: "\n")
                    let time = lines.first { $0.hasPrefix("valid-after ") } ?? ""
                    let count = lines.count { $0.hasPrefix("directory-signature ") }
                    let key = node.name + flavor
                    signatures[String(time), default: [:]][key] = max(signatures[String(time)]?[key] ?? 0, count)
                }
            }
            return signatures.values.count { $0.count == 2 * authorities.count } >= 3 ? true : nil
        }
        #expect(found == true, "\(signatures)")
        let whole = signatures.filter { $0.value.count == 2 * authorities.count }
        for (time, counts) in whole { #expect(counts.values.allSatisfy { $0 == 3 }, "\(time): \(counts)") }
    }
}
