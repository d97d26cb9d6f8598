import Circuits
import ProtocolTestKit
import Testing

@Suite struct CircuitSchedulerTests {
    /// Sends `cells` cells through a scheduler that always has work for every member, and counts each one's.
    private func serve(_ burdens: [Double], cells: Int, weight: Double) -> [Int] {
        var scheduler = CircuitScheduler<Int>()
        var burdens = burdens
        var counts = [Int](repeating: 0, count: burdens.count)
        for (member, burden) in burdens.enumerated() { scheduler.insert(member, burden: burden) }
        for _ in 0..<cells {
            guard let member = scheduler.first else { break }
            counts[member] += 1
            burdens[member] += weight
            scheduler.updateFirst(burden: burdens[member])
        }
        return counts
    }

    @Test func `equal circuits get equal shares`() {
        #expect(serve([0, 0, 0, 0], cells: 400, weight: 1) == [100, 100, 100, 100])
    }

    @Test func `who has sent less goes first until it has caught up`() {
        #expect(serve([100, 0], cells: 100, weight: 1) == [0, 100])
        #expect(serve([100, 0], cells: 300, weight: 1) == [100, 200])
    }

    @Test func `members come in the order of their burdens`() {
        var random = SeededRandom(seed: 7)
        var scheduler = CircuitScheduler<Int>()
        let burdens = (0..<500).map { _ in Double.random(in: 0..<1, using: &random) }
        for (member, burden) in burdens.enumerated() { scheduler.insert(member, burden: burden) }
        var order: [Double] = []
        while let member = scheduler.first {
            order.append(burdens[member])
            let second = scheduler.secondBurden
            scheduler.removeFirst()
            if let next = scheduler.first {
                #expect(burdens[next] == second)
            } else {
                #expect(second == .infinity)
            }
        }
        #expect(order == burdens.sorted())
    }

    @Test func `scaling keeps the order`() {
        var scheduler = CircuitScheduler<Int>()
        for member in 0..<10 { scheduler.insert(member, burden: Double(10 - member)) }
        scheduler.rebase(by: 0x1p-600)
        var order: [Int] = []
        while let member = scheduler.first {
            order.append(member)
            scheduler.removeFirst()
        }
        #expect(order == Array((0..<10).reversed()))
    }

    @Test func `a cell weighs double after each half-life`() {
        let start = ContinuousClock.now
        var clock = EWMAClock(halfLife: .seconds(30), now: start)
        _ = clock.advance(to: start + .seconds(30))
        #expect(clock.weight == 2)
        _ = clock.advance(to: start + .seconds(300))
        #expect(clock.weight == 1_024)
        _ = clock.advance(to: start + .seconds(45))
        #expect(abs(clock.weight / 2.828_427 - 1) < 0.001)
    }

    @Test func `the clock starts afresh before doubles end`() throws {
        let start = ContinuousClock.now
        var clock = EWMAClock(halfLife: .seconds(30), now: start)
        let rebased = clock.advance(to: start + .seconds(30 * 601))
        let factor = try #require(rebased)
        #expect(factor == 0x1p-601)
        #expect(clock.weight == 1)
        _ = clock.advance(to: start + .seconds(30 * 602))
        #expect(clock.weight == 2)
    }
}
