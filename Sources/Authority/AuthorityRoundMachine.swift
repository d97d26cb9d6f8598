package import Cells
package import Directory

/// The rounds of voting of one authority (dir-spec §3.2): when to do what, and which votes and signatures count.
///
///     waiting --voting starts--> collecting --> fetchingVotes --voting ends--> signing --> fetchingSignatures
///        ^                                                                                       |
///        +----------------------- startRound <-- published <-------------interval starts---------+
///
/// It keeps the votes and the consensuses that are being signed. Making a vote, computing, sending and storing are the
/// driver's. Times are the world's, since authorities must agree on them.
package struct AuthorityRoundMachine: ~Copyable {
    private var stage: Stage
    /// What this round has brought; the same in every stage, so it stands beside it.
    private var round: Round
    /// The votes of the last round, which are still served.
    package private(set) var previousVotes: [Vote] = []
    private let own: RSAIdentity
    private let authorities: Set<RSAIdentity>

    private enum Stage {
        case waiting, collecting, fetchingVotes, signing, fetchingSignatures, published
    }

    /// What one round has brought so far.
    private struct Round: Sendable {
        let schedule: VotingSchedule
        /// At most one from each authority.
        var votes: [Vote] = []
        /// At most one of each flavor; empty until the end of the voting.
        var consensuses: [PendingConsensus] = []
        /// Signatures that came before our consensus was there.
        var queued: [DetachedSignatures] = []
    }

    /// Starts with the round that comes next.
    package init(
        own: RSAIdentity, authorities: Set<RSAIdentity>, timing: VotingSchedule.Timing, offset: Int64, now: WallTime
    ) {
        self.own = own
        self.authorities = authorities
        stage = .waiting
        round = Round(schedule: VotingSchedule(after: now, timing: timing, offset: offset))
    }

    /// When what is done in this round.
    package var schedule: VotingSchedule { round.schedule }
    /// The votes of this round.
    package var votes: [Vote] { round.votes }
    /// The consensuses that are being signed.
    package var consensuses: [PendingConsensus] { round.consensuses }

    // MARK: - Time

    /// What is to be done at a moment.
    package enum AdvanceAction: Equatable {
        /// Nothing until then.
        case wait(until: WallTime)
        /// Make our vote, hand it to `receiveVote` and send it to the others.
        case vote
        /// Ask all others for the votes of these.
        case fetchVotes(of: [RSAIdentity])
        /// Compute the consensuses from `votes`, hand them to `setConsensuses` and send our signatures to the others.
        case compute
        /// Too few authorities voted: there will be no consensus in this round.
        case tooFewVotes(have: Int, need: Int)
        /// No vote says which relays are running: a consensus would be empty.
        case nobodyIsRunning
        /// Ask all others for the signatures that they have.
        case fetchSignatures
        /// Publish what is signed by enough, then `startRound`.
        case publish
    }

    /// What is to be done now; to be called again until it says to wait.
    package mutating func advance(now: WallTime) -> AdvanceAction {
        let schedule = round.schedule
        switch stage {
        case .waiting:
            guard now >= schedule.votingStarts else { return .wait(until: schedule.votingStarts) }
            stage = .collecting
            return .vote
        case .collecting:
            guard now >= schedule.fetchMissingVotes else { return .wait(until: schedule.fetchMissingVotes) }
            stage = .fetchingVotes
            let missing = authorities.subtracting(round.votes.map(\.identity))
            return missing.isEmpty ? .wait(until: schedule.votingEnds) : .fetchVotes(of: missing.sorted())
        case .fetchingVotes:
            guard now >= schedule.votingEnds else { return .wait(until: schedule.votingEnds) }
            stage = .signing
            return verdict()
        case .signing:
            guard now >= schedule.fetchMissingSignatures else { return .wait(until: schedule.fetchMissingSignatures) }
            stage = .fetchingSignatures
            let isAlone = authorities.subtracting([own]).isEmpty
            return round.consensuses.isEmpty || isAlone ? .wait(until: schedule.intervalStarts) : .fetchSignatures
        case .fetchingSignatures:
            guard now >= schedule.intervalStarts else { return .wait(until: schedule.intervalStarts) }
            stage = .published
            return .publish
        case .published:
            return .publish
        }
    }

    private func verdict() -> AdvanceAction {
        let need = authorities.count / 2 + 1
        guard round.votes.count >= need else { return .tooFewVotes(have: round.votes.count, need: need) }
        guard round.votes.contains(where: { $0.content.header.knownFlags.contains("Running") }) else {
            return .nobodyIsRunning
        }
        return .compute
    }

    /// Begins the next round; `timing` is what the consensus of this one says, or the initial one.
    package mutating func startRound(timing: VotingSchedule.Timing, offset: Int64, now: WallTime) {
        previousVotes = round.votes
        stage = .waiting
        round = Round(schedule: VotingSchedule(after: now, timing: timing, offset: offset))
    }

    // MARK: - Votes

    /// What became of a vote.
    package enum ReceiveVoteAction: Equatable {
        /// It counts, and may be news to the shared random state.
        case stored
        /// It is there already.
        case duplicate
        /// It does not count, for this reason.
        case refused(String)
    }

    /// A vote came: ours, one that was posted at a time, or one that we fetched.
    package mutating func receiveVote(_ vote: Vote, postedAt: WallTime?) -> ReceiveVoteAction {
        guard authorities.contains(vote.identity) else { return .refused("Vote not from a recognized v3 authority") }
        guard vote.content.header.validAfter == round.schedule.intervalStarts else {
            return .refused("Bad valid-after time")
        }
        // Some authorities would have it in time and others not: a split vote.
        if let postedAt, postedAt > round.schedule.fetchMissingVotes {
            return .refused("Posted vote received too late, would be dangerous to count it")
        }
        if let place = round.votes.firstIndex(where: { $0.identity == vote.identity }) {
            if round.votes[place].digest == vote.digest { return .duplicate }
            guard round.votes[place].content.published < vote.content.published else {
                return .refused("Already have a newer pending vote")
            }
            round.votes[place] = vote
        } else {
            round.votes.append(vote)
        }
        return .stored
    }

    // MARK: - Signatures

    /// Takes over what was computed and signed by us, and the signatures that came before.
    ///
    /// - Returns: how many signatures of others were waiting.
    package mutating func setConsensuses(_ consensuses: [PendingConsensus], certificates: [KeyCertificate]) -> Int {
        round.consensuses = consensuses
        let queued = round.queued
        round.queued = []
        var count = 0
        for detached in queued {
            if case .added(let number) = receiveSignatures(detached, certificates: certificates) { count += number }
        }
        return count
    }

    /// What became of signatures.
    package enum ReceiveSignaturesAction: Equatable {
        /// They wait for our consensus.
        case queued
        /// So many are new.
        case added(Int)
        /// They do not belong to our consensus, for this reason.
        case refused(String)
    }

    /// Signatures of others came.
    package mutating func receiveSignatures(
        _ detached: DetachedSignatures, certificates: [KeyCertificate]
    ) -> ReceiveSignaturesAction {
        guard round.consensuses.contains(where: { $0.consensus.flavor == .ns }) else {
            guard round.queued.count < AuthorityLimits.queuedSignatures else { return .refused("Too many signatures") }
            round.queued.append(detached)
            return .queued
        }
        var count = 0
        var mismatch: PendingConsensus.Mismatch?
        for place in round.consensuses.indices {
            do {
                count += try round.consensuses[place].add(detached, certificates: certificates)
            } catch {
                mismatch = error
            }
        }
        if count == 0, let mismatch { return .refused(mismatch.rawValue) }
        return .added(count)
    }
}
