import Foundation
import Testing

extension MixedNetwork {
    @Suite(.serialized)
    struct OnionTests {
        /// Our relays are middles of a client's circuits to an onion service, both of C Tor, and pad them when asked to.
        @Test func `our middle relays run the padding machines of C Tor's clients`() async throws {
            let network = try FanionNetwork.current
            let content = try network.serve("onion", bytes: 100_000)
            try await network.watch("client1", "circ")
            _ = try await network.control("client1", "SETCONF HSLayer2Nodes=relay3,relay4")
            try await network.watch("relay1", "rend")
            // C Tor chooses introduction points without asking what relays list; ours are none, and it would have to wait.
            let ours = network.relaysOfOurs.map(\.name).joined(separator: ",")
            _ = try await network.control("relay1", "SETCONF ExcludeNodes=\(ours)")
            let answer = try await network.control(
                "relay1", "ADD_ONION NEW:ED25519-V3 Flags=Detach Port=80,\(FanionNetwork.serverAddress):\(network.port)"
            )
            let service = answer.first { $0.hasPrefix("ServiceID=") }?.dropFirst("ServiceID=".count)
            let name = try #require(service.map(String.init)) + ".onion"
            let client = try network.node("client1")
            let words = [
                "curl", "--silent", "--show-error", "--fail", "--max-time", "60", "--socks5-hostname",
                "\(client.address):\(client.socksPort)", "http://\(name)/onion",
                "--output", network.script.folder + "/onion",
            ]
            // A client that asks before the descriptor is there is told for a quarter of an hour that it is not.
            let isUploaded = try await eventually(within: .seconds(120)) {
                network.detail("relay1", "rend").contains("Uploaded hidden service descriptor (status 200") ? true : nil
            }
            #expect(isUploaded == true, "\(network.detail("relay1", "rend").suffix(2_000))")
            let isFetched = try await eventually(within: .seconds(120), every: .seconds(2)) {
                let (code, _) = try await ChildProcess.run(words, within: .seconds(70))
                if code != 0 { _ = try await network.control("client1", "SIGNAL NEWNYM") }
                return code == 0 ? true : nil
            }
            #expect(isFetched == true, "\(network.log(of: "relay1").suffix(1_000))")
            let received = try? Data(contentsOf: URL(filePath: network.script.folder + "/onion"))
            #expect(received.map { [UInt8]($0) } == content)
            // The client has had padding from the second hop, which is ours, and no complaint about it.
            let padded = try await eventually(within: .seconds(30)) {
                network.detail("client1", "circ").contains("Got padding cell on origin circuit") ? true : nil
            }
            #expect(padded == true, "\(network.detail("client1", "circ").suffix(2_000))")
            #expect(!network.detail("client1", "circ").contains("Middle node did not accept our padding request"))
            #expect(network.complaints.isEmpty, "\(network.complaints)")
            _ = try await network.control("client1", "RESETCONF HSLayer2Nodes")
            _ = try await network.control("relay1", "RESETCONF ExcludeNodes")
            _ = try await network.control("relay1", "DEL_ONION \(name.dropLast(".onion".count))")
        }
    }
}
