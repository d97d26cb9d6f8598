package import Cells

/// A clock that only a test moves: the steady time and the wall's together.
package struct HandClock: Sendable {
    /// The steady time.
    package private(set) var now: ContinuousClock.Instant
    /// The wall's time.
    package var wallTime: WallTime
    private var fraction = Duration.zero

    /// Starts at some moment; the wall shows 2026-01-01 00:00:00 unless told otherwise.
    package init(wallTime: WallTime = WallTime(seconds: 1_767_225_600)) {
        now = .now
        self.wallTime = wallTime
    }

    /// Moves both on.
    package mutating func advance(by duration: Duration) {
        now += duration
        fraction += duration
        let seconds = fraction.components.seconds
        wallTime = wallTime + seconds
        fraction -= .seconds(seconds)
    }

    /// Moves both on to a moment, if it lies ahead.
    package mutating func advance(to instant: ContinuousClock.Instant) {
        if instant > now { advance(by: now.duration(to: instant)) }
    }
}
