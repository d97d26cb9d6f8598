package import Cells

/// One guard of the sample (guard-spec §4): what is remembered in the state file, and what only this run knows.
package struct SampledGuard: Hashable, Sendable {
    /// Whether it can be reached.
    package enum Reachability: Hashable, Sendable {
        /// Not tried yet, or to be tried again.
        case maybe
        /// The last try worked.
        case yes
        /// The last try failed, not long ago.
        case no
    }

    /// Who it is.
    package let identity: RSAIdentity
    /// What it was called when it was sampled.
    package var nickname: String
    /// When it was sampled, blurred.
    package var sampledOn: WallTime
    /// Its place in the sample.
    package var sampledIndex: Int
    /// Which version sampled it.
    package var sampledBy: String?
    /// Whether the last consensus has it as a guard.
    package var isListed: Bool
    /// Since when it has not, blurred.
    package var unlistedSince: WallTime?
    /// When it was first used, blurred.
    package var confirmedOn: WallTime?
    /// Its place among those that have been used; nil if it never was.
    package var confirmedIndex: Int?
    /// Fields of its line that we do not use, path bias counts among them; kept for whoever does.
    package var otherFields: [String]

    /// Whether it can be reached.
    package var reachability = Reachability.maybe
    /// Since when it cannot.
    package var failingSince: WallTime?
    /// When a circuit last began there.
    package var lastTried: WallTime?
    /// A first circuit through it is under way, so no other shall be.
    package var isPending = false
    /// Whether consensus and rules allow it.
    package var isFiltered = false
    /// Whether it is one of the few that we mean to use.
    package var isPrimary = false

    /// A guard just sampled.
    package init(
        identity: RSAIdentity, nickname: String, sampledOn: WallTime, sampledIndex: Int, sampledBy: String?,
        isListed: Bool = true, unlistedSince: WallTime? = nil, confirmedOn: WallTime? = nil,
        confirmedIndex: Int? = nil, otherFields: [String] = []
    ) {
        self.identity = identity
        self.nickname = nickname
        self.sampledOn = sampledOn
        self.sampledIndex = sampledIndex
        self.sampledBy = sampledBy
        self.isListed = isListed
        self.unlistedSince = unlistedSince
        self.confirmedOn = confirmedOn
        self.confirmedIndex = confirmedIndex
        self.otherFields = otherFields
    }

    /// Whether it may be tried now: guard-spec's USABLE_FILTERED_GUARDS.
    package var isUsable: Bool { isFiltered && reachability != .no }

    /// Forgets a failure when it is time to try again (guard-spec §4.6, "get_retry_schedule").
    package mutating func considerRetry(at now: WallTime) {
        guard reachability == .no else { return }
        guard let lastTried else {
            reachability = .maybe
            return
        }
        if now >= lastTried + Self.retryDelay(failingFor: now - (failingSince ?? now), isPrimary: isPrimary) {
            reachability = .maybe
        }
    }

    /// How long to wait between tries of a guard that has failed for so long.
    package static func retryDelay(failingFor seconds: Int64, isPrimary: Bool) -> Int64 {
        switch max(0, seconds) {
        case ...(6 * 3600): isPrimary ? 600 : 3600
        case ...(4 * 86_400): isPrimary ? 5400 : 4 * 3600
        case ...(7 * 86_400): isPrimary ? 4 * 3600 : 18 * 3600
        default: isPrimary ? 9 * 3600 : 36 * 3600
        }
    }

    /// Whether it comes before another where a circuit waits for the better guard.
    func isBetter(than other: SampledGuard) -> Bool {
        if identity == other.identity { return false }
        switch (confirmedIndex, other.confirmedIndex) {
        case (let mine?, let theirs?): return mine < theirs
        case (_?, nil): return true
        case (nil, _?): return false
        case (nil, nil): break
        }
        guard isPending else { return false }
        guard other.isPending else { return true }
        let never = WallTime(seconds: 0)
        return (lastTried ?? never) < (other.lastTried ?? never)
    }
}
