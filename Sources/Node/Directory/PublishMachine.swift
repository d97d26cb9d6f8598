package import Cells

/// When a relay's descriptor is made anew and uploaded: when something in it changed, when it is 18 hours old, and sooner
/// when the consensus shows that the authorities do not have it.
package struct PublishMachine: Sendable {
    /// What a consensus says of us.
    package enum Listing: Hashable, Sendable {
        /// Nothing.
        case missing
        /// That our descriptor is stale.
        case stale
        /// That we are there, with a descriptor of that time if the flavor says so.
        case listed(published: WallTime?)
    }

    /// Why it must be made anew; nil while it need not be.
    private var reason: String?
    private var published: WallTime?
    private var listing: Listing?

    /// C Tor's FORCE_REGENERATE_DESCRIPTOR_INTERVAL, in seconds.
    private static let longestAge: Int64 = 18 * 3600
    /// C Tor's FAST_RETRY_DESCRIPTOR_INTERVAL, in seconds.
    private static let retryInterval: Int64 = 90 * 60
    /// However much changes: not more often than this, in seconds.
    private static let shortestInterval: Int64 = 60

    /// Nothing was published yet: that is the first thing to do.
    package init() {
        reason = "initial"
    }

    /// Something in the descriptor has changed.
    package mutating func markDirty(_ reason: String) {
        self.reason = self.reason ?? reason
    }

    /// There is a new consensus.
    package mutating func consensusChanged(_ listing: Listing) {
        self.listing = listing
    }

    /// Why it is to be published now; nil if it is not.
    package mutating func due(at now: WallTime) -> String? {
        guard let published else { return reason }
        let age = now - published
        if reason == nil {
            if age >= Self.longestAge {
                reason = "time for new descriptor"
            } else if age >= Self.retryInterval {
                switch listing {
                case .missing: reason = "not listed in consensus"
                case .stale: reason = "listed as stale in consensus"
                case .listed(let time?) where now - time >= Self.longestAge:
                    reason = "version listed in consensus is quite old"
                case .listed, nil: break
                }
            }
        }
        return age >= Self.shortestInterval || age < 0 ? reason : nil
    }

    /// It was made and is on its way.
    package mutating func publish(at now: WallTime) {
        published = now
        reason = nil
        listing = nil
    }
}
