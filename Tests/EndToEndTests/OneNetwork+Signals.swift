import Foundation
import Glibc
import Testing

extension OneNetwork {
    @Suite(.serialized)
    struct SignalTests {
        private func code(_ network: FanionNetwork, user: String) async throws -> UInt8 {
            try await offload {
                do {
                    let connection = try network.socks("client2")
                    try connection.request(FanionNetwork.serverAddress, network.port, user: user)
                    return 0
                } catch let refusal as Connection.Refusal {
                    return refusal.code
                }
            }
        }

        @Test func `SIGHUP opens another log`() async throws {
            let network = try FanionNetwork.current
            let pid = network.pid(of: "relay2")
            let log = network.folder(of: "relay2") + "/log"
            let other = network.folder(of: "relay2") + "/other"
            try network.rewriteTorrc(of: "relay2") { $0.replacing("file \(log)\n", with: "file \(other)\n") }
            try network.signal(SIGHUP, to: "relay2")
            let text = try await eventually(within: .seconds(10)) {
                (try? String(contentsOfFile: other, encoding: .utf8)).flatMap { $0.contains("[notice]") ? $0 : nil }
            }
            #expect(text?.contains("the configuration was read again") == true)
            let size = try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int
            // A torrc that will not do changes nothing.
            try network.rewriteTorrc(of: "relay2") { $0 + "Nonsense 1\n" }
            try network.signal(SIGHUP, to: "relay2")
            let complaint = try await eventually(within: .seconds(10)) {
                (try? String(contentsOfFile: other, encoding: .utf8)).flatMap { $0.contains("Nonsense") ? $0 : nil }
            }
            #expect(complaint?.contains("[warn] the configuration stays as it was") == true)
            #expect(complaint?.contains("/torrc:") == true)
            #expect(try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int == size)
            try network.rewriteTorrc(of: "relay2") {
                $0.replacing("Nonsense 1\n", with: "").replacing("file \(other)\n", with: "file \(log)\n")
            }
            try network.signal(SIGHUP, to: "relay2")
            #expect(network.pid(of: "relay2") == pid)
        }

        @Test func `SIGHUP changes what an exit lets out, and back`() async throws {
            let network = try FanionNetwork.current
            #expect(try await code(network, user: "before") == 0)
            let rule = "ExitPolicy reject *:\(network.port)\n"
            for exit in ["exit1", "exit2"] {
                try await network.reload(exit) {
                    $0.replacing("ExitPolicy accept *:*", with: rule + "ExitPolicy accept *:*")
                }
            }
            let begin = ContinuousClock.now
            let refusal = try await eventually(within: .seconds(20)) {
                let code = try await code(network, user: "refused-\(UInt32.random(in: 0...UInt32.max))")
                return code == 0 ? nil : code
            }
            print("refused by policy with \(refusal ?? 0) after \(ContinuousClock.now - begin)")
            #expect(refusal == 1 || refusal == 2)
            for exit in ["exit1", "exit2"] {
                try await network.reload(exit) { $0.replacing(rule, with: "") }
            }
            let again = ContinuousClock.now
            // The client believes them again with the descriptors that the next consensus names.
            let isOpen = try await eventually(within: .seconds(75)) {
                try await code(network, user: "open-\(UInt32.random(in: 0...UInt32.max))") == 0 ? true : nil
            }
            print("let out again after \(ContinuousClock.now - again)")
            #expect(isOpen == true)
            #expect(network.dead.isEmpty)
        }

        @Test func `SIGTERM ends a relay at once, and it comes back as the same`() async throws {
            let network = try FanionNetwork.current
            let fingerprint = try String(
                contentsOfFile: network.folder(of: "relay3") + "/data/fingerprint", encoding: .utf8)
            try network.signal(SIGTERM, to: "relay3")
            let begin = ContinuousClock.now
            #expect(
                try await eventually(within: .seconds(10)) { network.pid(of: "relay3") == nil ? true : nil } == true)
            print("a relay ended \(ContinuousClock.now - begin) after SIGTERM")
            #expect(network.log(of: "relay3").contains("[notice] ended"))
            try network.startAgain("relay3")
            let isBack = try await eventually(within: .seconds(10)) {
                network.log(of: "relay3").components(separatedBy: "Opened OR listener").count == 3 ? true : nil
            }
            #expect(isBack == true, "\(network.log(of: "relay3"))")
            #expect(
                try String(contentsOfFile: network.folder(of: "relay3") + "/data/fingerprint", encoding: .utf8)
                    == fingerprint)
        }
    }
}
