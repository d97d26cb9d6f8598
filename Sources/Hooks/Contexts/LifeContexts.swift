// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The instance begins.
@frozen
package struct InitContext: HookContext {
    @inlinable package static var hook: Hook { .initialise }
    package static let outputs: Set<String> = ["answerLength"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        answerLength = program.answerLength
    }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// Where the bringer's argument bytes are.
    package var argument: UInt32 = 0
    /// How many there are.
    package var argumentLength: UInt32 = 0
    /// Where up to 64 bytes for the bringer may be put.
    package var answer: UInt32 = 0
    /// How many have been put there; read back.
    package var answerLength: UInt32 = 0
    /// 0: this end is the client; 1: a relay.
    package var role: UInt32 = 0
    /// 1 if the instance takes over from an older version, whose memory `old_read` reads.
    package var isUpgrade: UInt32 = 0
    /// Where the older version had its `FANION_STATE`; 0 if it had none.
    package var oldState: UInt32 = 0
    /// How long that was.
    package var oldStateLength: UInt32 = 0
    /// Major, minor and patch of the older version, 16 bits each, the patch lowest.
    package var oldVersion: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// The instance ends.
@frozen
package struct ExitContext: HookContext {
    @inlinable package static var hook: Hook { .exit }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// 0: the circuit is gone; 1: detached; 2: upgraded.
    package var reason: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// A timer of the instance has run out.
@frozen
package struct TimerContext: HookContext {
    @inlinable package static var hook: Hook { .timer }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// Which, 0-7.
    package var timer: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// Microseconds that the call is late.
    package var late: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
