import Foundation
import Testing

extension PrivateNetworkTests {
    /// A client of C Tor's and our exits, then our client and C Tor's exits: C Tor's end says what it does.
    @Test(.enabled(if: NetworkScript.hasTor), arguments: [("client", "client1"), ("exit", "exit1")])
    func `circuits with C Tor at one end are under congestion control, both ways`(
        kind: String, name: String
    ) async throws {
        let network = NetworkScript()
        defer { network.remove() }
        let log = "\(network.folder)/\(name)/congestion"
        let demo = try network.start([
            "demo", "--keep", "--relays", "4", "--exits", "1", "--size", "20", "--fanion", NetworkScript.fanion,
            "--tor", kind + "s", "--set", "\(kind):ProtocolWarnings 1", "--set",
            "\(kind):Log [circ,edge]info file \(log)",
        ])
        #expect(try await demo.end(within: .seconds(300)) == 0, "\(network.output)")
        #expect(network.output.contains("both files arrived whole"))
        let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        // A line for each SENDME that came when the window might have changed.
        #expect(lines.count { $0.contains("TOR_VEGAS") } > 20)
        let warnings = lines.filter { line in
            line.contains("[warn]")
                && ["SENDME", "sendme", "XOFF", "XON", "ongestion", "ntor", "xtension"].contains { line.contains($0) }
        }
        #expect(warnings == [])
    }
}
