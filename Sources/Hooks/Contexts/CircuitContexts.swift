// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The circuit can be used.
@frozen
@usableFromInline
package struct CircuitOpenedContext: HookContext {
    @inlinable package static var hook: Hook { .circuitOpened }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// 0: this end is the client; 1: a relay.
    @usableFromInline package var role: UInt32 = 0
    /// Hops, at a client; else 0.
    @usableFromInline package var hops: UInt32 = 0
    /// Microseconds that the first hop's handshake took, at a client.
    @usableFromInline package var handshake0: UInt32 = 0
    /// The second hop's.
    @usableFromInline package var handshake1: UInt32 = 0
    /// The third's.
    @usableFromInline package var handshake2: UInt32 = 0
    /// The fourth's.
    @usableFromInline package var handshake3: UInt32 = 0
    /// The fifth's.
    @usableFromInline package var handshake4: UInt32 = 0
    /// The sixth's.
    @usableFromInline package var handshake5: UInt32 = 0
    /// The seventh's.
    @usableFromInline package var handshake6: UInt32 = 0
    /// The eighth's.
    @usableFromInline package var handshake7: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}

    /// Fills in how long each hop took, the first one first.
    package mutating func setHandshakes(_ microseconds: InlineArray<8, UInt32>) {
        handshake0 = microseconds[0]
        handshake1 = microseconds[1]
        handshake2 = microseconds[2]
        handshake3 = microseconds[3]
        handshake4 = microseconds[4]
        handshake5 = microseconds[5]
        handshake6 = microseconds[6]
        handshake7 = microseconds[7]
    }
}

/// The circuit is gone.
@frozen
@usableFromInline
package struct CircuitClosedContext: HookContext {
    @inlinable package static var hook: Hook { .circuitClosed }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The DESTROY's reason.
    @usableFromInline package var reason: UInt32 = 0
    /// 1 if the other side began it.
    @usableFromInline package var isRemote: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
