/// What verdicts can say at most, with the reasons.
@usableFromInline
package enum HooksLimits {
    /// Cells that `may_send` can allow.
    @inlinable package static var cells: UInt32 { 0x7FFF_FFFF }
    /// DATA cells about which `ack_due` can ask not to be asked: a thousand times Tor's window.
    @inlinable package static var quietCells: UInt32 { 0xF_FFFF }
    /// How long `departure` can hold a cell before it is asked again: more would look like a dead circuit.
    @inlinable package static var holdMicroseconds: UInt32 { 2_000_000 }
    /// Timers for padding per circuit and direction, as few as padding machines use.
    @inlinable package static var paddingTimers: UInt8 { 4 }
    /// How far ahead padding can be planned.
    @inlinable package static var paddingDelayMicroseconds: UInt32 { 600_000_000 }
    /// The largest quantum: what is between two looks at the other circuits.
    @inlinable package static var quantum: UInt32 { 31 }
    /// The largest factor of `choose_path`: 256.
    @inlinable package static var pathFactor: UInt32 { 256 << 16 }
    /// Bytes of `init`'s answer.
    package static let answerBytes = 64
    /// After how long a sent cell counts half in the choice of circuits: C Tor's default (CircuitPriorityHalflifeMsec).
    @inlinable package static var halfLifeMilliseconds: UInt64 { 30_000 }
}
