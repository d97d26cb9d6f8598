/// What we chose about cells, with the reasons.
@usableFromInline
package enum CellsLimits {
    /// Bytes from one slot to the next: header (32 with the cell's own five) and body, rounded up to 16 so that every
    /// body begins on a boundary that vector instructions like.
    @inlinable package static var slotStride: Int { 544 }
    /// Where in its slot a cell's wire image begins: its body then begins at 32.
    @inlinable package static var wireOffset: Int { 27 }
    /// Slots in a slab: 34 pages exactly, small enough that an idle loop costs little.
    @inlinable package static var slotsPerSlab: Int { 256 }
    /// The same as a shift.
    @inlinable package static var slabShift: UInt32 { 8 }
    /// Bytes of a slab, which is what the budget is charged.
    @inlinable package static var slabBytes: Int { slotsPerSlab * slotStride }
    /// Slabs of one pool at most: two gibibytes of cells, far below where a slot's index would overflow.
    package static let slabs = 16_384
}
