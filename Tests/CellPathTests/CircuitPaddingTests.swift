import Cells
import Circuits
import NIOCore
import Testing

@testable import CellPath

extension CorridorTests {
    /// Padding machines at a relay, started by a client that speaks to it by hand.
    @Suite struct CircuitPaddingTests {
        /// A circuit over a guard and a middle relay whose machines are under test.
        private struct Path {
            let client: TestNode
            let relay: TestNode
            let circuit: CircuitWatch

            init(_ change: (@Sendable (inout CellPathSettings) -> Void)? = nil) async throws {
                client = try await TestNode()
                relay = try await TestNode(keys: TestKeys.all[0], host: 2, change: change)
                circuit = try await client.build([relay.target])
            }

            /// Sends a message to the relay.
            func send(_ message: PaddingNegotiateMessage) async throws {
                try await client.run { corridor in
                    let slot = try #require(corridor.origins.slots.first)
                    corridor.send(message, streamID: .zero, hop: 0, origin: slot)
                }
            }

            /// How many messages the client has had, when they are `count`.
            func messages(_ count: Int) async throws -> Int {
                for _ in 0..<1_000 {
                    if try await client.counters().recognised >= count { break }
                    try await Task.sleep(for: .milliseconds(10))
                }
                return try await client.counters().recognised
            }

            /// Whether the circuit is still there.
            func isOpen() async throws -> Bool {
                try await client.run { [circuit] _ in circuit.circuit?.isOpen == true }
            }

            func stop() async throws {
                try await client.stop()
                try await relay.stop()
            }
        }

        @Test func `an introduction machine answers, pads, and says that it is over`() async throws {
            let path = try await Path()
            let before = try await path.client.counters().recognised
            try await path.send(PaddingNegotiateMessage(.start, machine: 0, counter: 1))
            var padding = 0
            for _ in 0..<1_000 {
                padding = try await path.relay.counters().sentCircuitPadding
                let isOver = try await path.relay.run { corridor in
                    corridor.circuits.slots.allSatisfy {
                        corridor.circuits.pointer($0).pointee.padder?.pointee.policy == nil
                    }
                }
                if padding > 0, isOver { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect((7...9).contains(padding))
            // PADDING_NEGOTIATED, DROPs, PADDING_NEGOTIATED.
            #expect(try await path.messages(before + padding + 2) == before + padding + 2)
            // One that is over is not stopped again, and the next has the next number.
            try await path.send(PaddingNegotiateMessage(.stop, machine: 0, counter: 1))
            try await path.send(PaddingNegotiateMessage(.start, machine: 1, counter: 2))
            #expect(try await path.messages(before + padding + 4) == before + padding + 4)
            #expect(try await path.relay.counters().sentCircuitPadding == padding + 1)
            try await path.send(PaddingNegotiateMessage(.stop, machine: 1, counter: 1))
            try await path.send(PaddingNegotiateMessage(.stop, machine: 1, counter: 2))
            #expect(try await path.messages(before + padding + 5) == before + padding + 5)
            #expect(try await path.isOpen())
            try await path.stop()
        }

        @Test func `what is unknown or malformed leaves the circuit as it is, and the network may forbid padding`()
            async throws
        {
            let path = try await Path { $0.circuitPadding.isAllowed = false }
            let before = try await path.client.counters().recognised
            // An unknown machine is refused in an answer.
            try await path.send(PaddingNegotiateMessage(.start, machine: 9, counter: 1))
            #expect(try await path.messages(before + 1) == before + 1)
            // Nothing stands for stopping what is not there; then a machine that begins and may not pad.
            try await path.send(PaddingNegotiateMessage(.stop, machine: 0, counter: 0))
            try await path.send(PaddingNegotiateMessage(.start, machine: 0, counter: 1))
            #expect(try await path.messages(before + 2) == before + 2)
            try await path.send(PaddingNegotiateMessage(.stop, machine: 0, counter: 0))
            #expect(try await path.messages(before + 3) == before + 3)
            #expect(try await path.relay.counters().sentCircuitPadding == 0)
            #expect(try await path.isOpen())
            try await path.stop()
        }

        @Test func `limits of the whole network hold`() {
            var settings = CircuitPaddingSettings()
            #expect(settings.admits(padding: 1_000, of: 1_000))
            settings.percentLimit = 10
            settings.freeCells = 50
            #expect(settings.admits(padding: 49, of: 49) && !settings.admits(padding: 50, of: 60))
            #expect(settings.admits(padding: 50, of: 500) && !settings.admits(padding: 60, of: 500))
        }
    }
}
