// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// How many DATA cells may be packaged now? The parameter is circuit or stream.
@frozen
package struct MaySendContext: HookContext {
    @inlinable package static var hook: Hook { .maySend }
    package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The stream, or 0.
    package var stream: UInt32 = 0
    /// Cells of this circuit that wait.
    package var queue: UInt32 = 0
    /// 1 if the channel takes no cells now.
    package var isBlocked: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// DATA cells packaged so far.
    package var packaged: UInt64 = 0
    /// SENDMEs that have come for them.
    package var acknowledgements: UInt64 = 0
    /// Scratch of this circuit and hop, or stream: zero at first, kept by the host.
    package var state0: UInt64 = 0
    /// The same.
    package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Shall we acknowledge? The parameter is circuit or stream.
@frozen
package struct AckDueContext: HookContext {
    @inlinable package static var hook: Hook { .ackDue }
    package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The stream, or 0.
    package var stream: UInt32 = 0
    /// 0: a DATA cell has come in; 1: its stream's owner has taken all that came.
    package var event: UInt32 = 0
    /// DATA cells that have come, this one included.
    package var received: UInt64 = 0
    /// SENDMEs that we have sent for them.
    package var acknowledgements: UInt64 = 0
    /// Scratch of this circuit and hop, or stream, the same as at `may_send`.
    package var state0: UInt64 = 0
    /// The same.
    package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// A valid acknowledgement has come. The parameter is circuit or stream.
@frozen
package struct OnAckContext: HookContext {
    @inlinable package static var hook: Hook { .onAck }
    package static let outputs: Set<String> = ["state0", "state1"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        state0 = program.state0
        state1 = program.state1
    }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The stream, or 0.
    package var stream: UInt32 = 0
    /// Cells of this circuit that wait.
    package var queue: UInt32 = 0
    /// 1 if the channel takes no cells now.
    package var isBlocked: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// DATA cells packaged so far.
    package var packaged: UInt64 = 0
    /// SENDMEs that have come before this one.
    package var acknowledgements: UInt64 = 0
    /// Microseconds since the cell that it acknowledges left; 0 if that is not known.
    package var roundTrip: UInt64 = 0
    /// Scratch of this circuit and hop, or stream, the same as at `may_send`.
    package var state0: UInt64 = 0
    /// The same.
    package var state1: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
