internal import CPlatform

/// Slots for arenas, kept and cleaned between instances so that a new one costs no system call.
///
/// A slot is the host's state, the arena, and a few spare bytes. Slots of a size come in slabs and never go back to the
/// system while the pool lives. A pool belongs to one thread or event loop, and so do the instances it feeds.
public final class ArenaPool {
    /// Why there is no slot.
    public enum Exhausted: Error, Equatable, Sendable {
        /// The pool's limit would be exceeded.
        case limitReached
        /// The system has no memory.
        case outOfMemory
    }

    private struct Size {
        var free: [UnsafeMutableRawPointer] = []
        var mapped = 0
    }

    private var sizes: [Int: Size] = [:]
    private var slabs: [(memory: UnsafeMutableRawPointer, size: Int)] = []
    /// Bytes mapped at most.
    private let limit: Int
    private var mapped = 0

    /// A pool that maps at most `limit` bytes.
    public init(limit: Int = .max) { self.limit = limit }

    deinit {
        for slab in slabs { fanion_ebpf_unmap(slab.memory, UInt64(slab.size)) }
    }

    /// Bytes mapped for slots, in use or free.
    public var mappedBytes: Int { mapped }

    /// Makes sure that `count` more slots of this arena size are at hand.
    public func reserve(_ count: Int, arenaSize: Int) throws(Exhausted) {
        while (sizes[arenaSize]?.free.count ?? 0) < count { try grow(arenaSize) }
    }

    private static func slotSize(_ arenaSize: Int) -> Int {
        (Int(FANION_EBPF_STATE_SIZE) + arenaSize + Limits.spareBytes + 63) / 64 * 64
    }

    private func grow(_ arenaSize: Int) throws(Exhausted) {
        let slot = Self.slotSize(arenaSize)
        let count = max(1, Limits.slabBytes / slot)
        let bytes = (slot * count + 4095) / 4096 * 4096
        guard bytes <= limit - mapped else { throw .limitReached }
        guard let memory = fanion_ebpf_map(UInt64(bytes)) else { throw .outOfMemory }
        slabs.append((memory, bytes))
        mapped += bytes
        var size = sizes[arenaSize] ?? Size()
        size.free.reserveCapacity(size.free.count + count)
        for index in (0..<count).reversed() { size.free.append(memory + index * slot) }
        size.mapped += count
        sizes[arenaSize] = size
    }

    /// A slot, all zeros.
    func take(arenaSize: Int) throws(Exhausted) -> UnsafeMutablePointer<fanion_ebpf_state> {
        if sizes[arenaSize]?.free.isEmpty ?? true { try grow(arenaSize) }
        guard let slot = sizes[arenaSize]?.free.popLast() else { throw .outOfMemory }
        // Safe: a slot begins with room for the state, aligned to 64.
        return slot.assumingMemoryBound(to: fanion_ebpf_state.self)
    }

    /// Writes zeros, but only where there is something else: a page that no program wrote to is never made, so many idle
    /// instances cost a page or two each.
    private static func wipe(_ slot: UnsafeMutableRawPointer, _ bytes: Int) {
        // Safe: a slot's size is a multiple of 64, and so is each piece's.
        var place = 0
        while place < bytes {
            let count = min(wipedAtOnce, bytes - place)
            let words = UnsafeRawBufferPointer(start: slot + place, count: count).assumingMemoryBound(to: UInt64.self)
            var seen: UInt64 = 0
            for word in words { seen |= word }
            if seen != 0 { (slot + place).initializeMemory(as: UInt8.self, repeating: 0, count: count) }
            place += count
        }
    }
    private static let wipedAtOnce = 1024

    /// Takes a slot back and wipes it: the next tenant must not see what the last one wrote.
    func giveBack(_ state: UnsafeMutablePointer<fanion_ebpf_state>, arenaSize: Int) {
        let slot = UnsafeMutableRawPointer(state)
        let bytes = Self.slotSize(arenaSize)
        if arenaSize > Limits.zeroingBytes {
            // Whole pages go back to the system and come again as zeros; the edges, which others share, are written.
            let start = Int(bitPattern: slot)
            let firstPage = (start + 4095) / 4096 * 4096
            let lastPage = (start + bytes) / 4096 * 4096
            slot.initializeMemory(as: UInt8.self, repeating: 0, count: firstPage - start)
            fanion_ebpf_forget(slot + (firstPage - start), UInt64(lastPage - firstPage))
            (slot + (lastPage - start)).initializeMemory(as: UInt8.self, repeating: 0, count: start + bytes - lastPage)
        } else {
            Self.wipe(slot, bytes)
        }
        sizes[arenaSize]?.free.append(slot)
    }
}
