import Cells
import ProtocolTestKit
import Testing

@Suite struct CellPoolTests {
    /// One slab.
    let slab = 256 * 544

    @Test func `a dropped cell's slot is used again`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: slab))
        for _ in 0..<1000 {
            let cell = try requireCell(pool.makeCell())
            #expect(cell.mark == 0)
            #expect(pool.liveCount == 1)
        }
        #expect(pool.liveCount == 0)
        #expect(pool.slotCount == 256)
    }

    @Test func `the budget bounds the slabs of all pools`() throws {
        let budget = MemoryBudget(limit: 2 * slab + 5)
        let first = CellPool(budget: budget)
        let second = CellPool(budget: budget)
        var held: [CellIndex] = []
        for _ in 0..<257 { held.append(try requireCell(first.makeCell()).intoIndex()) }
        #expect(budget.used == 2 * slab)
        #expect(throws: NoCell.self) { _ = try requireCell(second.makeCell()) }
        for index in held { _ = first.cell(adopting: index) }
        #expect(first.liveCount == 0)
        #expect(budget.used == 2 * slab)
        first.trim(keeping: 0)
        #expect(budget.used == 0)
        _ = try requireCell(second.makeCell())
        _ = try requireCell(first.makeCell())
        _ = try requireCell(second.makeCell())
    }

    @Test func `trimming leaves slabs that hold cells`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 10 * slab))
        var held = try (0..<1024).map { _ in
            try requireCell(pool.makeCell(circuitID: .zero, command: .padding)).intoIndex()
        }
        #expect(pool.slotCount == 1024)
        let kept = held.remove(at: 300)
        for index in held { _ = pool.cell(adopting: index) }
        pool.trim(keeping: 0)
        #expect(pool.slotCount == 256)
        let last = pool.cell(adopting: kept)
        #expect(last.command == .padding)
        // Numbers of slabs that went are used again.
        let again = try (0..<600).map { _ in try requireCell(pool.makeCell()).intoIndex() }
        #expect(Set(again).count == 600)
        for index in again { _ = pool.cell(adopting: index) }
        #expect(pool.liveCount == 1)
        _ = consume last
    }

    @Test func `a pool may go before its cells`() throws {
        let budget = MemoryBudget(limit: slab)
        var pool: CellPool? = CellPool(budget: budget)
        do {
            let cell = try requireCell(pool?.makeCell(circuitID: CircuitID(rawValue: 7), command: .relay))
            pool = nil
            #expect(budget.used == slab)
            #expect(cell.circuitID == CircuitID(rawValue: 7))
        }
        #expect(budget.used == 0)
    }

    @Test func `slots string together into a queue`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 10 * slab))
        let indices = try (0..<600).map { number in
            var cell = try requireCell(pool.makeCell(circuitID: CircuitID(rawValue: UInt32(number)), command: .relay))
            cell.enqueuedAt = UInt32(number)
            return cell.intoIndex()
        }
        for (index, next) in zip(indices, indices.dropFirst()) { pool.setNext(of: index, to: next) }
        pool.setNext(of: indices[599], to: .none)
        var head = indices[0]
        var seen: [UInt32] = []
        while head != .none {
            let next = pool.next(of: head)
            #expect(pool.enqueuedAt(of: head) == UInt32(seen.count))
            let cell = pool.cell(adopting: head)
            seen.append(cell.circuitID.rawValue)
            head = next
        }
        #expect(seen == Array(0..<600))
        #expect(pool.liveCount == 0)
    }

    @Test func `a cell is its wire image`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: slab))
        var random = SeededRandom()
        let wire = hex("80 00 00 2a 03") + random.bytes(509)
        var cell = try requireCell(pool.makeCell(wire: wire.span.bytes))
        let circuitID = cell.circuitID
        #expect(circuitID == CircuitID(rawValue: 0x8000_002A) && circuitID.hasTopBit)
        #expect(cell.command == .relay)
        #expect(cell.mark == 0)
        #expect(Array(copying: cell.bodyBytes) == Array(wire.dropFirst(5)))
        cell.circuitID = CircuitID(rawValue: 1)
        cell.command = .relayEarly
        cell.mark = 9
        var body = cell.body
        body.storeBytes(of: 0xEE, toByteOffset: 508, as: UInt8.self)
        #expect(Array(copying: cell.wire) == hex("00000001 09") + wire[5..<513] + [0xEE])
        #expect(cell.mark == 9)
        cell.clearBody()
        #expect(Array(copying: cell.wire) == hex("00000001 09") + [UInt8](repeating: 0, count: 509))
    }
}
