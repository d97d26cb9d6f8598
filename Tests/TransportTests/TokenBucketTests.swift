import Testing

@testable import Transport

@Suite struct TokenBucketTests {
    @Test func `it starts full, fills at its rate and stops at its burst`() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 1_000, burst: 2_000, now: start)
        #expect(bucket.level == 2_000)
        bucket.take(2_500)
        #expect(bucket.level == -500)
        bucket.refill(now: start + .milliseconds(250))
        #expect(bucket.level == -250)
        bucket.refill(now: start + .milliseconds(1_500))
        #expect(bucket.level == 1_000)
        bucket.refill(now: start + .seconds(60))
        #expect(bucket.level == 2_000)
        bucket.refill(now: start + .seconds(1_000_000))
        #expect(bucket.level == 2_000)
    }

    @Test func `looking often loses nothing`() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 100, burst: 1_000, now: start)
        bucket.take(1_000)
        // Each step is worth a tenth of a byte.
        for step in 1...5_000 { bucket.refill(now: start + .milliseconds(step)) }
        #expect((498...500).contains(bucket.level))
    }

    @Test func `a clock that stands still or runs back gives nothing`() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 1_000, burst: 1_000, now: start)
        bucket.take(1_000)
        bucket.refill(now: start)
        bucket.refill(now: start - .seconds(5))
        #expect(bucket.level == 0)
    }

    @Test func `what is available is taken, never more`() {
        var bucket = TokenBucket(rate: 1_000, burst: 1_000, now: .now)
        #expect(bucket.takeAvailable(600) == 600)
        #expect(bucket.takeAvailable(600) == 400)
        #expect(bucket.takeAvailable(600) == 0)
        bucket.take(10)
        #expect(bucket.takeAvailable(1) == 0)
    }

    @Test func `a lower burst takes away what is above it`() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(rate: 1_000, burst: 5_000, now: start)
        bucket.configure(rate: 10, burst: 100, now: start)
        #expect(bucket.level == 100)
        bucket.take(100)
        bucket.refill(now: start + .seconds(1))
        #expect(bucket.level == 10)
    }
}

@Suite struct SharedBandwidthTests {
    @Test func `loops lease chunks, pay debts, and share one bucket`() {
        let start = ContinuousClock.now
        let shared = SharedBandwidth(limits: .init(all: .init(rate: 100_000, burst: 100_000)), now: start)
        #expect(shared.lease(.reading, relayed: true, debt: 0, now: start) == nil)
        #expect(shared.lease(.reading, relayed: false, debt: 0, now: start) == 16_384)
        #expect(shared.lease(.reading, relayed: false, debt: 60_000, now: start) == 76_384)
        #expect(shared.lease(.reading, relayed: false, debt: 60_000, now: start) == 7_232)
        #expect(shared.lease(.reading, relayed: false, debt: 60_000, now: start) == 0)
        #expect(shared.lease(.writing, relayed: false, debt: 0, now: start) == 16_384)
        #expect(shared.lease(.reading, relayed: false, debt: 0, now: start + .milliseconds(100)) == 10_000)
        let before = shared.generation
        shared.configure(.init(), now: start)
        #expect(shared.generation != before)
        #expect(shared.lease(.reading, relayed: false, debt: 0, now: start) == nil)
    }
}
