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
}
