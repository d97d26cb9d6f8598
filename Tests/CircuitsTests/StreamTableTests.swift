import Cells
import Circuits
import ProtocolTestKit
import Testing

struct StreamTableTests {
    private func stream(_ id: UInt16, hop: UInt8 = 0) -> StreamMachine {
        StreamMachine(id: StreamID(rawValue: id), hop: hop, state: .open)
    }

    @Test func `finds what is there through thousands of comings and goings`() {
        var random = SeededRandom(seed: 3)
        var table = StreamTable()
        var model: [UInt16: StreamHandle] = [:]
        for round in 0..<40_000 {
            // Few IDs and many collisions at first, then all of them.
            let id = UInt16.random(in: 1...(round < 20_000 ? 300 : 65_535), using: &random)
            if let handle = model[id] {
                #expect(table.insert(stream(id)) == nil)
                let slot = table.slot(of: handle)
                #expect(slot == table.slot(of: StreamID(rawValue: id)))
                if let slot { table.remove(slot) }
                #expect(table.slot(of: handle) == nil)
                model[id] = nil
            } else {
                #expect(table.slot(of: StreamID(rawValue: id)) == nil)
                model[id] = table.insert(stream(id))
            }
            #expect(table.count == model.count)
        }
        for (id, handle) in model { #expect(table.slot(of: StreamID(rawValue: id)) == table.slot(of: handle)) }
        #expect(!model.isEmpty)
    }

    @Test func `a handle is stale once its stream is gone, though the slot is taken again`() {
        var table = StreamTable()
        let first = table.insert(stream(1))!
        table.remove(table.slot(of: first)!)
        let second = table.insert(stream(2))!
        #expect(first.slot == second.slot)
        #expect(table.slot(of: first) == nil)
        #expect(table.slot(of: second) == 0)
        #expect(table.slot(of: StreamHandle(slot: 17, generation: 0)) == nil)
        #expect(table.slot(of: StreamHandle(slot: -1, generation: 0)) == nil)
    }

    @Test func `a half-closed stream keeps its ID, and its handle is stale`() {
        var table = StreamTable()
        let handle = table.insert(stream(1))!
        table.halfClose(table.slot(of: handle)!)
        #expect(table.slot(of: handle) == nil)
        #expect(table.slot(of: StreamID(rawValue: 1)) == 0)
        #expect(table.insert(stream(1)) == nil)
        #expect(table.count == 1 && table.halfClosedCount == 1)
        table.remove(0)
        #expect(table.count == 0 && table.halfClosedCount == 0)
    }

    @Test func `who waits is served in turn, by hop`() {
        var table = StreamTable()
        let slots = (1...5).map { table.slot(of: table.insert(stream($0, hop: $0 == 2 ? 1 : 0))!)! }
        for slot in slots { table.wait(slot) }
        table.wait(slots[0])
        #expect(table.waitingCount == 5)
        table.remove(slots[2])
        table.stopWaiting(slots[4])
        #expect(table.callNext(hop: 0) == slots[0])
        // Who was called in vain comes first.
        table.wait(slots[0])
        #expect(table.callNext(hop: 0) == slots[0])
        #expect(table.callNext(hop: 0) == slots[3])
        #expect(table.callNext(hop: 0) == nil)
        #expect(table.callNext(hop: 1) == slots[1])
        #expect(table.waitingCount == 0)
    }

    @Test func `there is a limit to streams`() {
        var table = StreamTable()
        for id in 1...UInt16(EndpointLimits.streams) { #expect(table.insert(stream(id)) != nil) }
        #expect(table.insert(stream(65_000)) == nil)
    }
}
