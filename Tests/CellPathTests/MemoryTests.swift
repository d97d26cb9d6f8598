import Cells
import Circuits
import Testing

@testable import CellPath

extension CorridorTests {
    /// What happens when queues use up `MaxMemInQueues`.
    @Suite struct MemoryTests {
        private static let limit = 20 * CellsLimits.slabBytes

        @Test func `circuits go, oldest queued cell first, until the rest fits`() async throws {
            let node = try await TestNode(memory: Self.limit)
            let relay = try await TestNode(keys: TestKeys.all[0], host: 31)
            let watch = try await node.build([relay.target])
            try await node.run { corridor in
                let channel = try #require(corridor.channels.slots.first)
                var legs: [SlabHandle] = []
                for number in 0..<4 as Range<UInt32> {
                    let circuitID = CircuitID(rawValue: 0x8000_0100 + number)
                    let leg = corridor.legs.insert(
                        ExitwardLeg(ownerLoop: 0, owner: .none, channel: channel, circuitID: circuitID))
                    corridor.channels.pointer(channel).pointee.table.insert(
                        circuitID, CircuitReference(.leg, leg.slot))
                    legs.append(leg)
                }
                // The third circuit's cells have waited longest, the first one's next.
                for (age, place) in [(400, 2), (300, 0), (200, 3), (100, 1)] {
                    for _ in 0..<1_300 {
                        guard var cell = corridor.pool.makeCell(circuitID: .zero, command: .relay) else { break }
                        cell.enqueuedAt = corridor.coarseNow &- UInt32(age)
                        corridor.legs.pointer(legs[place].slot).pointee.queue.append(cell, in: corridor.pool)
                    }
                }
                #expect(corridor.isMemoryShort)
                corridor.relieveMemory()
                #expect(corridor.environment.memory.used <= Self.limit / 10 * 9)
                #expect(corridor.legs.pointer(legs[2]) == nil)
                #expect(corridor.legs.pointer(legs[1]) != nil)
                #expect(corridor.counters.circuitsShed >= 1)
                for leg in legs where corridor.legs.pointer(leg) != nil {
                    corridor.endLeg(leg.slot, .finished, tellsPeer: false)
                }
            }
            _ = watch
            try await node.stop()
            try await relay.stop()
        }

        @Test func `a circuit whose queue is too long is closed`() async throws {
            let node = try await TestNode(change: { $0.circuitQueueLimit = 50 })
            let relay = try await TestNode(keys: TestKeys.all[0], host: 31)
            let watch = try await node.build([relay.target])
            try await node.run { corridor in
                let channel = try #require(corridor.channels.slots.first)
                let circuitID = CircuitID(rawValue: 0x8000_0100)
                let leg = corridor.legs.insert(
                    ExitwardLeg(ownerLoop: 0, owner: .none, channel: channel, circuitID: circuitID))
                corridor.channels.pointer(channel).pointee.table.insert(circuitID, CircuitReference(.leg, leg.slot))
                corridor.beginBurst()
                for number in 1...51 {
                    guard let cell = corridor.pool.makeCell(circuitID: .zero, command: .relay) else { break }
                    corridor.queueForward(cell, leg: leg)
                    #expect((corridor.legs.pointer(leg) != nil) == (number <= 50))
                }
                corridor.endBurst()
                #expect(corridor.counters.circuitsShed == 1)
            }
            _ = watch
            try await node.stop()
            try await relay.stop()
        }
    }
}
