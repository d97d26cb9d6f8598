// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// A circuit's place on its channel; the parameter is the event.
@frozen
package struct RankContext: HookContext {
    @inlinable package static var hook: Hook { .rank }
    package static let outputs: Set<String> = ["key", "state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        key = program.key
        state0 = program.state0
        state1 = program.state1
    }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// Cells of this circuit that left in the burst.
    package var sent: UInt32 = 0
    /// Cells that wait, at most.
    package var queue: UInt32 = 0
    /// 0-3, as the circuit's own plugin suggests.
    package var suggestedClass: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// A number for the circuit and direction, for as long as it lives.
    package var circuit: UInt64 = 0
    /// Scratch of this circuit and direction: zero at first, kept by the host.
    package var state0: UInt64 = 0
    /// The same.
    package var state1: UInt64 = 0
    /// Smallest first; read back. It comes in as it was.
    package var key: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Weigh or veto a relay; the parameter is the position.
@frozen
package struct ChoosePathContext: HookContext {
    @inlinable package static var hook: Hook { .choosePath }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// Of the consensus: Fast.
    package var isFast: UInt32 = 0
    /// Stable.
    package var isStable: UInt32 = 0
    /// Guard.
    package var isGuard: UInt32 = 0
    /// Exit.
    package var isExit: UInt32 = 0
    /// A number for the relay, the same in every consensus, that says nothing else.
    package var candidate: UInt64 = 0
    /// Its bandwidth in the consensus, kilobytes a second.
    package var bandwidth: UInt64 = 0
    /// What the built-in gives it.
    package var weight: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// There is a new consensus.
@frozen
package struct ConsensusChangedContext: HookContext {
    @inlinable package static var hook: Hook { .consensusChanged }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// Relays in it.
    package var relays: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// Seconds since 1970.
    package var validAfter: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
