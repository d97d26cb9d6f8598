/// A fixed-length cell: the one owner of a slot of its loop's pool.
///
/// Moving it moves the handle; dropping it gives the slot back. The slot holds the 514 bytes as they stand on the wire
/// (circuit ID, command, body), so that one copy brings a cell in and one takes it out. Not for variable-length cells,
/// which are rare and arrays.
@frozen
@usableFromInline
package struct Cell: ~Copyable {
    @usableFromInline let storage: UnsafeMutablePointer<CellPoolStorage>
    @usableFromInline let slot: UnsafeMutableRawPointer

    @inlinable
    init(storage: UnsafeMutablePointer<CellPoolStorage>, slot: UnsafeMutableRawPointer) {
        self.storage = storage
        self.slot = slot
    }

    @inlinable
    deinit {
        // Safe: the storage lives while a cell does.
        if storage.pointee.giveBack(slot) { CellPool.free(storage) }
    }

    /// The circuit that the cell belongs to, or zero.
    @inlinable
    package var circuitID: CircuitID {
        get {
            // Safe, here and below: a slot has 544 bytes, and they are this cell's alone.
            CircuitID(
                rawValue: UInt32(
                    bigEndian: slot.loadUnaligned(fromByteOffset: CellsLimits.wireOffset, as: UInt32.self)))
        }
        set {
            slot.storeBytes(of: newValue.rawValue.bigEndian, toByteOffset: CellsLimits.wireOffset, as: UInt32.self)
        }
    }

    /// What the cell is for.
    @inlinable
    package var command: CellCommand {
        get { CellCommand(rawValue: slot.load(fromByteOffset: CellsLimits.wireOffset + 4, as: UInt8.self)) }
        set { slot.storeBytes(of: newValue.rawValue, toByteOffset: CellsLimits.wireOffset + 4, as: UInt8.self) }
    }

    /// When the cell was queued, on its owner's coarse clock; meaningless before that.
    @inlinable
    package var enqueuedAt: UInt32 {
        get { slot.load(fromByteOffset: CellPoolStorage.enqueuedOffset, as: UInt32.self) }
        set { slot.storeBytes(of: newValue, toByteOffset: CellPoolStorage.enqueuedOffset, as: UInt32.self) }
    }

    /// A note of whoever queued the cell; zero in a new one. Never on the wire.
    @inlinable
    package var mark: UInt8 {
        get { slot.load(fromByteOffset: CellPoolStorage.markOffset, as: UInt8.self) }
        set { slot.storeBytes(of: newValue, toByteOffset: CellPoolStorage.markOffset, as: UInt8.self) }
    }

    /// The 509 bytes after the header, to be changed in place.
    @inlinable
    package var body: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = MutableRawSpan(
                _unsafeStart: slot + (CellsLimits.wireOffset + CellsSpec.cellHeaderLength),
                byteCount: CellsSpec.bodyLength)
            return _overrideLifetime(span, mutating: &self)
        }
    }

    /// The 509 bytes after the header, to be read.
    @inlinable
    package var bodyBytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = RawSpan(
                _unsafeStart: slot + (CellsLimits.wireOffset + CellsSpec.cellHeaderLength),
                byteCount: CellsSpec.bodyLength)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// All 514 bytes as they stand on the wire.
    @inlinable
    package var wire: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = RawSpan(_unsafeStart: slot + CellsLimits.wireOffset, byteCount: CellsSpec.cellLength)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    /// Where the 514 bytes are, for `Transport`'s two copies; good while the cell is held.
    @inlinable package var wirePointer: UnsafeMutableRawPointer { slot + CellsLimits.wireOffset }

    /// Fills the body with zeros.
    @inlinable
    package mutating func clearBody() {
        (slot + (CellsLimits.wireOffset + CellsSpec.cellHeaderLength))
            .initializeMemory(as: UInt8.self, repeating: 0, count: CellsSpec.bodyLength)
    }

    /// Copies `bytes` to the front of the body and fills the rest with zeros. At most 509 of them.
    package mutating func setBody(_ bytes: [UInt8]) {
        precondition(bytes.count <= CellsSpec.bodyLength)
        clearBody()
        // Safe: just checked.
        bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                (slot + (CellsLimits.wireOffset + CellsSpec.cellHeaderLength))
                    .copyMemory(from: start, byteCount: source.count)
            }
        }
    }

    /// Gives the slot to a queue: the cell lives on under its index until the pool adopts it again.
    @inlinable
    package consuming func intoIndex() -> CellIndex {
        let index = CellIndex(rawValue: slot.load(fromByteOffset: CellPoolStorage.indexOffset, as: UInt32.self))
        discard self
        return index
    }
}
