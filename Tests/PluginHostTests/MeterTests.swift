import Testing

@testable import PluginHost

struct MeterTests {
    @Test func `a rate gives a second's worth at once and then so much a second`() {
        var meter = RateMeter(perSecond: 100)
        for _ in 0..<100 { #expect(meter.take(1, now: 5) == true) }
        #expect(meter.take(1, now: 5) == false)
        #expect(meter.take(1, now: 10_005) == true)
        #expect(meter.take(1, now: 10_005) == false)
        #expect(meter.available(now: 10_000_000) == 100)
    }

    @Test func `no amount and no time makes a rate overflow`() {
        var meter = RateMeter(perSecond: .max)
        #expect(meter.take(.max, now: 0) == true)
        #expect(meter.take(1, now: .max) == true)
        #expect(meter.take(1, now: 0) == true)
    }

    @Test func `padding is bounded by what is real over ten seconds`() {
        var meter = PaddingMeter(perSecond: 1000, percent: 50)
        for _ in 0..<1000 { meter.noteReal(now: 500) }
        var taken = 0
        while meter.takePadding(now: 600_000) { taken += 1 }
        #expect(taken == 500)
        // Ten seconds later those are forgotten; without real cells a hundred are left.
        taken = 0
        while meter.takePadding(now: 11_000_000) { taken += 1 }
        #expect(taken == 100)
    }

    @Test func `padding is bounded by the second`() {
        var meter = PaddingMeter(perSecond: 20, percent: 10_000)
        var taken = 0
        while meter.takePadding(now: 1) { taken += 1 }
        #expect(taken == 20)
    }

    @Test func `a heap gives what it was given back`() {
        var heap = ArenaHeap(100..<1000)
        #expect(heap.take(0) == nil)
        #expect(heap.take(.max) == nil)
        let first = heap.take(17)
        #expect(first == 100..<132)
        #expect(heap.take(512)?.count == 512)
        #expect(heap.take(512) == nil)
        #expect(heap.giveBack(101) == false)
        #expect(heap.giveBack(100) == true)
        #expect(heap.giveBack(100) == false)
        #expect(heap.take(20) == first)
    }
}
