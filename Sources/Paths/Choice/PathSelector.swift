package import Cells
internal import Directory

/// Chooses relays for paths from a network, by the operator's rules (path-spec §2.2, "Path selection and constraints").
///
/// The order is C Tor's: exit, then guard, then middle. Guards come from a `GuardSelection`, not from here, unless
/// `UseEntryGuards` is off.
package struct PathSelector: Sendable {
    /// The network.
    package var view: NetworkView
    /// The operator's wishes.
    package var rules: PathRules
    /// Exits that refuse everything now, whatever their policies say; forgotten with the next consensus.
    package var refusingExits: Set<RSAIdentity> = []
    /// Addresses that exits refused although their summaries let the port out; forgotten likewise.
    package var refusedAddresses: [RSAIdentity: Set<IPAddress>] = [:]

    /// Relays that could not be reached a moment ago: others come first, as middle and as exit.
    package var avoided: Set<RSAIdentity> = []

    /// Who weighs relays beside the consensus; nil where nobody does.
    package var weigher: (any RelayWeigher)?

    /// Chooses from `view` by `rules`.
    package init(view: NetworkView, rules: PathRules, weigher: (any RelayWeigher)? = nil) {
        self.view = view
        self.rules = rules
        self.weigher = weigher
    }

    /// An exit for as many of `streams` as possible; without streams, for one of the `predictedPorts`, or any.
    ///
    /// - Parameters:
    ///   - streams: what waits for a circuit; the exit serves at least one of them.
    ///   - predictedPorts: what may be asked for soon.
    ///   - needsStable: whether it must be Stable. Given up, like Fast, if nothing else is left.
    ///   - avoiding: relays that must not be related to it.
    ///   - generator: draws the relay.
    package func exit(
        for streams: [ExitDemand], predictedPorts: [UInt16] = [], needsStable: Bool = false,
        avoiding: [RelayFacts] = [], using generator: inout some RandomNumberGenerator
    ) throws(PathFailure) -> RelayFacts {
        var candidates = try usable(for: .exit)
        try candidates.keep(.exitPolicy) { !$0.flags.contains(.badExit) && !$0.rejectsEverything }
        try candidates.keep(.refusal) { relay in
            streams.isEmpty
                ? !refusingExits.contains(relay.rsaIdentity) : streams.contains { !hasRefused(relay, $0) }
        }
        try candidates.keep(.exclusion) { !rules.excludedExitNodes.contains($0) && !rules.excludedNodes.contains($0) }
        if !rules.exitNodes.isEmpty { try candidates.keep(.restriction) { rules.exitNodes.contains($0) } }
        try keepUnrelated(&candidates, to: avoiding)
        if streams.isEmpty {
            candidates.prefer { relay in predictedPorts.contains { relay.ipv4Policy.allows($0) } }
        } else {
            try candidates.keep(.exitPolicy) { relay in
                streams.contains { relay.serves($0) && !hasRefused(relay, $0) }
            }
        }
        candidates.prefer { !avoided.contains($0.rsaIdentity) }
        preferFlags(&candidates, needsStable: needsStable)
        if streams.count > 1 {
            let support = candidates.relays.map { relay in streams.count { relay.serves($0) } }
            let best = support.max() ?? 0
            candidates.relays = zip(candidates.relays, support).filter { $1 == best }.map(\.0)
        }
        return try choose(candidates, using: &generator)
    }

    /// A relay between the others, related to none of them.
    package func middle(
        between others: [RelayFacts], needsStable: Bool = false, using generator: inout some RandomNumberGenerator
    ) throws(PathFailure) -> RelayFacts {
        var candidates = try usable(for: .middle)
        try candidates.keep(.exclusion) { !rules.excludedNodes.contains($0) }
        if !rules.middleNodes.isEmpty { try candidates.keep(.restriction) { rules.middleNodes.contains($0) } }
        try keepUnrelated(&candidates, to: others)
        candidates.prefer { !avoided.contains($0.rsaIdentity) }
        preferFlags(&candidates, needsStable: needsStable)
        return try choose(candidates, using: &generator)
    }

    /// A first hop without a sample of guards: for `UseEntryGuards 0`.
    package func entry(
        avoiding others: [RelayFacts], needsStable: Bool = false, using generator: inout some RandomNumberGenerator
    ) throws(PathFailure) -> RelayFacts {
        var candidates = try usable(for: .guard)
        try candidates.keep(.exclusion) { !rules.excludedNodes.contains($0) }
        if !rules.entryNodes.isEmpty { try candidates.keep(.restriction) { rules.entryNodes.contains($0) } }
        try keepUnrelated(&candidates, to: others)
        // C Tor weighs as for a middle here: without guards the flag Guard means nothing.
        candidates.position = .middle
        candidates.asked = .guard
        preferFlags(&candidates, needsStable: needsStable)
        return try choose(candidates, using: &generator)
    }

    /// A relay to ask for directory documents when no guard is to be asked: Running, Valid and V2Dir.
    package func directory(
        excluding tried: Set<RSAIdentity> = [], using generator: inout some RandomNumberGenerator
    ) throws(PathFailure) -> RelayFacts {
        var candidates = Candidates(position: .directory, relays: view.relays)
        try candidates.keep(.usable) { $0.isUsable }
        try candidates.keep(.flags) { $0.isDirectory }
        try candidates.keep(.foreign) { $0.rsaIdentity != rules.ownIdentity && !tried.contains($0.rsaIdentity) }
        if rules.isStrict {
            try candidates.keep(.exclusion) { !rules.excludedNodes.contains($0) }
        } else {
            candidates.prefer { !rules.excludedNodes.contains($0) }
        }
        return try choose(candidates, using: &generator)
    }

    /// Whether any relay in the network would let that stream out.
    package func canExit(_ demand: ExitDemand) -> Bool {
        view.relays.contains { relay in
            relay.isUsable && relay.hasDescriptor && !relay.flags.contains(.badExit) && isExit(relay, for: demand)
        }
    }

    /// Whether some relay may turn out to let that stream out: it is flagged as an exit, and its policy is not known yet.
    package func mayYetExit(_ demand: ExitDemand) -> Bool {
        view.relays.contains { relay in
            relay.isUsable && !relay.hasDescriptor && relay.flags.contains(.exit) && !relay.flags.contains(.badExit)
                && !hasRefused(relay, demand) && acceptsExit(relay)
        }
    }

    /// Whether a relay may be the exit of a circuit for that stream, as rules and earlier answers have it.
    package func isExit(_ relay: RelayFacts, for demand: ExitDemand) -> Bool {
        !hasRefused(relay, demand) && acceptsExit(relay) && relay.serves(demand)
    }

    private func hasRefused(_ relay: RelayFacts, _ demand: ExitDemand) -> Bool {
        if refusingExits.contains(relay.rsaIdentity) { return true }
        guard case .connect(let address?, _, _, _) = demand else { return false }
        return refusedAddresses[relay.rsaIdentity]?.contains(address) == true
    }

    private func acceptsExit(_ relay: RelayFacts) -> Bool {
        !rules.excludedExitNodes.contains(relay) && !rules.excludedNodes.contains(relay)
            && (rules.exitNodes.isEmpty || rules.exitNodes.contains(relay))
    }
}

extension PathSelector {
    /// The relays that are left, and how many there were before the last question.
    private struct Candidates {
        var position: PathPosition
        /// What plugins are told the position is, where that is another than the weights'.
        var asked: PathPosition?
        var relays: [RelayFacts]

        mutating func keep(
            _ constraint: PathConstraint, where fits: (RelayFacts) -> Bool
        ) throws(PathFailure) {
            let kept = relays.filter(fits)
            guard !kept.isEmpty else {
                throw PathFailure(position: position, constraint: constraint, candidateCount: relays.count)
            }
            relays = kept
        }

        /// Keeps those that fit, or all if none does.
        mutating func prefer(where fits: (RelayFacts) -> Bool) {
            let kept = relays.filter(fits)
            if !kept.isEmpty { relays = kept }
        }
    }

    private func usable(for position: PathPosition) throws(PathFailure) -> Candidates {
        var candidates = Candidates(position: position, relays: view.relays)
        try candidates.keep(.usable) { $0.isUsable }
        try candidates.keep(.descriptor) { $0.hasDescriptor }
        try candidates.keep(.protocols) { $0.canExtend }
        if rules.pluginPositions.contains(position) { try candidates.keep(.protocols) { $0.supportsPlugins } }
        if let own = rules.ownIdentity {
            let ourselves = view[own]
            try candidates.keep(.foreign) { relay in
                relay.rsaIdentity != own
                    && !(ourselves?.isRelated(to: relay, bySubnet: rules.distinctSubnets) ?? false)
            }
        }
        return candidates
    }

    private func keepUnrelated(_ candidates: inout Candidates, to others: [RelayFacts]) throws(PathFailure) {
        guard !others.isEmpty else { return }
        try candidates.keep(.relation) { relay in
            !others.contains { $0.isRelated(to: relay, bySubnet: rules.distinctSubnets) }
        }
    }

    /// Fast always, Stable where asked for; as in C Tor both are given up together when nothing has them.
    private func preferFlags(_ candidates: inout Candidates, needsStable: Bool) {
        let needed: RelayFlags = needsStable ? [.fast, .stable] : .fast
        candidates.prefer { $0.flags.isSuperset(of: needed) }
    }

    private func choose(
        _ candidates: Candidates, using generator: inout some RandomNumberGenerator
    ) throws(PathFailure) -> RelayFacts {
        var candidates = candidates
        let position = candidates.asked ?? candidates.position
        let weighed = weigher.weigh(candidates.relays, as: position) {
            view.weights.weight(of: $0, as: candidates.position)
        }
        guard !weighed.isEmpty || candidates.relays.isEmpty else {
            throw PathFailure(
                position: position, constraint: .plugin, candidateCount: candidates.relays.count)
        }
        candidates.relays = weighed.map(\.relay)
        guard let index = WeightedChoice.index(of: weighed.map(\.weight), using: &generator) else {
            throw PathFailure(position: candidates.position, constraint: .usable, candidateCount: 0)
        }
        return candidates.relays[index]
    }
}
