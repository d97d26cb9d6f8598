// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The circuit's next cell could leave; the parameter is the direction.
@frozen
@usableFromInline
package struct DepartureContext: HookContext {
    @inlinable package static var hook: Hook { .departure }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// 0: a cell has come to the front; 1: a hold is over.
    @usableFromInline package var event: UInt32 = 0
    /// Cells that wait, this one included.
    @usableFromInline package var queue: UInt32 = 0
    /// Microseconds that the first has waited, to the millisecond.
    @usableFromInline package var waited: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Something that padding may follow; the parameter is the direction.
@frozen
@usableFromInline
package struct PaddingContext: HookContext {
    @inlinable package static var hook: Hook { .padding }

    @usableFromInline package var size = UInt32(truncatingIfNeeded: MemoryLayout<Self>.size)
    @usableFromInline package var hookNumber = hook.number
    @usableFromInline package var parameter: UInt32 = 0
    @usableFromInline package var hop: UInt32 = 0
    /// 0 opened, 1 cell sent, 2 cell received, 3 padding sent, 4 padding received, 5 replaced, 6 hold begins, 7 hold ends.
    @usableFromInline package var event: UInt32 = 0
    /// With padding sent and replaced: the timer that ran out; else 0.
    @usableFromInline package var timer: UInt32 = 0
    /// Cells that wait in that direction.
    @usableFromInline package var queue: UInt32 = 0
    /// 1 while the circuit's cells are held.
    @usableFromInline package var isHeld: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
