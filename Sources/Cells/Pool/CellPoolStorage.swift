/// What a pool and its cells share, at an address that never changes: cells hold it by a raw pointer, not a reference.
///
/// It outlives its `CellPool` until the last cell has come home.
@usableFromInline
package struct CellPoolStorage: ~Copyable {
    /// The first free slot; each one holds the next at `freeLinkOffset`.
    @usableFromInline package var firstFree: UnsafeMutableRawPointer?
    /// The slabs by number; nil where one has been given back. Room for `slabCapacity` of them.
    @usableFromInline package var slabs: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    @usableFromInline package var slabCapacity: Int
    /// Slab numbers in use lie below this.
    @usableFromInline package var slabCount = 0
    /// Slots that are somebody's.
    @usableFromInline package var liveCount = 0
    /// Slots there are.
    @usableFromInline package var slotCount = 0
    /// True once the pool is gone.
    @usableFromInline package var isOrphan = false
    private let budget: MemoryBudget

    /// Where in a slot the next queued slot's index stands.
    @inlinable static var nextOffset: Int { 0 }
    /// Where in a slot the time stands at which it was queued.
    @inlinable static var enqueuedOffset: Int { 4 }
    /// Where in a slot its own index stands.
    @inlinable static var indexOffset: Int { 8 }
    /// Where in a slot its owner's note stands.
    @inlinable static var markOffset: Int { 12 }
    /// Where in a free slot the next free one's address stands.
    @inlinable static var freeLinkOffset: Int { 16 }

    init(budget: MemoryBudget) {
        self.budget = budget
        slabCapacity = 16
        // Safe: freed in deinit; every entry is initialised here or in `growTable`.
        slabs = .allocate(capacity: slabCapacity)
        slabs.initialize(repeating: nil, count: slabCapacity)
    }

    deinit {
        // Safe: no cell is left (`CellPool.deinit` and `giveBack` see to that), so nobody points into a slab.
        for number in 0..<slabCount {
            guard let slab = slabs[number] else { continue }
            slab.deallocate()
            budget.refund(CellsLimits.slabBytes)
        }
        slabs.deallocate()
    }

    /// The address of a slot.
    @inlinable
    package func slot(_ index: CellIndex) -> UnsafeMutableRawPointer {
        let number = Int(index.rawValue >> CellsLimits.slabShift)
        precondition(number < slabCount)
        guard let slab = slabs[number] else { preconditionFailure("index of a cell that is not there") }
        let place = Int(index.rawValue) & (CellsLimits.slotsPerSlab - 1)
        // Safe: the slab has `slotsPerSlab` slots.
        return slab + place * CellsLimits.slotStride
    }

    /// Takes a free slot; nil if the budget is spent.
    @inlinable
    package mutating func take() -> UnsafeMutableRawPointer? {
        if firstFree == nil, !grow() { return nil }
        guard let slot = firstFree else { return nil }
        // Safe: a free slot holds the address of the next, or null. Its offset is a multiple of eight.
        firstFree = slot.load(fromByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
        slot.storeBytes(of: 0, toByteOffset: Self.markOffset, as: UInt8.self)
        liveCount &+= 1  // Never more than the slots there are.
        return slot
    }

    /// Puts a slot back; true if it was the last one of a pool that is gone.
    @inlinable
    package mutating func giveBack(_ slot: UnsafeMutableRawPointer) -> Bool {
        // Safe: the slot is ours and nobody's now.
        slot.storeBytes(of: firstFree, toByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
        firstFree = slot
        liveCount &-= 1  // One was taken before.
        return isOrphan && liveCount == 0
    }

    /// Adds a slab; false if the budget is spent.
    @usableFromInline
    @inline(never)
    package mutating func grow() -> Bool {
        var number = 0
        while number < slabCount, slabs[number] != nil { number += 1 }
        guard number < CellsLimits.slabs, budget.charge(CellsLimits.slabBytes) else { return false }
        if number == slabCount {
            if slabCount == slabCapacity { growTable() }
            slabCount += 1
        }
        // Safe: aligned to a cache line; freed in deinit or `trim`.
        let slab = UnsafeMutableRawPointer.allocate(byteCount: CellsLimits.slabBytes, alignment: 64)
        slabs[number] = slab
        for place in stride(from: CellsLimits.slotsPerSlab - 1, through: 0, by: -1) {
            let slot = slab + place * CellsLimits.slotStride
            let index = UInt32(number) << CellsLimits.slabShift | UInt32(place)
            slot.storeBytes(of: index, toByteOffset: Self.indexOffset, as: UInt32.self)
            slot.storeBytes(of: firstFree, toByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
            firstFree = slot
        }
        slotCount += CellsLimits.slotsPerSlab
        return true
    }

    private mutating func growTable() {
        let larger = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: slabCapacity * 2)
        larger.initialize(repeating: nil, count: slabCapacity * 2)
        for number in 0..<slabCount { larger[number] = slabs[number] }
        slabs.deallocate()
        slabs = larger
        slabCapacity *= 2
    }

    /// Gives slabs back that hold no cell, all but `keeping` free slots' worth.
    mutating func trim(keeping: Int) {
        var freeInSlab = [Int](repeating: 0, count: slabCount)
        var slot = firstFree
        while let free = slot {
            // Safe: as in `take`.
            freeInSlab[Self.slabNumber(of: free)] += 1
            slot = free.load(fromByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
        }
        var spare = slotCount - liveCount - keeping
        var isLeaving = [Bool](repeating: false, count: slabCount)
        for number in (0..<slabCount).reversed() {
            guard spare >= CellsLimits.slotsPerSlab, freeInSlab[number] == CellsLimits.slotsPerSlab else { continue }
            isLeaving[number] = true
            spare -= CellsLimits.slotsPerSlab
        }
        unlinkFreeSlots(of: isLeaving)
        for number in 0..<slabCount where isLeaving[number] {
            // Safe: all its slots were free and are no longer in the list.
            slabs[number]?.deallocate()
            slabs[number] = nil
            slotCount -= CellsLimits.slotsPerSlab
            budget.refund(CellsLimits.slabBytes)
        }
        while slabCount > 0, slabs[slabCount - 1] == nil { slabCount -= 1 }
    }

    private mutating func unlinkFreeSlots(of isLeaving: [Bool]) {
        var kept: UnsafeMutableRawPointer?
        var slot = firstFree
        while let free = slot {
            slot = free.load(fromByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
            guard !isLeaving[Self.slabNumber(of: free)] else { continue }
            free.storeBytes(of: kept, toByteOffset: Self.freeLinkOffset, as: UnsafeMutableRawPointer?.self)
            kept = free
        }
        firstFree = kept
    }

    private static func slabNumber(of slot: UnsafeMutableRawPointer) -> Int {
        Int(slot.load(fromByteOffset: indexOffset, as: UInt32.self) >> CellsLimits.slabShift)
    }
}
