// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The circuit can be used.
@frozen
package struct CircuitOpenedContext: HookContext {
    @inlinable package static var hook: Hook { .circuitOpened }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// 0: this end is the client; 1: a relay.
    package var role: UInt32 = 0
    /// Hops, at a client; else 0.
    package var hops: UInt32 = 0
    /// Microseconds that the first hop's handshake took, at a client.
    package var handshake0: UInt32 = 0
    /// The second hop's.
    package var handshake1: UInt32 = 0
    /// The third's.
    package var handshake2: UInt32 = 0
    /// The fourth's.
    package var handshake3: UInt32 = 0
    /// The fifth's.
    package var handshake4: UInt32 = 0
    /// The sixth's.
    package var handshake5: UInt32 = 0
    /// The seventh's.
    package var handshake6: UInt32 = 0
    /// The eighth's.
    package var handshake7: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// The circuit is gone.
@frozen
package struct CircuitClosedContext: HookContext {
    @inlinable package static var hook: Hook { .circuitClosed }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The DESTROY's reason.
    package var reason: UInt32 = 0
    /// 1 if the other side began it.
    package var isRemote: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
