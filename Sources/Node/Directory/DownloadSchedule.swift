/// When a document that could not be had is asked for again: C Tor's "decorrelated jitter".
///
/// Each wait is drawn between the least one and three times the last. Not for the time at which a newer consensus is
/// fetched (`ConsensusFetchTime`).
package struct DownloadSchedule: Sendable {
    /// The wait before the first attempt, and the least between two, in seconds.
    package let initialDelay: Int64
    /// How often it went wrong since the last success.
    package private(set) var failures = 0
    /// Not to be asked for before this moment; nil until the first attempt is due `initialDelay` after the start.
    package private(set) var nextAttempt: ContinuousClock.Instant
    private var lastDelay: Int64

    /// A schedule whose first attempt is due `initialDelay` after `now`.
    package init(initialDelay: Duration, now: ContinuousClock.Instant) {
        self.initialDelay = max(0, initialDelay.components.seconds)
        lastDelay = self.initialDelay
        nextAttempt = now + .seconds(self.initialDelay)
    }

    /// Whether it may be asked for now.
    package func isReady(at now: ContinuousClock.Instant) -> Bool { nextAttempt <= now }

    /// An attempt went wrong.
    package mutating func fail(now: ContinuousClock.Instant, using random: inout some RandomNumberGenerator) {
        failures += 1
        let least = max(1, initialDelay)
        let most = max(least + 1, min(lastDelay, DirectoryClientLimits.longestDelay / 3) * 3)
        lastDelay = Int64.random(in: least..<most, using: &random)
        nextAttempt = now + .seconds(lastDelay)
    }

    /// It has arrived, or is not wanted any more: the next attempt begins afresh.
    package mutating func succeed(now: ContinuousClock.Instant) {
        failures = 0
        lastDelay = initialDelay
        nextAttempt = now
    }

    /// Waits for the outcome of an attempt.
    package mutating func hold(until moment: ContinuousClock.Instant) {
        nextAttempt = max(nextAttempt, moment)
    }
}
