internal import CPlatform

/// The cells of one event loop: slots of 544 bytes in slabs, so that a cell costs no allocation and no reference count.
///
/// Not `Sendable`: it and its cells stay on their loop. It grows by a slab when it must and its `MemoryBudget` allows;
/// slabs stay until `trim`. Cells may outlive the pool. Queues do not belong here: they string slots together themselves,
/// by `CellIndex`, through the slots' `next` fields.
@usableFromInline
package final class CellPool {
    @usableFromInline let storage: UnsafeMutablePointer<CellPoolStorage>

    /// An empty pool that charges its slabs to `budget`.
    package init(budget: MemoryBudget) {
        // Safe: freed when the pool is gone and no cell is left.
        storage = .allocate(capacity: 1)
        storage.initialize(to: CellPoolStorage(budget: budget))
    }

    deinit {
        storage.pointee.isOrphan = true
        if storage.pointee.liveCount == 0 { Self.free(storage) }
    }

    @usableFromInline
    static func free(_ storage: UnsafeMutablePointer<CellPoolStorage>) {
        // Safe: no cell points to it any longer, and the pool is gone.
        storage.deinitialize(count: 1)
        storage.deallocate()
    }

    /// Cells that exist now, held or queued.
    @inlinable package var liveCount: Int { storage.pointee.liveCount }

    /// Slots there are, free ones included.
    @inlinable package var slotCount: Int { storage.pointee.slotCount }

    /// Bytes charged to the budget.
    package var chargedBytes: Int { storage.pointee.slotCount * CellsLimits.slotStride }

    /// A cell with nothing meaningful in it, to be filled whole; nil if the memory budget is spent.
    @inlinable
    package func makeCell() -> Cell? {
        guard let slot = storage.pointee.take() else { return nil }
        return Cell(storage: storage, slot: slot)
    }

    /// A cell with a header and a body of zeros; nil if the memory budget is spent.
    @inlinable
    package func makeCell(circuitID: CircuitID, command: CellCommand) -> Cell? {
        guard var cell = makeCell() else { return nil }
        cell.circuitID = circuitID
        cell.command = command
        cell.clearBody()
        return cell
    }

    /// A cell with the 514 bytes of `wire`; nil if the memory budget is spent.
    @inlinable
    package func makeCell(wire: RawSpan) -> Cell? {
        precondition(wire.byteCount == CellsSpec.cellLength)
        guard let cell = makeCell() else { return nil }
        unsafe wire.withUnsafeBytes { bytes in
            // Safe: both are 514 bytes long.
            if let start = bytes.baseAddress {
                cell.wirePointer.copyMemory(from: start, byteCount: CellsSpec.cellLength)
            }
        }
        return cell
    }

    /// Turns an index back into the cell it was; once.
    @inlinable
    package func cell(adopting index: CellIndex) -> Cell {
        Cell(storage: storage, slot: storage.pointee.slot(index))
    }

    /// Has the processor bring a queued cell closer: it is wanted when the one before it has been sealed.
    @usableFromInline
    package func prefetch(_ index: CellIndex) {
        // Safe: a hint, without access.
        fanion_prefetch(storage.pointee.slot(index), CellsLimits.slotStride)
    }

    /// The slot after this one in the queue that owns both.
    @inlinable
    package func next(of index: CellIndex) -> CellIndex {
        // Safe: the field is written by `setNext` before it is read. The same holds below.
        CellIndex(
            rawValue: storage.pointee.slot(index).load(fromByteOffset: CellPoolStorage.nextOffset, as: UInt32.self))
    }

    /// Strings `next` after `index`.
    @inlinable
    package func setNext(of index: CellIndex, to next: CellIndex) {
        storage.pointee.slot(index).storeBytes(
            of: next.rawValue, toByteOffset: CellPoolStorage.nextOffset, as: UInt32.self)
    }

    /// When a queued cell was queued, on the owner's coarse clock.
    @inlinable
    package func enqueuedAt(of index: CellIndex) -> UInt32 {
        storage.pointee.slot(index).load(fromByteOffset: CellPoolStorage.enqueuedOffset, as: UInt32.self)
    }

    /// Gives slabs back that hold no cell, keeping room for `keeping` more cells.
    package func trim(keeping: Int = CellsLimits.slotsPerSlab) {
        storage.pointee.trim(keeping: keeping)
    }
}
