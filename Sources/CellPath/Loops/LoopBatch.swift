internal import CPlatform
internal import Cells

/// Cells and messages on their way from one loop to another, in order.
///
/// One allocation holds them all; batches go back to their sender when they have been read. Used by one loop at a time.
final class LoopBatch: @unchecked Sendable {
    // Safe: whoever has taken it from a mailbox is its only user.

    /// Room for two bursts' worth of cells of one circuit.
    static let capacity = 256
    private static let stride = 528
    private static let wireOffset = 8

    /// What a record is.
    enum Kind: UInt8 {
        /// A cell for a leg's queue; its body is ready for the wire.
        case forward
        /// A cell from a leg, as it came, for the circuit's owner.
        case backward
        /// The next one of `messages`.
        case message
    }

    private let storage: UnsafeMutableRawPointer
    /// How many records there are.
    private(set) var count = 0
    /// What the message records stand for, in order.
    private(set) var messages: [LoopMessage] = []

    init() {
        storage = .allocate(byteCount: Self.capacity * Self.stride, alignment: 16)
    }

    deinit { storage.deallocate() }

    var isFull: Bool { count == Self.capacity }

    /// Adds a cell, of which a copy is made, for `handle` on the other loop.
    func append(_ kind: Kind, _ handle: SlabHandle, _ cell: borrowing Cell) {
        let record = next(kind)
        // Safe: a record has 528 bytes: kind and generation (8), wire image (514), slot (4, at the end).
        record.storeBytes(of: handle.generation, toByteOffset: 4, as: UInt32.self)
        record.storeBytes(of: handle.slot, toByteOffset: Self.stride - 4, as: UInt32.self)
        (record + Self.wireOffset).copyMemory(from: cell.wirePointer, byteCount: CellsSpec.cellLength)
    }

    /// Adds a message.
    func append(_ message: LoopMessage) {
        _ = next(.message)
        messages.append(message)
    }

    /// What record `index` is.
    func kind(_ index: Int) -> Kind {
        Kind(rawValue: (storage + index * Self.stride).load(as: UInt8.self)) ?? .message
    }

    /// Whom the cell of record `index` is for.
    func handle(_ index: Int) -> SlabHandle {
        let record = storage + index * Self.stride
        return SlabHandle(
            slot: record.load(fromByteOffset: Self.stride - 4, as: UInt32.self),
            generation: record.load(fromByteOffset: 4, as: UInt32.self))
    }

    /// The cell of record `index`, copied into a slot of `pool`; nil if there is no memory.
    func cell(_ index: Int, in pool: CellPool) -> Cell? {
        // The records were written on another processor.
        if index + 1 < count { fanion_prefetch(storage + (index + 1) * Self.stride, Self.stride) }
        guard let cell = pool.makeCell() else { return nil }
        // Safe: both have room for a wire image.
        cell.wirePointer.copyMemory(
            from: storage + (index * Self.stride + Self.wireOffset), byteCount: CellsSpec.cellLength)
        return cell
    }

    /// Forgets everything.
    func clear() {
        count = 0
        messages.removeAll(keepingCapacity: true)
    }

    private func next(_ kind: Kind) -> UnsafeMutableRawPointer {
        precondition(!isFull)
        let record = storage + count * Self.stride
        record.storeBytes(of: kind.rawValue, as: UInt8.self)
        count += 1
        return record
    }
}
