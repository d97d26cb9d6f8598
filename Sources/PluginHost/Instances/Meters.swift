/// So much a second, and at most a second's worth at once. Whole numbers of microseconds come in.
struct RateMeter {
    /// A second's worth.
    let rate: UInt64
    private var left: UInt64
    private var last: UInt64?

    /// A full meter.
    init(perSecond rate: UInt64) {
        self.rate = rate
        left = rate
    }

    /// Takes some, if there is so much.
    mutating func take(_ amount: UInt64, now: UInt64) -> Bool {
        if amount > left { refill(now) }
        guard amount <= left else { return false }
        left -= amount
        if last == nil { last = now }
        return true
    }

    /// What is there now.
    mutating func available(now: UInt64) -> UInt64 {
        refill(now)
        return left
    }

    private mutating func refill(_ now: UInt64) {
        let since = last ?? now
        guard now > since else { return }
        let passed = now - since
        if passed >= 1_000_000 {
            left = rate
            last = now
            return
        }
        // The product of two numbers below 2^32 and 2^20.
        let (more, isHuge) = rate.multipliedReportingOverflow(by: passed)
        let gained = isHuge ? rate : more / 1_000_000
        // What is less than one stays in the clock.
        guard gained > 0 else { return }
        left = min(rate, left + min(gained, rate))
        last = now
    }
}

/// How much a circuit pads beside what it carries: at most so many a second, and so many per hundred real cells over the last
/// ten seconds.
struct PaddingMeter {
    private var rate: RateMeter
    private let percent: UInt64
    private var real = InlineArray<10, UInt32>(repeating: 0)
    private var padding = InlineArray<10, UInt32>(repeating: 0)
    private var second: UInt64 = 0

    init(perSecond: UInt32, percent: UInt32) {
        rate = RateMeter(perSecond: UInt64(perSecond))
        self.percent = UInt64(percent)
    }

    /// The least that may be padded in ten seconds without any real cell, so that a circuit can begin with padding.
    private static let floor: UInt64 = 100

    /// A real cell has left or come.
    mutating func noteReal(now: UInt64) {
        advance(now)
        // Wraps only after 2^32 cells in a second.
        real[Int(second % 10)] &+= 1
    }

    /// A padding cell is about to leave.
    ///
    /// - Returns: false if that is more than is allowed.
    mutating func takePadding(now: UInt64) -> Bool {
        advance(now)
        var realSum: UInt64 = 0
        var paddingSum: UInt64 = 0
        for index in 0..<10 {
            realSum += UInt64(real[index])
            paddingSum += UInt64(padding[index])
        }
        let allowed = percent >= 10_000 ? UInt64.max : max(Self.floor, realSum * percent / 100)
        guard paddingSum < allowed, rate.take(1, now: now) else { return false }
        padding[Int(second % 10)] &+= 1
        return true
    }

    private mutating func advance(_ now: UInt64) {
        let next = now / 1_000_000
        guard next > second else { return }
        for step in 1...min(10, next - second) {
            let place = Int((second + step) % 10)
            real[place] = 0
            padding[place] = 0
        }
        second = next
    }
}
