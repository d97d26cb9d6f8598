/// What verdicts can say at most, with the reasons.
package enum HooksLimits {
    /// Cells that `may_send` can allow.
    package static let cells = UInt32(Int32.max)
    /// How long `departure` can hold a cell before it is asked again: more would look like a dead circuit.
    package static let holdMicroseconds: UInt32 = 2_000_000
    /// Timers for padding per circuit and direction, as few as padding machines use.
    package static let paddingTimers: UInt8 = 4
    /// How far ahead padding can be planned.
    package static let paddingDelayMicroseconds: UInt32 = 600_000_000
    /// The largest quantum: what is between two looks at the other circuits.
    package static let quantum: UInt32 = 31
    /// The largest factor of `choose_path`: 256.
    package static let pathFactor: UInt32 = 256 << 16
    /// Bytes of `init`'s answer.
    package static let answerBytes = 64
    /// After how long a sent cell counts half in the choice of circuits: C Tor's default (CircuitPriorityHalflifeMsec).
    package static let halfLifeMilliseconds: UInt64 = 30_000
}
