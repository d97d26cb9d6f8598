package import Cells

/// The cell that a test needs; throws if the pool gave none. (`#require` takes only what can be copied.)
package func requireCell(_ cell: consuming Cell?) throws -> Cell {
    switch consume cell {
    case .some(let cell): return cell
    case nil: throw NoCell()
    }
}

/// A pool gave no cell.
package struct NoCell: Error {
    /// Nothing to add.
    package init() {}
}
