/// The number of a slot in its pool: how a queue remembers a cell without holding it.
///
/// Whoever has turned a `Cell` into its index owns the slot and must turn it back, once.
@usableFromInline
package struct CellIndex: RawRepresentable, Hashable, Sendable {
    /// Slab and place in it.
    public let rawValue: UInt32

    /// Takes what `rawValue` gave.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// No cell: the end of a list.
    @inlinable package static var none: CellIndex { CellIndex(rawValue: .max) }
}
