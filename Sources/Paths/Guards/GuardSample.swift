package import Cells

/// The guards that one client picks from, and in which order it tries them (guard-spec, from proposal 271).
///
/// A client *samples* guards at random by bandwidth, and keeps the sample for months. The first few that are listed and
/// allowed are *primary*. A guard that worked once is *confirmed*. Circuits go through primary guards; only when none of
/// them answers they try others, in order, and such a circuit *waits* as long as a better guard may still answer. So
/// nobody who breaks connections can hurry a client along to a guard of his.
///
/// Time and randomness are arguments. Not for bridges.
package struct GuardSample: Sendable {
    /// How the sample came about.
    package enum Kind: Hashable, Sendable {
        /// From all guards; the operator's filter comes after.
        case normal
        /// From the guards that the operator's filter leaves.
        case restricted
    }

    /// Network, rules and numbers, as of the last consensus.
    struct Setting: Sendable {
        var view: NetworkView
        var rules: PathRules
        var parameters: GuardParameters
        var version: String
        var weigher: (any RelayWeigher)?
    }

    /// One circuit through one guard.
    struct Circuit: Sendable {
        var identity: RSAIdentity
        var restriction: GuardRestriction?
        var state: GuardCircuitState
        var since: WallTime
    }

    /// Its name in the state file.
    package let name: String
    /// How it came about.
    package let kind: Kind
    /// The guards, in the order in which they were sampled.
    package internal(set) var guards: [SampledGuard] = []
    /// The primary ones, in order.
    package internal(set) var primaries: [RSAIdentity] = []
    /// Circuits that have not told how they went, or wait.
    var circuits: [UInt64: Circuit] = [:]
    /// Never lower than any `confirmedIndex` + 1.
    var nextConfirmedIndex = 0
    /// When any circuit was last built.
    var lastOnInternet = WallTime(seconds: 0)
    var setting: Setting?

    init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }

    /// Takes guards from the state file.
    mutating func restore(_ restored: [SampledGuard]) {
        var seen: Set<RSAIdentity> = []
        guards = restored.sorted { $0.sampledIndex < $1.sampledIndex }.filter { seen.insert($0.identity).inserted }
        // Places are made dense, so that a hole or a hostile number in the file does no harm.
        for index in guards.indices { guards[index].sampledIndex = index }
        let confirmed = guards.indices.filter { guards[$0].confirmedIndex != nil }
            .sorted { (guards[$0].confirmedIndex ?? 0) < (guards[$1].confirmedIndex ?? 0) }
        for (place, index) in confirmed.enumerated() { guards[index].confirmedIndex = place }
        nextConfirmedIndex = confirmed.count
    }

    /// The lines for the state file, without the word `Guard`.
    var stateLines: [String] {
        guards.enumerated().map { index, sampled in
            var dense = sampled
            dense.sampledIndex = index
            return dense.text(sample: name)
        }
    }

    func index(of identity: RSAIdentity) -> Int? {
        guards.firstIndex { $0.identity == identity }
    }

    /// Whether every primary guard is down.
    var allPrimariesAreDown: Bool {
        primaries.allSatisfy { identity in index(of: identity).map { guards[$0].reachability == .no } ?? true }
    }
}

// MARK: - A new consensus

extension GuardSample {
    /// Takes a new network or new rules: marks what is listed, forgets what is old, fills up (guard-spec §4.2 to §4.4).
    mutating func update(_ setting: Setting, now: WallTime, using generator: inout some RandomNumberGenerator) {
        self.setting = setting
        if setting.view.isReasonablyLive(at: now) {
            markListed(setting, now, &generator)
            removeObsolete(setting.parameters, now)
        }
        filter(now)
        expand(now, &generator)
        updatePrimaries(now, &generator)
    }

    private mutating func markListed(
        _ setting: Setting, _ now: WallTime, _ generator: inout some RandomNumberGenerator
    ) {
        let slop = setting.parameters.removeUnlistedAfter / 5
        for index in guards.indices {
            let listed = Self.isPossible(setting.view[guards[index].identity], setting)
            if listed {
                guards[index].unlistedSince = nil
            } else if guards[index].isListed || guards[index].unlistedSince == nil {
                guards[index].unlistedSince = Self.blur(now, by: slop, &generator)
            }
            guards[index].isListed = listed
        }
    }

    private mutating func removeObsolete(_ parameters: GuardParameters, _ now: WallTime) {
        let removed = guards.filter { sampled in
            if !sampled.isListed, let since = sampled.unlistedSince, since < now - parameters.removeUnlistedAfter {
                return true
            }
            guard let confirmedOn = sampled.confirmedOn else { return sampled.sampledOn < now - parameters.lifetime }
            return confirmedOn < now - parameters.confirmedLifetime
        }
        guard !removed.isEmpty else { return }
        let identities = Set(removed.map(\.identity))
        guards.removeAll { identities.contains($0.identity) }
        primaries.removeAll { identities.contains($0) }
        let confirmed = guards.indices.filter { guards[$0].confirmedIndex != nil }
            .sorted { (guards[$0].confirmedIndex ?? 0) < (guards[$1].confirmedIndex ?? 0) }
        for (place, index) in confirmed.enumerated() { guards[index].confirmedIndex = place }
        nextConfirmedIndex = confirmed.count
    }

    /// Applies the operator's filter, and the retry schedule.
    private mutating func filter(_ now: WallTime) {
        guard let setting else { return }
        let passing = guards.compactMap { setting.view[$0.identity] }
            .filter { Self.passesFilter($0, setting.rules) }
        let allowed = Set(Self.weigh(passing, setting).map(\.relay.rsaIdentity))
        for index in guards.indices {
            guards[index].isFiltered = guards[index].isListed && allowed.contains(guards[index].identity)
            guards[index].considerRetry(at: now)
        }
    }

    /// Samples until enough guards may be used (guard-spec §4.2, "entry_guards_expand_sample").
    mutating func expand(_ now: WallTime, _ generator: inout some RandomNumberGenerator) {
        guard let setting, setting.view.isReasonablyLive(at: now) else { return }
        var usableCount = guards.count(where: \.isUsable)
        let parameters = setting.parameters
        guard usableCount < parameters.minFilteredSample else { return }
        let sampled = Set(guards.map(\.identity))
        var eligible = setting.view.relays.filter { relay in
            Self.isPossible(relay, setting) && (kind == .normal || Self.passesFilter(relay, setting.rules))
        }
        let share = Int(Double(eligible.count) * parameters.maxSampleFraction)
        let limit = max(min(share, parameters.maxSampleSize), parameters.minFilteredSample)
        eligible.removeAll { sampled.contains($0.rsaIdentity) }
        let weighed = Self.weigh(eligible, setting)
        eligible = weighed.map(\.relay)
        var weights = weighed.map(\.weight)
        while usableCount < parameters.minFilteredSample, guards.count < limit,
            let chosen = WeightedChoice.index(of: weights, using: &generator)
        {
            let relay = eligible.remove(at: chosen)
            weights.remove(at: chosen)
            var added = SampledGuard(
                identity: relay.rsaIdentity, nickname: relay.nickname,
                sampledOn: Self.blur(now, by: parameters.lifetime / 10, &generator),
                sampledIndex: (guards.last?.sampledIndex ?? -1) + 1, sampledBy: setting.version)
            added.isFiltered = Self.passesFilter(relay, setting.rules)
            guards.append(added)
            if added.isUsable { usableCount += 1 }
        }
    }

    /// Chooses the primary guards: confirmed ones first, then those that were primary, then the first of the rest
    /// (guard-spec §4.4).
    mutating func updatePrimaries(_ now: WallTime, _ generator: inout some RandomNumberGenerator) {
        guard let setting else { return }
        let count = setting.parameters.primaryCount
        var chosen: [Int] = guards.indices.filter { guards[$0].confirmedIndex != nil && guards[$0].isFiltered }
        chosen = Array(chosen.prefix(count))
        for identity in primaries where chosen.count < count {
            guard let index = index(of: identity), guards[index].isFiltered, !chosen.contains(index) else { continue }
            chosen.append(index)
        }
        for index in guards.indices { guards[index].isPrimary = chosen.contains(index) }
        for index in guards.indices where chosen.count < count {
            guards[index].considerRetry(at: now)
            guard guards[index].isUsable, guards[index].confirmedIndex == nil, !chosen.contains(index) else { continue }
            guards[index].isPrimary = true
            chosen.append(index)
        }
        primaries = chosen.sorted().map { guards[$0].identity }
    }

    /// What relays weigh as guards; those that a plugin vetoes are left out, as if the operator excluded them.
    private static func weigh(
        _ relays: [RelayFacts], _ setting: Setting
    ) -> [(relay: RelayFacts, weight: Double)] {
        setting.weigher.weigh(relays, as: .guard) { setting.view.weights.weight(of: $0, as: .guard) }
    }

    /// guard-spec's GUARDS, ourselves left out.
    static func isPossible(_ relay: RelayFacts?, _ setting: Setting) -> Bool {
        guard let relay else { return false }
        return relay.isPossibleGuard && relay.rsaIdentity != setting.rules.ownIdentity
    }

    /// What the operator allows (guard-spec §4.3, "FILTERED_GUARDS").
    static func passesFilter(_ relay: RelayFacts, _ rules: PathRules) -> Bool {
        !rules.excludedNodes.contains(relay) && (rules.entryNodes.isEmpty || rules.entryNodes.contains(relay))
            && (!rules.pluginPositions.contains(.guard) || relay.supportsPlugins)
    }

    /// Some moment before `now`, so that the file does not tell exactly when what was used.
    static func blur(
        _ now: WallTime, by seconds: Int64, _ generator: inout some RandomNumberGenerator
    ) -> WallTime {
        seconds > 0 ? now - Int64.random(in: 0..<seconds, using: &generator) : now
    }
}
