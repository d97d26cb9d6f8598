/// How fast a stream may send after the other end's XON has named a rate (proposal 324 §9.2): a bucket that a second fills.
package struct StreamPace: Equatable, Sendable {
    private let bytesPerSecond: UInt64
    /// Bytes that may go now. Never above a second's worth.
    private var bytes: UInt64
    private var filledAt: UInt64

    /// A pace; nil if the rate, in 1000 bytes per second, says that there is none.
    package init?(rate: UInt32, now: UInt64) {
        guard rate > 0, rate <= EndpointSpec.greatestXonRate else { return nil }
        bytesPerSecond = UInt64(rate) * 1000
        bytes = bytesPerSecond
        filledAt = now
    }

    /// How many bytes may go now.
    ///
    /// - Parameter now: microseconds.
    package mutating func room(now: UInt64) -> Int {
        // A second fills it; neither product overflows.
        let passed = min(1_000_000, now > filledAt ? now - filledAt : 0)
        let gained = bytesPerSecond * passed / 1_000_000
        if gained > 0 {
            bytes = min(bytesPerSecond, bytes + gained)
            filledAt = max(filledAt, now)
        }
        return Int(bytes)
    }

    /// So many have gone.
    package mutating func spend(_ count: Int) {
        bytes -= min(bytes, UInt64(max(0, count)))
    }

    /// Microseconds until there is room for a cell or two.
    package var wait: UInt64 { max(1_000, min(1_000_000, EndpointSpec.xonCellBytes * 1_000_000 / bytesPerSecond)) }
}
