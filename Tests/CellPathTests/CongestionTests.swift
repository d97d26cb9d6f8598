import Cells
import Circuits
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// Congestion control between nodes of this process, over real sockets.
    @Suite struct CongestionTests {
        private static func path(_ network: PluginNetwork) -> [HopTarget] { network.relays.map(\.congestedTarget) }

        @Test func `megabytes go both ways under congestion control`() async throws {
            let network = try await PluginNetwork.start(host: 60)
            let watch = try await network.client.build(Self.path(network))
            #expect(try await network.echo(4 << 20, on: watch).isIntact)
            for (node, isClient) in [(network.client, true), (network.relays[2], false)] {
                let (counts, interval) = try await node.run { $0.congestion(isClient: isClient) }
                #expect(interval == 31)
                let cells = UInt64(4 << 20) / 498
                #expect(counts.packaged >= cells && counts.received >= cells)
                #expect(counts.acknowledged > cells / 31 - 200 && counts.acknowledging >= cells / 31)
            }
            try await network.stop()
        }

        @Test func `who does not want it, or stands with fixed windows at the doors, gets windows`() async throws {
            for case let (clientWants, relayWants, hasPlugin) in [
                (false, true, false), (true, false, false), (true, true, true),
            ] {
                let network = try await PluginNetwork.start(host: 60)
                let set: @Sendable (TestNode, Bool) async throws -> Void = { node, wants in
                    try await node.run { corridor in
                        var settings = corridor.settings
                        settings.endpoint.congestion.isEnabled = wants
                        corridor.apply(settings)
                    }
                }
                try await set(network.client, clientWants)
                try await set(network.relays[2], relayWants)
                if hasPlugin {
                    let sendme = try PluginNetwork.plugins([("sendme", "org.fanion.sendme", "")])
                    try await network.relays[2].run { $0.apply(sendme) }
                }
                let watch = try await network.client.build(Self.path(network))
                #expect(try await network.echo(300_000, on: watch).isIntact)
                for (node, isClient) in [(network.client, true), (network.relays[2], false)] {
                    #expect(try await node.run { $0.congestion(isClient: isClient).interval } == 100)
                }
                try await network.stop()
            }
        }

        @Test func `fixed windows do not come to a circuit that is under congestion control`() async throws {
            let network = try await PluginNetwork.start(host: 60)
            let watch = try await network.client.build(Self.path(network))
            #expect(try await network.echo(300_000, on: watch).isIntact)
            let sendme = try PluginNetwork.plugins([("sendme", "org.fanion.sendme", "")])
            for node in [network.client, network.relays[2]] { try await node.run { $0.apply(sendme) } }
            #expect(try await network.echo(300_000, on: watch).isIntact)
            for node in [network.client, network.relays[2]] {
                #expect(try await node.run { $0.pluginCounters.allSatisfy { $0["attached"] == 0 } })
            }
            try await network.stop()
        }

        @Test func `a reader that stops stops the sender, and when it goes on everything arrives`() async throws {
            let acceptor = SlowAcceptor()
            let keys = TestKeys.all
            let relay = try await TestNode(keys: keys[0], host: 61, acceptor: { _ in acceptor })
            let client = try await TestNode(host: 60)
            let watch = try await client.build([relay.congestedTarget])
            let count = 3 << 20
            let stream = try await client.run { corridor in
                let stream = EchoStream(corridor.eventLoop, count: count)
                stream.port = try #require(watch.circuit).openStream(
                    .begin(BeginMessage(address: "example.com", port: 80)), owner: stream)
                return stream
            }
            for promise in [stream.done] { promise.futureResult.whenComplete { _ in } }
            stream.ended.futureResult.whenComplete { _ in }
            // Stopped: XOFF has come, and no more comes, though there is more.
            var atRest = 0
            var before = -1
            for _ in 0..<500 where atRest < 10 {
                try await Task.sleep(for: .milliseconds(50))
                let now = try await relay.run { _ in acceptor.owner?.received ?? 0 }
                atRest = now == before && now > 0 ? atRest + 1 : 0
                before = now
            }
            // The limit, and what was under way.
            #expect(before > 500 * 488 && before < count - 500_000, "\(before)")
            #expect(try await client.run { _ in stream.port?.sendableBytes } == 0)
            try await relay.run { _ in acceptor.owner?.goOn() }
            for _ in 0..<1_000 {
                if try await relay.run({ _ in acceptor.owner?.received }) == count { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(try await relay.run { _ in acceptor.owner?.received } == count)
            #expect(try await relay.run { _ in acceptor.owner?.isIntact } == true)
            try await client.run { _ in watch.circuit?.close(.finished) }
            _ = try await watch.closed.futureResult.get()
            try await client.stop()
            try await relay.stop()
        }
    }
}

extension Corridor {
    /// What our end of the first circuit has counted, and for how many cells a SENDME is.
    fileprivate func congestion(isClient: Bool) -> (counts: FlowCounts, interval: UInt32) {
        if isClient {
            for slot in origins.slots {
                guard let endpoint = origins.pointer(slot).pointee.endpoint else { continue }
                let hop = endpoint.pointee.machine.hopCount - 1
                return (
                    endpoint.pointee.machine.flowCounts(hop: hop) ?? FlowCounts(),
                    endpoint.pointee.machine.ackInterval(hop: hop)
                )
            }
        } else {
            for slot in circuits.slots {
                guard let endpoint = circuits.pointer(slot).pointee.endpoint else { continue }
                return (
                    endpoint.pointee.machine.flowCounts(hop: 0) ?? FlowCounts(),
                    endpoint.pointee.machine.ackInterval(hop: 0)
                )
            }
        }
        return (FlowCounts(), 0)
    }
}

/// An exit whose reader stops at once, until it is told to go on.
private final class SlowAcceptor: StreamAcceptor, @unchecked Sendable {
    /// Touched on its loop only.
    var owner: SlowOwner?

    func accept(_ request: StreamRequest, port: any StreamPort, isFirstHop: Bool) -> (any StreamOwner)? {
        let owner = SlowOwner(port)
        self.owner = owner
        port.sendConnected(ConnectedMessage())
        return owner
    }
}

private final class SlowOwner: StreamOwner {
    private let port: any StreamPort
    private(set) var received = 0
    private(set) var isIntact = true
    private var isSlow = true

    init(_ port: any StreamPort) { self.port = port }

    func goOn() {
        isSlow = false
        port.isBacklogged = false
    }

    func streamReceived(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { if !matchesPattern($0, at: received) { isIntact = false } }
        received += bytes.readableBytes
        if isSlow { port.isBacklogged = true }
    }

    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) {}
    func streamMaySend() {}
    func streamEnded(_ message: EndMessage) {}
}
