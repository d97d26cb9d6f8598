// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// A cell has come in; the parameter is its direction.
@frozen
package struct CellReceivedContext: HookContext {
    @inlinable package static var hook: Hook { .cellReceived }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The cell's command: 3 for RELAY, 9 for RELAY_EARLY.
    package var command: UInt32 = 0
    /// 0: passing through; 1: a message for us; 2: padding for us.
    package var kind: UInt32 = 0
    /// Cells of this circuit that wait in that direction.
    package var queue: UInt32 = 0
    /// Where the body is; 0 without the capability `read`.
    package var payload: UInt32 = 0
    /// Its length.
    package var payloadLength: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0

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
package struct CellSentContext: HookContext {
    @inlinable package static var hook: Hook { .cellSent }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// The cell's command.
    package var command: UInt32 = 0
    /// 0: passing through; 1: a message of ours; 2: padding of ours.
    package var kind: UInt32 = 0
    /// Cells of this circuit that still wait in that direction.
    package var queue: UInt32 = 0
    /// Where the body is, before our layer; 0 without the capability.
    package var payload: UInt32 = 0
    /// Its length.
    package var payloadLength: UInt32 = 0
    /// Zero.
    package var reserved: UInt32 = 0
    /// Microseconds that it waited, to the millisecond.
    package var waited: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}

    @inlinable
    package mutating func setPayload(address: UInt32, length: UInt32) {
        payload = address
        payloadLength = length
    }
}
