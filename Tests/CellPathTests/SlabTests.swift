import Testing

@testable import CellPath

@Suite struct SlabTests {
    private struct Element: ~Copyable {
        let number: Int
        let witness: Witness
        deinit { witness.ended += 1 }
    }

    private final class Witness {
        var ended = 0
    }

    @Test func `a handle finds its element until that is gone`() {
        var slab = Slab<Element>()
        let witness = Witness()
        var handles: [SlabHandle] = []
        for number in 0..<200 { handles.append(slab.insert(Element(number: number, witness: witness))) }
        for (number, handle) in handles.enumerated() {
            let found = slab.pointer(handle)?.pointee.number
            #expect(found == number)
        }
        _ = slab.remove(handles[77].slot)
        var isGone = slab.pointer(handles[77]) == nil
        #expect(isGone)
        #expect(witness.ended == 1)
        let next = slab.insert(Element(number: 1_000, witness: witness))
        #expect(next.slot == handles[77].slot)
        isGone = slab.pointer(handles[77]) == nil
        #expect(isGone)
        let (number, count) = (slab.pointer(next)?.pointee.number, slab.count)
        #expect(number == 1_000)
        #expect(count == 200)
    }

    @Test func `addresses stay while the slab grows`() {
        var slab = Slab<Element>()
        let witness = Witness()
        let first = slab.insert(Element(number: 0, witness: witness))
        let before = slab.pointer(first)
        for number in 1..<1_000 { _ = slab.insert(Element(number: number, witness: witness)) }
        let after = slab.pointer(first)
        #expect(after == before)
        #expect(before != nil)
    }

    @Test func `the slab ends what is left in it`() {
        let witness = Witness()
        do {
            var slab = Slab<Element>()
            for number in 0..<100 { _ = slab.insert(Element(number: number, witness: witness)) }
            _ = slab.remove(5)
        }
        #expect(witness.ended == 100)
    }

    @Test func `no handle means nobody`() {
        let slab = Slab<Element>()
        let none = slab.pointer(SlabHandle.none)
        let stale = slab.pointer(SlabHandle(slot: 3, generation: 1))
        #expect(none == nil && stale == nil)
    }
}
