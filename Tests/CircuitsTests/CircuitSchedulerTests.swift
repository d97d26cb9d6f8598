import Circuits
import Hooks
import ProtocolTestKit
import Testing

@Suite struct CircuitSchedulerTests {
    /// Sends `cells` cells through a scheduler that always has work for every member, and counts each one's.
    private func serve(_ burdens: [Int], cells: Int) -> [Int] {
        let weight = EWMABurden.weight(at: 0)
        var scheduler = CircuitScheduler<Int>()
        var burdens = burdens.map { EWMABurden.none.adding(weight, cells: UInt32($0)) }
        var counts = [Int](repeating: 0, count: burdens.count)
        for (member, burden) in burdens.enumerated() { scheduler.insert(member, burden: burden) }
        for _ in 0..<cells {
            guard let member = scheduler.first else { break }
            counts[member] += 1
            burdens[member] = burdens[member].adding(weight, cells: 1)
            scheduler.updateFirst(burden: burdens[member])
        }
        return counts
    }

    @Test func `equal circuits get equal shares`() {
        #expect(serve([0, 0, 0, 0], cells: 400) == [100, 100, 100, 100])
    }

    @Test func `who has sent less goes first until it has caught up`() {
        #expect(serve([100, 0], cells: 100) == [0, 100])
        #expect(serve([100, 0], cells: 300) == [100, 200])
    }

    @Test func `members come in the order of their burdens`() {
        var random = SeededRandom(seed: 7)
        var scheduler = CircuitScheduler<Int>()
        let burdens = (0..<500).map { _ in EWMABurden(bits: UInt64.random(in: 0..<1 << 40, using: &random)) }
        for (member, burden) in burdens.enumerated() { scheduler.insert(member, burden: burden) }
        var order: [EWMABurden] = []
        while let member = scheduler.first {
            order.append(burdens[member])
            let second = scheduler.secondBurden
            scheduler.removeFirst()
            if let next = scheduler.first {
                #expect(burdens[next] == second)
            } else {
                #expect(second == .infinite)
            }
        }
        #expect(order == burdens.sorted())
    }
}
