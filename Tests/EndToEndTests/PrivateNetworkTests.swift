import Foundation
import Testing

@Suite(.serialized)
struct PrivateNetworkTests {
    @Test(.enabled(if: NetworkScript.hasTor)) func `a network of C Tor carries files both ways`() async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let demo = try network.start(["demo", "--tor", "all", "--relays", "4", "--size", "2"])
        #expect(try await network.end(of: demo, within: 240) == 0, "\(network.output)")
        #expect(network.output.contains("both files arrived whole"))
        #expect(network.processes.isEmpty)
    }

    @Test(.enabled(if: NetworkScript.hasTor), arguments: ["", "exits", "authorities,relays", "clients,exits"])
    func `so does one of Fanion, with C Tor in some of its seats or in none`(seats: String) async throws {
        let network = NetworkScript()
        defer { network.remove() }
        var words = ["demo", "--relays", "4", "--size", "2", "--fanion", NetworkScript.fanion]
        if !seats.isEmpty { words += ["--tor", seats] }
        let demo = try network.start(words)
        #expect(try await network.end(of: demo, within: 240) == 0, "\(network.output)")
        #expect(network.output.contains("both files arrived whole"))
        #expect(network.processes.isEmpty)
    }

    @Test(.enabled(if: NetworkScript.hasTor), arguments: [500, 2_000, 4_000])
    func `an interruption leaves no process`(milliseconds: Int) async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let up = try network.start(["up", "--tor", "all"])
        try await Task.sleep(for: .milliseconds(milliseconds))
        up.interrupt()
        #expect(try await network.end(of: up, within: 30) == 130, "\(network.output)")
        #expect(network.processes.isEmpty)
    }

    @Test func `what makes no sense is refused before anything starts`() async throws {
        for words in [["--relays", "1", "--exits", "2"], ["--tor", "nobody"], ["--size", "x"], ["--nonsense"]] {
            let network = NetworkScript()
            defer { network.remove() }
            let up = try network.start(["up"] + words)
            #expect(try await network.end(of: up, within: 30) != 0)
            #expect(network.processes.isEmpty)
        }
    }
}
