public import Cells

/// The way out: cells from their pool slots into the TLS record being filled.
///
/// One copy; the slot goes home when the cell has been taken. A record holds 31 cells. Not for encryption: `TLSHandler`
/// seals the record when it is full or flushed.
@usableFromInline
package struct CellWriter: ~Copyable {
    /// Nil while nothing is being written, so that an idle connection holds no buffer.
    @usableFromInline var record: UnsafeMutableRawPointer?
    /// How much of the record is filled.
    @usableFromInline package internal(set) var count = 0
    /// How much of the record is free; 0 without a record.
    @usableFromInline package internal(set) var freeBytes = 0

    @usableFromInline init() {}

    /// What is filled.
    var filled: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: record, count: count) }

    /// Starts a record, if none is there.
    mutating func begin(_ pool: TLSBufferPool) {
        guard record == nil else { return }
        record = pool.takeRecord()
        clear()
    }

    /// Forgets what is filled; the record stays.
    mutating func clear() {
        count = 0
        freeBytes = record == nil ? 0 : TransportLimits.recordLength
    }

    /// Gives the record back.
    mutating func release(to pool: TLSBufferPool) {
        if let record { pool.giveBack(record: record) }
        record = nil
        clear()
    }

    /// Takes a cell, for which there must be room; its slot goes home.
    @inlinable
    package mutating func append(_ cell: consuming Cell) {
        guard let record, freeBytes >= Self.cellLength else { preconditionFailure("no room for a cell") }
        // Safe: just checked, and a cell's wire image is so long.
        (record + count).copyMemory(from: cell.wirePointer, byteCount: Self.cellLength)
        count &+= Self.cellLength  // Bounded by the record's length.
        freeBytes &-= Self.cellLength
    }

    /// A cell of link protocol 4 and above.
    @inlinable static var cellLength: Int { 514 }

    /// Takes as many of these bytes as fit; says how many.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        let taken = min(bytes.count, freeBytes)
        guard taken > 0, let record, let source = bytes.baseAddress else { return 0 }
        // Safe: `freeBytes` is what the record has left.
        (record + count).copyMemory(from: source, byteCount: taken)
        advance(taken)
        return taken
    }

    private mutating func advance(_ length: Int) {
        count += length
        freeBytes -= length
    }
}
