package import Cells

/// What a guard must not be, for one circuit.
package enum GuardRestriction: Hashable, Sendable {
    /// Related to the exit (guard-spec §4.5).
    case exit(RelayFacts)
    /// One of those that did not have what a directory request asked for.
    case excluding(Set<RSAIdentity>)

    /// Whether it is about the path rather than about what a guard can do: such a guard still counts among the primaries.
    var isAboutPath: Bool {
        switch self {
        case .exit: true
        case .excluding: false
        }
    }
}

/// What a guard is wanted for.
package enum GuardUsage: Hashable, Sendable {
    /// A circuit: its microdescriptor must be here.
    case traffic
    /// A directory request over one hop.
    case directory
}

/// One circuit's use of a guard; whoever gets one reports how it went.
package struct GuardTicket: Hashable, Sendable {
    /// Which use.
    package let id: UInt64
    /// Which guard.
    package let identity: RSAIdentity
}

/// Whether a circuit may carry streams, as far as its guard goes (guard-spec §4.6 to §4.9).
package enum GuardCircuitState: Hashable, Sendable {
    /// When it is built it may.
    case usableOnCompletion
    /// When it is built it may, unless a better guard answers.
    case usableIfNoBetterGuard
    /// It is built, and waits whether a better guard answers.
    case waitingForBetterGuard
    /// It may.
    case complete
}
