import Cells
import Circuits
import Foundation
import Hooks
import NIOCore
import PluginHost
import Testing

@testable import CellPath

extension CorridorTests {
    /// What takes a quiet machine: times. With `FANION_TEST_FULL=1` only.
    @Suite(.enabled(if: ProcessInfo.processInfo.environment["FANION_TEST_FULL"] == "1"))
    struct PaceTests {
        @Test func `constant-rate keeps its clock within a millisecond at the median`() async throws {
            let network = try await PluginNetwork.start(host: 60)
            let plugins = try PluginNetwork.plugins([
                ("constant-rate", "org.fanion.constant-rate", "5000"), ("pace", "org.example.pace", "5000"),
            ])
            try await network.relays[0].run { $0.apply(plugins) }
            let watch = try await network.build(2)
            try await Task.sleep(for: .seconds(2))
            // Real cells among the padding, and padding again.
            #expect(try await network.echo(50_000, on: watch).isIntact)
            try await Task.sleep(for: .seconds(1))
            let all = try await network.relays[0].run { $0.pluginCounters }
            let counted = try #require(all.first { $0.name == "org.example.pace" })
            print("constant-rate, 5 ms:", counted.line)
            #expect(counted["cells"] > 500)
            #expect(2 * (counted["within_250"] + counted["within_500"] + counted["within_1000"]) > counted["cells"])
            try await network.stop()
        }

        @Test(arguments: ["s", "t", "n"])
        func `beside an attacker others' round trips stay what they were`(mode: String) async throws {
            let network = try await PluginNetwork.start(host: 60)
            let exit = network.relays[2]
            let attacked = try await network.build()
            let other = try await network.build()
            let traffic = try await ping(network, attacked, count: .max)
            let plugins = try PluginNetwork.plugins([
                ("hostile-open", "org.example.hostile-open", mode)
            ])
            let without = try await roundTrips(network, other)
            // Each time it is stopped it comes again.
            let again = Task {
                while !Task.isCancelled {
                    try await exit.run { corridor in
                        corridor.readClock()
                        corridor.plugins = plugins
                        if let slot = corridor.circuits.slots.first {
                            corridor.attend(CircuitReference(.relay, slot))
                        }
                        corridor.plugins = .none
                    }
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            let with = try await roundTrips(network, other)
            again.cancel()
            _ = try? await again.value
            let counted = try await network.counters(exit)
            print(
                "attack \(mode): 99th percentile \(with) with, \(without) without;",
                "attached \(counted["attached"]) calls \(counted["calls"]) fuel \(counted["fuel"])")
            #expect(counted["attached"] >= 1)
            #expect(with <= without + .milliseconds(2))
            try await network.stop()
            await #expect(throws: StreamFailed.self) { try await traffic.done.futureResult.get() }
        }

        /// The 99th percentile of 1,000 round trips of one cell.
        private func roundTrips(_ network: PluginNetwork, _ watch: CircuitWatch) async throws -> Duration {
            let times = try await ping(network, watch, count: 1_000).done.futureResult.get().sorted()
            return times[times.count * 99 / 100]
        }

        private func ping(_ network: PluginNetwork, _ watch: CircuitWatch, count: Int) async throws -> PingStream {
            try await network.client.run { corridor in
                let stream = PingStream(corridor.eventLoop, count: count)
                stream.port = try #require(watch.circuit).openStream(
                    .begin(BeginMessage(address: "example.com", port: 80)), owner: stream)
                return stream
            }
        }
    }
}

/// Sends one cell, waits for its echo, and so on.
private final class PingStream: StreamOwner, @unchecked Sendable {
    let done: EventLoopPromise<[Duration]>
    var port: (any StreamPort)?
    private var times: [Duration] = []
    private let count: Int
    private var sent = ContinuousClock.now
    private var missing = 0

    init(_ loop: any EventLoop, count: Int) {
        done = loop.makePromise()
        self.count = count
    }

    func streamConnected(_ message: ConnectedMessage) { ping() }
    func streamResolved(_ message: ResolvedMessage) {}
    func streamMaySend() {}
    func streamEnded(_ message: EndMessage) { done.fail(StreamFailed(message: message)) }

    func streamReceived(_ bytes: ByteBuffer) {
        missing -= bytes.readableBytes
        guard missing == 0 else { return }
        times.append(.now - sent)
        if times.count == count { done.succeed(times) } else { ping() }
    }

    private func ping() {
        sent = .now
        let bytes = [UInt8](repeating: 7, count: 100)
        missing = bytes.withUnsafeBytes { port?.send($0) ?? 0 }
    }
}
