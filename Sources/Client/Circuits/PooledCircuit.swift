internal import Cells
package import Paths

/// One circuit of the pool, as far as decisions go.
package struct PooledCircuit: Sendable {
    /// How far it is.
    package enum Phase: Hashable, Sendable {
        /// Hops are being added.
        case building
        /// It is there, but a better guard may answer yet.
        case waitingForGuard
        /// It takes streams.
        case open
    }

    /// The pool's number of it.
    package let key: UInt64
    /// Its relays, guard first.
    package let path: [RelayFacts]
    /// What to report about its guard with; nil without `UseEntryGuards`.
    let ticket: GuardTicket?
    /// How far it is.
    package internal(set) var phase = Phase.building
    /// How many hops are there.
    package internal(set) var hopCount = 0
    /// When it was begun.
    package let begun: Moment
    /// When it first took a stream.
    package internal(set) var firstUsed: ContinuousClock.Instant?
    /// Which streams it has taken.
    package internal(set) var isolation = CircuitIsolation()
    /// Whether only Stable relays were asked for.
    package let needsStable: Bool
    /// It takes no more streams.
    package internal(set) var isUnusable = false
    /// It was waited for longer than usual, since no other circuit was open.
    var isRelaxed = false
    /// It is too late to be used, and watched only to learn how late.
    var isMeasurement = false
    /// Streams on it.
    package internal(set) var streams: Set<UInt64> = []

    init(key: UInt64, path: [RelayFacts], ticket: GuardTicket?, begun: Moment, needsStable: Bool) {
        self.key = key
        self.path = path
        self.ticket = ticket
        self.begun = begun
        self.needsStable = needsStable
    }

    /// Whether nobody has used it and anybody may.
    var isClean: Bool { firstUsed == nil && !isUnusable && !isMeasurement }

    /// Whether its first stream is not too long ago.
    func isYoung(_ now: Moment, _ maxDirtiness: Duration) -> Bool {
        guard let firstUsed else { return true }
        return firstUsed + maxDirtiness > now.steady
    }
}

/// One stream that the pool looks after: until it is open, and afterwards so that its circuit stays.
package struct PooledStream: Sendable {
    /// How far it is.
    package enum Phase: Hashable, Sendable {
        /// It needs a circuit.
        case waiting
        /// It was asked for on a circuit.
        case attached(circuit: UInt64)
        /// It is open.
        case open(circuit: UInt64)
    }

    /// What is wanted. An exit's answer may have made an address of the name.
    package internal(set) var demand: StreamDemand
    /// How far it is.
    package internal(set) var phase = Phase.waiting
    /// When it was asked for.
    let born: ContinuousClock.Instant
    /// When it was last asked for on a circuit.
    var attached: ContinuousClock.Instant
    /// How often it was given up for lateness.
    var timeouts = 0
    /// How often its circuit went away or refused it.
    var losses = 0
    /// What stood in its way last.
    var lastFailure: StreamFailure?

    init(demand: StreamDemand, now: Moment) {
        self.demand = demand
        born = now.steady
        attached = now.steady
    }

    /// The circuit that it is on.
    package var circuit: UInt64? {
        switch phase {
        case .waiting: nil
        case .attached(let circuit), .open(let circuit): circuit
        }
    }
}
