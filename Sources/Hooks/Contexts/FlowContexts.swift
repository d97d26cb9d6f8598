// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// How many DATA cells may be packaged now? The parameter is circuit or stream.
@frozen
@usableFromInline
package struct MaySendContext: HookContext {
    @inlinable package static var hook: Hook { .maySend }
    @usableFromInline package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream, or 0.
    @usableFromInline package var stream: UInt32 = 0
    /// Cells of this circuit that wait.
    @usableFromInline package var queue: UInt32 = 0
    /// 1 if the channel takes no cells now.
    @usableFromInline package var isBlocked: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// DATA cells packaged so far.
    @usableFromInline package var packaged: UInt64 = 0
    /// SENDMEs that have come for them.
    @usableFromInline package var acknowledgements: UInt64 = 0
    /// Scratch of this circuit and hop, or stream: zero at first, kept by the host.
    @usableFromInline package var state0: UInt64 = 0
    /// The same.
    @usableFromInline package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Shall we acknowledge? The parameter is circuit or stream.
@frozen
@usableFromInline
package struct AckDueContext: HookContext {
    @inlinable package static var hook: Hook { .ackDue }
    @usableFromInline package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream, or 0.
    @usableFromInline package var stream: UInt32 = 0
    /// 0: a DATA cell has come in; 1: its stream's owner has taken all that came.
    @usableFromInline package var event: UInt32 = 0
    /// DATA cells that have come, this one included.
    @usableFromInline package var received: UInt64 = 0
    /// SENDMEs that we have sent for them.
    @usableFromInline package var acknowledgements: UInt64 = 0
    /// Scratch of this circuit and hop, or stream, the same as at `may_send`.
    @usableFromInline package var state0: UInt64 = 0
    /// The same.
    @usableFromInline package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// A valid acknowledgement has come. The parameter is circuit or stream.
@frozen
@usableFromInline
package struct OnAckContext: HookContext {
    @inlinable package static var hook: Hook { .onAck }
    @usableFromInline package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream, or 0.
    @usableFromInline package var stream: UInt32 = 0
    /// Cells of this circuit that wait.
    @usableFromInline package var queue: UInt32 = 0
    /// 1 if the channel takes no cells now.
    @usableFromInline package var isBlocked: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// DATA cells packaged so far.
    @usableFromInline package var packaged: UInt64 = 0
    /// SENDMEs that have come before this one.
    @usableFromInline package var acknowledgements: UInt64 = 0
    /// Microseconds since the cell that it acknowledges left; 0 if that is not known.
    @usableFromInline package var roundTrip: UInt64 = 0
    /// Scratch of this circuit and hop, or stream, the same as at `may_send`.
    @usableFromInline package var state0: UInt64 = 0
    /// The same.
    @usableFromInline package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
