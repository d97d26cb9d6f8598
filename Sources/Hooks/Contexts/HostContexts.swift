// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// A circuit's place on its channel; the parameter is the event.
@frozen
@usableFromInline
package struct RankContext: HookContext {
    @inlinable package static var hook: Hook { .rank }
    @usableFromInline package static let outputs: Set<String> = ["key", "state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        key = program.key
        state0 = program.state0
        state1 = program.state1
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// Cells of this circuit that left in the burst.
    @usableFromInline package var sent: UInt32 = 0
    /// Cells that wait, at most.
    @usableFromInline package var queue: UInt32 = 0
    /// 0-3, as the circuit's own plugin suggests.
    @usableFromInline package var suggestedClass: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// A number for the circuit and direction, for as long as it lives.
    @usableFromInline package var circuit: UInt64 = 0
    /// Scratch of this circuit and direction: zero at first, kept by the host.
    @usableFromInline package var state0: UInt64 = 0
    /// The same.
    @usableFromInline package var state1: UInt64 = 0
    /// Smallest first; read back. It comes in as it was.
    @usableFromInline package var key: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Weigh or veto a relay; the parameter is the position.
@frozen
@usableFromInline
package struct ChoosePathContext: HookContext {
    @inlinable package static var hook: Hook { .choosePath }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// Of the consensus: Fast.
    @usableFromInline package var isFast: UInt32 = 0
    /// Stable.
    @usableFromInline package var isStable: UInt32 = 0
    /// Guard.
    @usableFromInline package var isGuard: UInt32 = 0
    /// Exit.
    @usableFromInline package var isExit: UInt32 = 0
    /// A number for the relay, the same in every consensus, that says nothing else.
    @usableFromInline package var candidate: UInt64 = 0
    /// Its bandwidth in the consensus, kilobytes a second.
    @usableFromInline package var bandwidth: UInt64 = 0
    /// What the built-in gives it.
    @usableFromInline package var weight: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// There is a new consensus.
@frozen
@usableFromInline
package struct ConsensusChangedContext: HookContext {
    @inlinable package static var hook: Hook { .consensusChanged }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// Relays in it.
    @usableFromInline package var relays: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// Seconds since 1970.
    @usableFromInline package var validAfter: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
