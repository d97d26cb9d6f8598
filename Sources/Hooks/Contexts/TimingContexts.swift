// Field for field as in `plugins/include/fanion.h`; see `HookContext`.

/// The circuit's next cell could leave; the parameter is the direction.
@frozen
package struct DepartureContext: HookContext {
    @inlinable package static var hook: Hook { .departure }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// 0: a cell has come to the front; 1: a hold is over.
    package var event: UInt32 = 0
    /// Cells that wait, this one included.
    package var queue: UInt32 = 0
    /// Microseconds that the first has waited, to the millisecond.
    package var waited: UInt64 = 0

    /// All zeros.
    @inlinable
    package init() {}
}

/// Something that padding may follow; the parameter is the direction.
@frozen
package struct PaddingContext: HookContext {
    @inlinable package static var hook: Hook { .padding }

    package var size = UInt32(MemoryLayout<Self>.size)
    package var hookNumber = hook.rawValue
    package var parameter: UInt32 = 0
    package var hop: UInt32 = 0
    /// 0 opened, 1 cell sent, 2 cell received, 3 padding sent, 4 padding received, 5 replaced, 6 hold begins, 7 hold ends.
    package var event: UInt32 = 0
    /// With padding sent and replaced: the timer that ran out; else 0.
    package var timer: UInt32 = 0
    /// Cells that wait in that direction.
    package var queue: UInt32 = 0
    /// 1 while the circuit's cells are held.
    package var isHeld: UInt32 = 0

    /// All zeros.
    @inlinable
    package init() {}
}
