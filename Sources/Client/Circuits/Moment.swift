package import Cells

/// Now, by both clocks: the steady one for deadlines, the wall's for what is remembered over restarts.
package struct Moment: Hashable, Sendable {
    /// The steady clock.
    package var steady: ContinuousClock.Instant
    /// The wall's clock.
    package var wall: WallTime

    /// Both clocks' readings.
    package init(steady: ContinuousClock.Instant, wall: WallTime) {
        self.steady = steady
        self.wall = wall
    }
}
