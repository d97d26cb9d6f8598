// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// A message was recognised here; the parameter is its command.
@frozen
@usableFromInline
package struct RelayMessageContext: HookContext {
    @inlinable package static var hook: Hook { .relayMessage }
    @usableFromInline package static let outputs: Set<String> = ["payloadLength", "isRewritten"]
    @inlinable package static var hasOutputs: Bool { true }

    @inlinable
    package mutating func takeOutputs(of program: Self) {
        payloadLength = program.payloadLength
        isRewritten = program.isRewritten
    }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream, or 0.
    @usableFromInline package var stream: UInt32 = 0
    /// 1 if it came in RELAY_EARLY.
    @usableFromInline package var isEarly: UInt32 = 0
    /// Where its data is; 0 without the capability `read`.
    @usableFromInline package var payload: UInt32 = 0
    /// How long that is; read back where it was rewritten.
    @usableFromInline package var payloadLength: UInt32 = 0
    /// Set to 1, with the capability, to have the host take the data back from the payload window.
    @usableFromInline package var isRewritten: UInt32 = 0
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

/// A message is about to be packaged; the parameter is its command.
@frozen
@usableFromInline
package struct MessagePackagingContext: HookContext {
    @inlinable package static var hook: Hook { .messagePackaging }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream, or 0.
    @usableFromInline package var stream: UInt32 = 0
    /// Where its data is; 0 without the capability `read`.
    @usableFromInline package var payload: UInt32 = 0
    /// How long that is.
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

/// A stream changes, or has data; the parameter says which.
@frozen
@usableFromInline
package struct StreamContext: HookContext {
    @inlinable package static var hook: Hook { .stream }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// The stream.
    @usableFromInline package var stream: UInt32 = 0
    /// 1 if the data goes to the other end of the circuit, 0 if it came from there.
    @usableFromInline package var isOutward: UInt32 = 0
    /// Where the data is; 0 without the capability, or where there is none.
    @usableFromInline package var payload: UInt32 = 0
    /// Its length.
    @usableFromInline package var payloadLength: UInt32 = 0
    /// When it closes: the END's reason.
    @usableFromInline package var reason: UInt32 = 0
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
