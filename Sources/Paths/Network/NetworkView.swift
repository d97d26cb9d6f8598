package import Cells
package import Directory

/// The network as paths see it: one consensus with what is known of its relays' microdescriptors. A value; a new
/// consensus or more microdescriptors make another.
package struct NetworkView: Sendable {
    /// The relays, in the consensus's order.
    package let relays: [RelayFacts]
    /// The network's parameters.
    package let parameters: ConsensusParameters
    /// How relays are weighed.
    package let weights: PathWeights
    /// From when the consensus holds.
    package let validAfter: WallTime
    /// Until when it does.
    package let validUntil: WallTime
    private let indices: [RSAIdentity: Int]

    /// Takes a consensus's parts; of relays with one identity the last counts.
    package init(
        relays: [RelayFacts], parameters: ConsensusParameters = ConsensusParameters(),
        bandwidthWeights: BandwidthWeights? = nil, validAfter: WallTime, validUntil: WallTime
    ) {
        self.relays = relays
        self.parameters = parameters
        weights = PathWeights(
            bandwidthWeights, scale: parameters.value("bwweightscale", default: 10_000, in: 1...Int32.max))
        self.validAfter = validAfter
        self.validUntil = validUntil
        indices = Dictionary(relays.enumerated().map { ($1.rsaIdentity, $0) }) { $1 }
    }

    /// The relay of an identity.
    package subscript(_ identity: RSAIdentity) -> RelayFacts? {
        indices[identity].map { relays[$0] }
    }

    /// Whether the consensus is less than a day out of date, either way: what guards are sampled by (guard-spec §4.3).
    package func isReasonablyLive(at now: WallTime) -> Bool {
        now >= validAfter - 86_400 && now <= validUntil + 86_400
    }

    /// How much of the weight for a position lies with relays whose microdescriptors are known, from 0 to 1.
    ///
    /// The product over guard, middle and exit says whether it is time to build circuits (path-spec, "enough directory
    /// information"); `PathsNeededToBuildCircuits` or `min_paths_for_circs_pct` is what it is compared with.
    package func knownFraction(of position: PathPosition) -> Double {
        var known = 0.0
        var total = 0.0
        var knownCount = 0
        var count = 0
        for relay in relays where relay.isUsable && fits(relay, position) {
            let weight = weights.weight(of: relay, as: position)
            total += weight
            count += 1
            guard relay.hasDescriptor else { continue }
            known += weight
            knownCount += 1
        }
        if total > 0 { return known / total }
        // Nothing is measured in a young network: then heads count, as in C Tor.
        return count > 0 ? Double(knownCount) / Double(count) : 0
    }

    /// The product of the three known fractions. Without any exit in the consensus the middle counts twice, as in C Tor.
    package var pathFraction: Double {
        let hasExits = relays.contains { $0.isUsable && $0.isExit }
        let middle = knownFraction(of: .middle)
        return knownFraction(of: .guard) * middle * (hasExits ? knownFraction(of: .exit) : middle)
    }

    private func fits(_ relay: RelayFacts, _ position: PathPosition) -> Bool {
        switch position {
        case .guard: relay.flags.contains(.guard)
        case .exit: relay.isExit
        case .middle: true
        case .directory: relay.isDirectory
        }
    }
}
