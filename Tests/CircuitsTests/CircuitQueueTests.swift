import Cells
import Circuits
import ProtocolTestKit
import Testing

@Suite struct CircuitQueueTests {
    private func cell(_ pool: CellPool, _ number: UInt32) throws -> Cell {
        try requireCell(pool.makeCell(circuitID: CircuitID(rawValue: number), command: .relay))
    }

    @Test func `cells leave in the order in which they came`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 24))
        var queue = CircuitQueue()
        for number in 1...600 { queue.append(try cell(pool, UInt32(number)), in: pool) }
        let count = queue.count
        #expect(count == 600)
        for number in 1...600 {
            let taken = try requireCell(queue.popFirst(from: pool))
            #expect(taken.circuitID.rawValue == UInt32(number))
        }
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
        #expect(pool.liveCount == 0)
    }

    @Test func `a queue can run empty and fill again`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 24))
        var queue = CircuitQueue()
        for round in 0..<5 {
            for number in 0..<3 { queue.append(try cell(pool, UInt32(round * 3 + number)), in: pool) }
            for number in 0..<3 {
                let taken = try requireCell(queue.popFirst(from: pool))
                #expect(taken.circuitID.rawValue == UInt32(round * 3 + number))
            }
            let none = queue.popFirst(from: pool) == nil
            #expect(none)
        }
    }

    @Test func `two queues share a pool without mixing`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 24))
        var even = CircuitQueue()
        var odd = CircuitQueue()
        for number in 0..<100 {
            if number % 2 == 0 {
                even.append(try cell(pool, UInt32(number)), in: pool)
            } else {
                odd.append(try cell(pool, UInt32(number)), in: pool)
            }
        }
        for number in stride(from: 0, to: 100, by: 2) {
            let first = try requireCell(even.popFirst(from: pool))
            let second = try requireCell(odd.popFirst(from: pool))
            #expect(first.circuitID.rawValue == UInt32(number))
            #expect(second.circuitID.rawValue == UInt32(number + 1))
        }
    }

    @Test func `removing all gives every slot back`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 24))
        var queue = CircuitQueue()
        for number in 0..<50 as Range<UInt32> { queue.append(try cell(pool, number), in: pool) }
        #expect(pool.liveCount == 50)
        queue.removeAll(from: pool)
        #expect(pool.liveCount == 0)
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
    }

    @Test func `the age of the first cell is known`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 24))
        var queue = CircuitQueue()
        var oldest = queue.oldest(in: pool)
        #expect(oldest == nil)
        for number in 0..<3 as Range<UInt32> {
            var made = try cell(pool, number)
            made.enqueuedAt = 100 + number
            queue.append(made, in: pool)
        }
        oldest = queue.oldest(in: pool)
        #expect(oldest == 100)
        _ = queue.popFirst(from: pool)
        oldest = queue.oldest(in: pool)
        #expect(oldest == 101)
        queue.removeAll(from: pool)
    }
}
