import Cells
import Channels
import Circuits
import Testing

@testable import CellPath

extension CorridorTests {
    /// Padding of channels with C Tor at the other end.
    @Suite(.enabled(if: LinkTorProcess.isWanted)) struct ChannelPaddingTorTests {
        @Test func `we and a C Tor relay pad a silent channel, and it hears when we want less`() async throws {
            let port = try freeLoopbackPort()
            let tor = try LinkTorProcess.relay(port: port)
            defer { tor.end() }
            try await tor.waitForLog("Opened OR listener")
            try await tor.waitForLog("Rebuilding relay descriptor")
            let first = HopTarget(
                rsaIdentity: try tor.rsaIdentity(), ed25519Identity: try tor.ed25519Identity(),
                endpoints: [SocketEndpoint(address: .v4(0x7F00_0001), port: port)], onionKey: nil)
            let relay = try await TestNode(keys: TestKeys.all[1], host: 2)
            let last = try await TestNode(keys: TestKeys.all[2], host: 3)
            let client = try await TestNode()
            let reduced = try await TestNode(change: { $0.padding.isReduced = true })
            let circuit = try await client.build([first, relay.target, last.target])
            let other = try await reduced.build([first, relay.target, last.target])
            try await tor.waitForLog("Negotiated padding=0")
            // Whoever has drawn the shorter silence sends; so both do in the end.
            var counters = try await client.counters()
            for _ in 0..<2_400 where counters.sentPadding == 0 || counters.droppedPadding == 0 {
                try await Task.sleep(for: .milliseconds(50))
                counters = try await client.counters()
            }
            #expect(counters.sentPadding > 0 && counters.droppedPadding > 0)
            // Who asked for less gets none.
            #expect(try await reduced.counters().droppedPadding == 0)
            // The circuit's second channel is one between relays.
            #expect(try await relay.counters().sentPadding == 0)
            let isOpen = try await client.run { [circuit] _ in circuit.circuit?.isOpen == true }
            #expect(isOpen)
            #expect(!tor.log.contains("Got a PADDING_NEGOTIATE from relay"))
            withExtendedLifetime(other) {}
            for node in [client, reduced, relay, last] { try await node.stop() }
        }

        @Test func `a C Tor client that wants less says so to us`() async throws {
            let us = try LinkTestRelay()
            let server = try await LinkServer(us.identity)
            let tor = try LinkTorProcess(
                [
                    "SocksPort 127.0.0.1:\(try freeLoopbackPort())", "FetchDirInfoEarly 1",
                    "FetchDirInfoExtraEarly 1", "ReducedConnectionPadding 1",
                ], authority: (server.port, us.identity.rsaIdentity.hex))
            defer { tor.end() }
            let end = try await server.end(with: .paddingNegotiate)
            let cell = try await end.cell(.paddingNegotiate)
            #expect(try PaddingNegotiateCell(body: cell.body.span.bytes).paddingCommand == .stop)
            try await server.stop()
        }
    }
}
