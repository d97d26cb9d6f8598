/// A rate with a burst: fills steadily, empties by use, and may go into debt by one use.
package struct TokenBucket: Sendable {
    /// Bytes per second.
    package private(set) var rate: Int
    /// The most that it holds.
    package private(set) var burst: Int
    /// What it holds now; below zero after a use larger than what was left.
    package private(set) var level: Int
    private var filled: ContinuousClock.Instant

    /// A full bucket.
    package init(rate: Int, burst: Int, now: ContinuousClock.Instant) {
        self.rate = max(1, rate)
        self.burst = max(1, burst)
        level = self.burst
        filled = now
    }

    /// Changes rate and burst, keeping what is there.
    package mutating func configure(rate: Int, burst: Int, now: ContinuousClock.Instant) {
        refill(now: now)
        self.rate = max(1, rate)
        self.burst = max(1, burst)
        level = min(level, self.burst)
    }

    /// Adds what has come since the last time.
    package mutating func refill(now: ContinuousClock.Instant) {
        let (seconds, attoseconds) = (now - filled).components
        guard seconds >= 0, attoseconds >= 0 else { return }
        let missing = burst - level
        if seconds > 3_600 || Double(seconds) * Double(rate) >= Double(missing) {
            if missing > 0 { level = burst }
            filled = now
            return
        }
        // Below an hour and within the burst: the product fits.
        let elapsed = Double(seconds) + Double(attoseconds) * 1e-18
        let gained = Int(elapsed * Double(rate))
        // Less than one byte: leave the time on the clock, or a fast caller would never gain anything.
        guard gained > 0 else { return }
        level = min(burst, level + gained)
        filled = level == burst ? now : filled.advanced(by: .seconds(Double(gained) / Double(rate)))
    }

    /// Takes `count` bytes, into debt if need be.
    package mutating func take(_ count: Int) {
        level -= count
    }

    /// Takes up to `count` of what is there.
    package mutating func takeAvailable(_ count: Int) -> Int {
        let taken = max(0, min(level, count))
        level -= taken
        return taken
    }
}
