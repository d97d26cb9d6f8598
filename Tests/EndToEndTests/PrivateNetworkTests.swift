import Foundation
import Testing

@Suite(.serialized)
struct PrivateNetworkTests {
    @Test(.enabled(if: NetworkScript.hasTor)) func `a network of C Tor carries files both ways`() async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let demo = try network.start(["demo", "--tor", "all", "--relays", "4", "--size", "2"])
        #expect(try await demo.end(within: .seconds(240)) == 0, "\(network.output)")
        #expect(network.output.contains("both files arrived whole"))
        #expect(network.processes.isEmpty)
    }

    /// Mixtures of hops are `MixedNetwork`'s. In the last, all but the client is of C Tor.
    @Test(
        .enabled(if: NetworkScript.hasTor),
        arguments: [
            "--tor clients,exits", "--tor authorities,relays,exits --authorities 1 --relays 3 --exits 1",
        ])
    func `so does one of Fanion, with C Tor in some of its seats`(seats: String) async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let words =
            ["demo", "--relays", "4", "--size", "2", "--fanion", NetworkScript.fanion]
            + seats.split(separator: " ").map(String.init)
        let demo = try network.start(words)
        #expect(try await demo.end(within: .seconds(240)) == 0, "\(network.output)")
        #expect(network.output.contains("both files arrived whole"))
        #expect(network.processes.isEmpty)
    }

    @Test(.enabled(if: NetworkScript.hasTor), arguments: [500, 2_000, 4_000])
    func `an interruption leaves no process`(milliseconds: Int) async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let up = try network.start(["up", "--tor", "all"])
        try await Task.sleep(for: .milliseconds(milliseconds))
        up.signal(SIGINT)
        #expect(try await up.end(within: .seconds(30)) == 130, "\(network.output)")
        #expect(network.processes.isEmpty)
    }

    @Test func `what makes no sense is refused before anything starts`() async throws {
        for words in [["--relays", "1", "--exits", "2"], ["--tor", "nobody"], ["--size", "x"], ["--nonsense"]] {
            let network = NetworkScript()
            defer { network.remove() }
            let up = try network.start(["up"] + words)
            #expect(try await up.end(within: .seconds(30)) != 0)
            #expect(network.processes.isEmpty)
        }
    }
}
