// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The instance begins.
@frozen
@usableFromInline
package struct InitContext: HookContext {
    @inlinable package static var hook: Hook { .initialise }
    @usableFromInline package static let outputs: Set<String> = ["answerLength"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        answerLength = program.answerLength
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// Where the bringer's argument bytes are.
    @usableFromInline package var argument: UInt32 = 0
    /// How many there are.
    @usableFromInline package var argumentLength: UInt32 = 0
    /// Where up to 64 bytes for the bringer may be put.
    @usableFromInline package var answer: UInt32 = 0
    /// How many have been put there; read back.
    @usableFromInline package var answerLength: UInt32 = 0
    /// 0: this end is the client; 1: a relay.
    @usableFromInline package var role: UInt32 = 0
    /// 1 if the instance takes over from an older version, whose memory `old_read` reads.
    @usableFromInline package var isUpgrade: UInt32 = 0
    /// Where the older version had its `FANION_STATE`; 0 if it had none.
    @usableFromInline package var oldState: UInt32 = 0
    /// How long that was.
    @usableFromInline package var oldStateLength: UInt32 = 0
    /// Major, minor and patch of the older version, 16 bits each, the patch lowest.
    @usableFromInline package var oldVersion: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// The instance ends.
@frozen
@usableFromInline
package struct ExitContext: HookContext {
    @inlinable package static var hook: Hook { .exit }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// 0: the circuit is gone; 1: detached; 2: upgraded.
    @usableFromInline package var reason: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// A timer of the instance has run out.
@frozen
@usableFromInline
package struct TimerContext: HookContext {
    @inlinable package static var hook: Hook { .timer }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// Which, 0-7.
    @usableFromInline package var timer: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// Microseconds that the call is late.
    @usableFromInline package var late: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
