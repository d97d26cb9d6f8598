import Cells
import Circuits
import NIOCore
import Testing

@testable import CellPath

extension CorridorTests {
    /// Circuits of three hops between nodes of this process, over real sockets.
    @Suite struct CircuitTests {
        /// Three relays and a client.
        private func network(loops: Int) async throws -> (client: TestNode, relays: [TestNode]) {
            var relays: [TestNode] = []
            for index in 0..<3 {
                relays.append(
                    try await TestNode(
                        loops: loops, keys: TestKeys.all[index], host: UInt8(index + 11),
                        acceptor: { _ in EchoAcceptor() }))
            }
            return (try await TestNode(host: 10), relays)
        }

        private func stop(_ network: (client: TestNode, relays: [TestNode])) async throws {
            try await network.client.stop()
            for relay in network.relays { try await relay.stop() }
        }

        private func open(
            _ request: StreamRequest, on watch: CircuitWatch, _ client: TestNode, count: Int
        ) async throws -> EchoStream {
            try await client.run { corridor in
                let stream = EchoStream(corridor.eventLoop, count: count)
                stream.port = try #require(watch.circuit).openStream(request, owner: stream)
                #expect(stream.port != nil)
                return stream
            }
        }

        @Test(arguments: [1, 2]) func `three hops carry a stream both ways`(loops: Int) async throws {
            let network = try await network(loops: loops)
            let watch = try await network.client.build(network.relays.map(\.target))
            #expect(try await network.client.run { _ in watch.circuit?.hopCount } == 3)
            let stream = try await open(
                .begin(BeginMessage(address: "example.com", port: 80)), on: watch, network.client, count: 3_000_000)
            _ = try await stream.connected.futureResult.get()
            #expect(try await stream.done.futureResult.get() == 3_000_000)
            #expect(stream.isIntact)
            try await stop(network)
        }

        @Test func `ntor-v3 and CREATE_FAST make hops too`() async throws {
            let network = try await network(loops: 1)
            var first = network.relays[0].target
            first.onionKey = nil
            let watch = try await network.client.build([first, network.relays[1].modernTarget])
            let stream = try await open(.beginDirectory, on: watch, network.client, count: 100_000)
            _ = try await stream.done.futureResult.get()
            #expect(stream.isIntact)
            try await stop(network)
        }

        @Test func `many circuits and streams across loops at once`() async throws {
            let network = try await network(loops: 2)
            var streams: [EchoStream] = []
            for _ in 0..<8 {
                let watch = try await network.client.build(network.relays.shuffled().map(\.target))
                for _ in 0..<4 {
                    streams.append(
                        try await open(
                            .begin(BeginMessage(address: "1.2.3.4", port: 80)), on: watch, network.client,
                            count: 200_000))
                }
            }
            for stream in streams {
                _ = try await stream.done.futureResult.get()
                #expect(stream.isIntact)
            }
            try await stop(network)
        }

        @Test func `a refused stream ends with the exit's reason, and the circuit lives`() async throws {
            let network = try await network(loops: 1)
            let watch = try await network.client.build(network.relays.map(\.target))
            let refused = try await open(
                .begin(BeginMessage(address: "1.2.3.4", port: 1)), on: watch, network.client, count: 10)
            #expect(try await refused.ended.futureResult.get().reason == .connectRefused)
            let good = try await open(.beginDirectory, on: watch, network.client, count: 1_000)
            _ = try await good.done.futureResult.get()
            try await stop(network)
        }

        @Test func `a stalled reader delays nobody`() async throws {
            let network = try await network(loops: 1)
            let watch = try await network.client.build(network.relays.map(\.target))
            let stalled = try await open(
                .begin(BeginMessage(address: "1.2.3.4", port: 3)), on: watch, network.client, count: 10_000_000)
            _ = try await stalled.connected.futureResult.get()
            try await Task.sleep(for: .milliseconds(50))
            let good = try await open(.beginDirectory, on: watch, network.client, count: 500_000)
            _ = try await good.done.futureResult.get()
            #expect(good.isIntact)
            #expect(stalled.received == 0)
            try await network.client.run { _ in watch.circuit?.close(.finished) }
            #expect(try await stalled.ended.futureResult.get().reason == .destroy)
            try await stop(network)
        }

        @Test func `closing a circuit reaches every hop`() async throws {
            let network = try await network(loops: 2)
            let watch = try await network.client.build(network.relays.map(\.target))
            try await network.client.run { _ in watch.circuit?.close(.finished) }
            let ending = try await watch.closed.futureResult.get()
            #expect(!ending.isRemote)
            #expect(ending.hopCount == 3)
            try await eventually {
                for relay in network.relays {
                    for index in 0..<2 {
                        let counts = try await relay.run(on: index) {
                            ($0.circuits.count, $0.legs.count, $0.pool.liveCount)
                        }
                        if counts != (0, 0, 0) { return false }
                    }
                }
                return true
            }
            try await stop(network)
        }

        @Test func `a relay that goes takes its circuits with it`() async throws {
            let network = try await network(loops: 1)
            let watch = try await network.client.build(network.relays.map(\.target))
            let stream = try await open(.beginDirectory, on: watch, network.client, count: 50_000_000)
            _ = try await stream.connected.futureResult.get()
            try await network.relays[1].stop()
            let ending = try await watch.closed.futureResult.get()
            #expect(ending.isRemote)
            #expect(try await stream.ended.futureResult.get().reason == .destroy)
            try await network.client.stop()
            try await network.relays[0].stop()
            try await network.relays[2].stop()
        }

        @Test func `a guard that is not there, or is somebody else, is told apart`() async throws {
            let network = try await network(loops: 1)
            var dead = network.relays[0].target
            dead.endpoints = [SocketEndpoint(address: IPAddress(ipv4: 0x7f00_00fe), port: 9)]
            let ending = try await network.client.fail([dead, network.relays[1].target])
            #expect(ending.isChannelFailure)
            #expect(ending.reason == .connectFailed)
            var wrong = network.relays[0].target
            wrong.endpoints = network.relays[1].target.endpoints
            let other = try await network.client.fail([wrong])
            #expect(other.isChannelFailure)
            #expect(other.reason == .orIdentity)
            try await stop(network)
        }

        @Test func `extending to nowhere, to oneself or with a wrong key fails at that hop`() async throws {
            let network = try await network(loops: 2)
            let relays = network.relays
            var dead = relays[2].target
            dead.rsaIdentity = try #require(RSAIdentity([UInt8](repeating: 7, count: 20)))
            dead.ed25519Identity = nil
            dead.endpoints = [SocketEndpoint(address: IPAddress(ipv4: 0x7f00_00fe), port: 9)]
            let nowhere = try await network.client.fail([relays[0].target, relays[1].target, dead])
            #expect(nowhere.isRemote && nowhere.hopCount == 2)
            let itself = try await network.client.fail([relays[0].target, relays[1].target, relays[1].target])
            #expect(itself.isRemote && itself.hopCount == 2)
            let back = try await network.client.fail([relays[0].target, relays[1].target, relays[0].target])
            #expect(back.isRemote && back.hopCount == 2)
            var wrongKey = relays[2].target
            wrongKey.onionKey = relays[1].target.onionKey
            let wrong = try await network.client.fail([relays[0].target, relays[1].target, wrongKey])
            #expect(wrong.isRemote && wrong.hopCount == 2)
            try await stop(network)
        }

        @Test func `a name is resolved`() async throws {
            let network = try await network(loops: 1)
            let watch = try await network.client.build(network.relays.map(\.target))
            let answer = network.client.environment.loops[0].makePromise(of: ResolvedMessage.self)
            try await network.client.run { _ in
                _ = watch.circuit?.openStream(
                    .resolve(ResolveMessage(name: "example.com")), owner: ResolveOwner(answer))
            }
            let message = try await answer.futureResult.get()
            #expect(message.answers.first?.value == .address(.v4(0x0102_0304)))
            #expect(try await network.client.run { _ in watch.circuit?.streamCount } == 0)
            try await stop(network)
        }

        @Test func `a relay is probed for who it is`() async throws {
            let network = try await network(loops: 1)
            let target = network.relays[0].target
            let identity = try await network.client.run { $0.probe(target) }.get()
            #expect(identity == target.ed25519Identity)
            var wrong = target
            wrong.ed25519Identity = network.relays[1].target.ed25519Identity
            let failing = wrong
            await #expect(throws: (any Error).self) {
                _ = try await network.client.run { $0.probe(failing) }.get()
            }
            try await stop(network)
        }
    }
}

/// Waits until a condition holds; records an issue after ten seconds.
func eventually(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("it did not come to pass")
}

private final class ResolveOwner: StreamOwner {
    private let answer: EventLoopPromise<ResolvedMessage>

    init(_ answer: EventLoopPromise<ResolvedMessage>) { self.answer = answer }

    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) { answer.succeed(message) }
    func streamReceived(_ bytes: ByteBuffer) {}
    func streamMaySend() {}
    func streamEnded(_ message: EndMessage) { answer.fail(StreamFailed(message: message)) }
}
