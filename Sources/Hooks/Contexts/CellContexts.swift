// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// A cell has come in; the parameter is its direction.
@frozen
@usableFromInline
package struct CellReceivedContext: HookContext {
    @inlinable package static var hook: Hook { .cellReceived }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The cell's command: 3 for RELAY, 9 for RELAY_EARLY.
    @usableFromInline package var command: UInt32 = 0
    /// 0: passing through; 1: a message for us; 2: padding for us.
    @usableFromInline package var kind: UInt32 = 0
    /// Cells of this circuit that wait in that direction.
    @usableFromInline package var queue: UInt32 = 0
    /// Where the body is; 0 without the capability `read`.
    @usableFromInline package var payload: UInt32 = 0
    /// Its length.
    @usableFromInline package var payloadLength: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}

    @inlinable
    package mutating func setPayload(address: UInt32, length: UInt32) {
        payload = address
        payloadLength = length
    }
}

/// A cell leaves; the parameter is its direction.
@frozen
@usableFromInline
package struct CellSentContext: HookContext {
    @inlinable package static var hook: Hook { .cellSent }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The cell's command.
    @usableFromInline package var command: UInt32 = 0
    /// 0: passing through; 1: a message of ours; 2: padding of ours.
    @usableFromInline package var kind: UInt32 = 0
    /// Cells of this circuit that still wait in that direction.
    @usableFromInline package var queue: UInt32 = 0
    /// Where the body is, before our layer; 0 without the capability.
    @usableFromInline package var payload: UInt32 = 0
    /// Its length.
    @usableFromInline package var payloadLength: UInt32 = 0
    /// Zero.
    @usableFromInline package var reserved: UInt32 = 0
    /// Microseconds that it waited, to the millisecond.
    @usableFromInline package var waited: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}

    @inlinable
    package mutating func setPayload(address: UInt32, length: UInt32) {
        payload = address
        payloadLength = length
    }
}
