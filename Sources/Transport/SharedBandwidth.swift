internal import Synchronization

/// The node's bandwidth limits and its global token buckets, which event loops draw on in chunks.
package final class SharedBandwidth: Sendable {
    /// One limit: bytes per second and the burst above it.
    package struct Limit: Sendable, Equatable {
        /// Bytes per second, averaged.
        package var rate: Int
        /// The most at once.
        package var burst: Int

        /// A limit; a burst below the rate is raised to it.
        package init(rate: Int, burst: Int) {
            self.rate = rate
            self.burst = max(rate, burst)
        }
    }

    /// All limits of a node; nil is unlimited.
    package struct Limits: Sendable, Equatable {
        /// `BandwidthRate`, `BandwidthBurst`: everything, each way.
        package var all: Limit?
        /// `RelayBandwidthRate`, `RelayBandwidthBurst`: what is relayed for others, each way.
        package var relayed: Limit?
        /// `PerConnBWRate`, `PerConnBWBurst`: each relay connection, each way.
        package var perConnection: Limit?

        /// Limits; nil is unlimited.
        package init(all: Limit? = nil, relayed: Limit? = nil, perConnection: Limit? = nil) {
            self.all = all
            self.relayed = relayed
            self.perConnection = perConnection
        }
    }

    /// Which way bytes go.
    package enum Direction: Sendable {
        /// From the network to us.
        case reading
        /// From us to the network.
        case writing
    }

    private struct Buckets {
        var limits: Limits
        var allReading: TokenBucket?
        var allWriting: TokenBucket?
        var relayedReading: TokenBucket?
        var relayedWriting: TokenBucket?

        init(limits: Limits, now: ContinuousClock.Instant) {
            self.limits = limits
            allReading = limits.all.map { TokenBucket(rate: $0.rate, burst: $0.burst, now: now) }
            allWriting = allReading
            relayedReading = limits.relayed.map { TokenBucket(rate: $0.rate, burst: $0.burst, now: now) }
            relayedWriting = relayedReading
        }
    }

    private let buckets: Mutex<Buckets>
    private let changes = Atomic<Int>(0)

    /// Full buckets for these limits.
    package init(limits: Limits = Limits(), now: ContinuousClock.Instant) {
        buckets = Mutex(Buckets(limits: limits, now: now))
    }

    /// Puts other limits in place; loops notice with their next read or write.
    package func configure(_ limits: Limits, now: ContinuousClock.Instant) {
        buckets.withLock { buckets in
            guard buckets.limits != limits else { return }
            buckets = Buckets(limits: limits, now: now)
            changes.add(1, ordering: .releasing)
        }
    }

    /// The limits in force.
    package var limits: Limits { buckets.withLock { $0.limits } }

    /// Changes whenever the limits do.
    var generation: Int { changes.load(ordering: .acquiring) }

    /// A chunk for one loop: what it owes and some more, as far as there is any; nil when this kind has no limit.
    func lease(_ direction: Direction, relayed: Bool, debt: Int, now: ContinuousClock.Instant) -> Int? {
        buckets.withLock { buckets in
            switch (direction, relayed) {
            case (.reading, false): Self.lease(from: &buckets.allReading, debt: debt, now: now)
            case (.writing, false): Self.lease(from: &buckets.allWriting, debt: debt, now: now)
            case (.reading, true): Self.lease(from: &buckets.relayedReading, debt: debt, now: now)
            case (.writing, true): Self.lease(from: &buckets.relayedWriting, debt: debt, now: now)
            }
        }
    }

    private static func lease(from bucket: inout TokenBucket?, debt: Int, now: ContinuousClock.Instant) -> Int? {
        guard var filling = bucket else { return nil }
        filling.refill(now: now)
        // A hundredth of a second's worth, so that no loop sits on what another needs.
        let granted = filling.takeAvailable(debt + max(TransportSpec.longestRecord, filling.rate / 100))
        bucket = filling
        return granted
    }
}
