/// The way out: cells from their pool slots into the TLS record being filled.
///
/// One copy; the slot goes home when the cell has been taken. A record holds 31 cells. Not for encryption: `TLSHandler`
/// seals the record when it is full or flushed.
package struct CellWriter: ~Copyable {
    /// Nil while nothing is being written, so that an idle connection holds no buffer.
    @usableFromInline var record: UnsafeMutableRawPointer?
    /// How much of the record is filled.
    @usableFromInline package private(set) var count = 0
    /// How much of the record is free; 0 without a record.
    @usableFromInline package private(set) var freeBytes = 0

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
