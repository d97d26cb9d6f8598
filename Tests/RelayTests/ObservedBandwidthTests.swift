import Relay
import Testing

@Suite struct ObservedBandwidthTests {
    private func run(_ rates: [(read: Int, written: Int)], from start: Int64 = 0) -> ObservedBandwidth {
        var bandwidth = ObservedBandwidth()
        var total = (read: 0, written: 0)
        bandwidth.note(read: 0, written: 0, second: start)
        for (index, rate) in rates.enumerated() {
            total.read += rate.read
            total.written += rate.written
            bandwidth.note(read: total.read, written: total.written, second: start + Int64(index) + 1)
        }
        return bandwidth
    }

    @Test func `nothing is observed before ten seconds`() {
        #expect(run(.init(repeating: (1_000, 1_000), count: 9)).bytesPerSecond == 0)
        #expect(run(.init(repeating: (1_000, 1_000), count: 10)).bytesPerSecond == 1_000)
    }

    @Test func `the best ten seconds count, and the slower way`() {
        let quiet = [(read: Int, written: Int)](repeating: (10, 10), count: 30)
        let busy = [(read: Int, written: Int)](repeating: (9_000, 5_000), count: 10)
        #expect(run(quiet + busy + quiet).bytesPerSecond == 5_000)
    }

    @Test func `a burst is spread over ten seconds`() {
        var rates = [(read: Int, written: Int)](repeating: (0, 0), count: 20)
        rates[10] = (10_000, 10_000)
        #expect(run(rates).bytesPerSecond == 1_000)
    }

    @Test func `what is older than five days is forgotten`() {
        var bandwidth = run(.init(repeating: (7_000, 7_000), count: 10))
        var total = 70_000
        for second in 1...40 {
            total += 100
            bandwidth.note(read: total, written: total, second: 5 * 86_400 + Int64(second))
        }
        #expect(bandwidth.bytesPerSecond == 100)
    }
}
