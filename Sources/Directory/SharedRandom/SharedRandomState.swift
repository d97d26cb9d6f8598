package import Cells
internal import OnionCrypto

/// What an authority knows of the shared random value that is being drawn (srv-spec §3, §4.1).
///
/// A run takes 24 rounds of voting: in the first twelve authorities commit to secrets, in the other twelve they reveal
/// them. At the end of a run each computes the value from all reveals and votes for it; what the majority has goes into
/// the consensus, and only that counts from then on.
///
///     commit (12 rounds) --> reveal (12 rounds) --> value computed, new run
///
/// The clock is the valid-after time of the round that comes, so that authorities agree on the phase.
package struct SharedRandomState: Hashable, Sendable {
    /// The round that this is prepared for.
    package private(set) var validAfter: WallTime
    /// When the run ends.
    package private(set) var validUntil: WallTime
    /// The phase of that round.
    package private(set) var phase: SharedRandomPhase
    /// What authorities committed to in this run.
    package private(set) var commits: [RSAIdentity: SharedRandomCommit]
    /// The value before the current one.
    package private(set) var previous: SharedRandomValue?
    /// The current value.
    package private(set) var current: SharedRandomValue?
    /// True if the current value is ours alone as yet: no consensus has had it.
    package private(set) var isFresh: Bool

    private static let roundsPerPhase: Int64 = 12
    private static let rounds: Int64 = 24

    /// Starts with nothing, in the middle of whatever run it is. `interval` is seconds from one consensus to the next.
    package init(now: WallTime, interval: Int64) {
        validAfter = WallTime(seconds: 0)
        phase = Self.phase(at: now, interval: interval)
        commits = [:]
        isFresh = false
        let begin = now.seconds - now.seconds % max(1, interval)
        validUntil = WallTime(seconds: begin + Self.roundsLeft(at: now, interval: interval) * interval)
    }

    /// Takes back what was saved.
    mutating func restore(
        validAfter: WallTime, validUntil: WallTime, phase: SharedRandomPhase, commits: [SharedRandomCommit],
        previous: SharedRandomValue?, current: SharedRandomValue?
    ) {
        self.validAfter = validAfter
        self.validUntil = validUntil
        self.phase = phase
        self.commits = Dictionary(commits.map { ($0.identity, $0) }, uniquingKeysWith: { $1 })
        self.previous = previous
        self.current = current
    }

    /// The phase of a round.
    package static func phase(at validAfter: WallTime, interval: Int64) -> SharedRandomPhase {
        round(at: validAfter, interval: interval) < roundsPerPhase ? .commit : .reveal
    }

    private static func round(at time: WallTime, interval: Int64) -> Int64 {
        time.seconds / max(1, interval) % rounds
    }

    private static func roundsLeft(at time: WallTime, interval: Int64) -> Int64 {
        rounds - round(at: time, interval: interval)
    }

    /// What our vote tells.
    package var statement: VoteContent.SharedRandomStatement {
        .init(phase: phase, commits: commits.values.sorted { $0.identity < $1.identity })
    }

    /// Makes ready for the round that comes; called once for each.
    ///
    /// - Parameters:
    ///   - own: our v3 identity.
    ///   - trusted: whether an authority is one of ours.
    ///   - random: gives 32 new random bytes.
    package mutating func prepare(
        for validAfter: WallTime, interval: Int64, own: RSAIdentity, trusted: (RSAIdentity) -> Bool,
        random: () -> [UInt8]
    ) {
        guard validAfter > self.validAfter else { return }
        let next = Self.phase(at: validAfter, interval: interval)
        if next != phase {
            if next == .commit {
                // srv-spec §3.2: the value is computed at the end of the reveal phase.
                let value = value(trusted: trusted)
                previous = current
                current = value
                isFresh = true
                commits = [:]
                validUntil =
                    validAfter - interval + Self.roundsLeft(at: validAfter, interval: interval) * interval
                addOwnCommit(own, validAfter, random)
            }
            phase = next
        } else if phase == .commit, commits.isEmpty {
            addOwnCommit(own, validAfter, random)
        }
        self.validAfter = validAfter
    }

    private mutating func addOwnCommit(_ own: RSAIdentity, _ validAfter: WallTime, _ random: () -> [UInt8]) {
        commits[own] = SharedRandomCommit(identity: own, timestamp: validAfter, randomNumber: random())
    }

    /// Takes over what a vote says of its authority's own commit; what it says of others' is hearsay.
    package mutating func receive(_ vote: Vote) {
        for commit in vote.content.sharedRandom?.commits ?? [] where commit.identity == vote.identity {
            let known = commits[commit.identity]
            switch phase {
            case .commit:
                // The first commit counts; a reveal at this time is wrong.
                if known == nil, commit.reveal == nil { commits[commit.identity] = commit }
            case .reveal:
                // A commit that was not told in time counts no more.
                guard var known, known.commitment == commit.commitment, known.reveal == nil, commit.isRevealValid
                else { continue }
                known.takeReveal(of: commit)
                commits[commit.identity] = known
            }
        }
    }

    /// Takes over what the authorities agreed on.
    package mutating func take(_ consensus: Consensus) {
        previous = consensus.header.previousSharedRandom
        current = consensus.header.currentSharedRandom
        isFresh = false
    }

    /// srv-spec §4.1.3: H("shared-random" | count | version | H(reveals) | current value before).
    private func value(trusted: (RSAIdentity) -> Bool) -> SharedRandomValue? {
        let revealed = commits.values.filter { trusted($0.identity) && $0.reveal != nil }
            .sorted { $0.revealDigest.lexicographicallyPrecedes($1.revealDigest) }
        let reveals = revealed.flatMap { Array($0.identity.hex.utf8) + ($0.reveal?.bytes ?? []) }
        let count = UInt64(revealed.count)
        var message = Array("shared-random".utf8)
        message += (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * UInt64($0))) }
        message += [0, 0, 0, 1]
        message += SHA3_256.hash(reveals)
        message += current?.value ?? [UInt8](repeating: 0, count: 32)
        return SharedRandomValue(revealCount: count, value: SHA3_256.hash(message))
    }
}
