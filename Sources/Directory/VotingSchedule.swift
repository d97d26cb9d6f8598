package import Cells

/// When one round of voting does what, as the directory authorities agree on it (dir-spec, "Voting timeline").
///
/// All intervals start at midnight UTC and none crosses it, so that authorities that never spoke find the same times.
/// It only computes; waiting for the times is the authority's business.
package struct VotingSchedule: Hashable, Sendable {
    /// Seconds from one consensus to the next.
    package let interval: Int64
    /// When authorities upload their votes.
    package let votingStarts: WallTime
    /// When an authority asks the others for votes that it misses.
    package let fetchMissingVotes: WallTime
    /// When the consensus is computed, and signatures are uploaded.
    package let votingEnds: WallTime
    /// When an authority asks the others for signatures that it misses.
    package let fetchMissingSignatures: WallTime
    /// When the consensus is published: its valid-after.
    package let intervalStarts: WallTime

    /// The lengths that a schedule is made of.
    package struct Timing: Hashable, Sendable {
        /// Seconds from one consensus to the next.
        package var interval: Int64
        /// Seconds to collect votes.
        package var voteDelay: Int64
        /// Seconds to collect signatures.
        package var distributionDelay: Int64

        /// Takes the three lengths as configured or as a consensus says.
        package init(interval: Int64, voteDelay: Int64, distributionDelay: Int64) {
            self.interval = interval
            self.voteDelay = voteDelay
            self.distributionDelay = distributionDelay
        }
    }

    /// Finds the round that comes next after `now`.
    ///
    /// `timing` is the live consensus's, or the initial (testing) one where there is none; `offset` is
    /// TestingV3AuthVotingStartOffset.
    package init(after now: WallTime, timing: Timing, offset: Int64 = 0) {
        let interval = max(1, timing.interval)
        var vote = max(0, timing.voteDelay)
        var distribution = max(0, timing.distributionDelay)
        // Two delays that fill more than half of the interval are cut to a quarter each.
        if vote + distribution > interval / 2 {
            vote = interval / 4
            distribution = interval / 4
        }
        let start = Self.startOfInterval(after: now, interval: interval, offset: offset).seconds
        self.interval = interval
        self.intervalStarts = WallTime(seconds: start)
        self.fetchMissingSignatures = WallTime(seconds: start - distribution / 2)
        self.votingEnds = WallTime(seconds: start - distribution)
        self.fetchMissingVotes = WallTime(seconds: start - distribution - vote / 2)
        self.votingStarts = WallTime(seconds: start - distribution - vote)
    }

    /// The start of the first interval after `now`.
    package static func startOfInterval(after now: WallTime, interval: Int64, offset: Int64 = 0) -> WallTime {
        let day: Int64 = 86_400
        let interval = max(1, interval)
        let seconds = now.seconds
        let midnight = seconds - ((seconds % day) + day) % day
        var next = midnight + ((seconds - midnight) / interval + 1) * interval
        // dir-spec: intervals never cross midnight; one that would last less than half as long as it should is merged
        // into the one before.
        if next > midnight + day || next + interval / 2 > midnight + day {
            next = midnight + day
        }
        next += offset
        if next - interval > seconds {
            next -= interval
        }
        return WallTime(seconds: next)
    }
}
