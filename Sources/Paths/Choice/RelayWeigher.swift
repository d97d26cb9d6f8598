internal import Directory
package import Hooks

/// Whoever has a say in how much a relay counts, beside the consensus: a plugin at `choose_path`.
package protocol RelayWeigher: Sendable {
    /// A relay is about to be chosen.
    ///
    /// - Returns: whether anybody wants to be asked.
    func beginChoice() -> Bool
    /// Asks about one relay.
    func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict>
}

extension Optional where Wrapped == any RelayWeigher {
    /// Weighs relays for a position; those that are vetoed are left out.
    ///
    /// - Parameter builtIn: what the consensus gives a relay.
    func weigh(
        _ relays: [RelayFacts], as position: PathPosition, builtIn: (RelayFacts) -> Double
    ) -> [(relay: RelayFacts, weight: Double)] {
        let weighed = relays.map { (relay: $0, weight: builtIn($0)) }
        guard let self, let place = position.hookParameter, self.beginChoice() else { return weighed }
        return weighed.compactMap { relay, weight in
            var context = ChoosePathContext()
            context.parameter = place
            context.isFast = relay.flags.contains(.fast) ? 1 : 0
            context.isStable = relay.flags.contains(.stable) ? 1 : 0
            context.isGuard = relay.flags.contains(.guard) ? 1 : 0
            context.isExit = relay.isExit ? 1 : 0
            context.candidate = relay.number
            context.bandwidth = UInt64(relay.bandwidth ?? 0)
            // Weights are bandwidths in bytes a second, far below what does not fit.
            context.weight = UInt64(exactly: weight.rounded()) ?? 0
            guard case .verdict(let verdict) = self.choosePath(&context) else { return (relay, weight) }
            return verdict.factor == 0 ? nil : (relay, weight * Double(verdict.factor) / 65_536)
        }
    }
}

extension PathPosition {
    /// The parameter of `choose_path`; nil where no plugin is asked: one hop to a directory is no path.
    fileprivate var hookParameter: UInt32? {
        switch self {
        case .guard: 0
        case .middle: 1
        case .exit: 2
        case .directory: nil
        }
    }
}

extension RelayFacts {
    /// A number for the relay that is the same as long as the program runs, and says nothing else: a keyed hash.
    fileprivate var number: UInt64 {
        var hasher = Hasher()
        hasher.combine(rsaIdentity)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
