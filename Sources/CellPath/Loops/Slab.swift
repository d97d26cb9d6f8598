/// Which element of a slab: a place, and how often the place has been taken. Stale ones are recognised.
struct SlabHandle: Hashable, Sendable, BitwiseCopyable {
    /// The place.
    let slot: UInt32
    /// Odd while the element lives.
    let generation: UInt32

    /// Nobody.
    static let none = SlabHandle(slot: .max, generation: 0)
}

/// Elements at addresses that never change, found by number: circuits, legs and channels of one event loop.
///
/// A pointer costs a shift and an add, and no reference count. Chunks stay until the slab goes.
struct Slab<Element: ~Copyable>: ~Copyable {
    private static var chunkShift: UInt32 { 6 }
    private static var chunkCount: Int { 1 << 6 }

    private var chunks: [UnsafeMutablePointer<Element>] = []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []
    /// How many elements live.
    private(set) var count = 0

    init() {}

    deinit {
        for slot in generations.indices where generations[slot] & 1 == 1 {
            pointer(UInt32(slot)).deinitialize(count: 1)
        }
        for chunk in chunks { chunk.deallocate() }
    }

    /// Takes an element in.
    mutating func insert(_ element: consuming Element) -> SlabHandle {
        if free.isEmpty { grow() }
        let slot = free.removeLast()
        // Safe: a free place is not initialised.
        pointer(slot).initialize(to: element)
        generations[Int(slot)] &+= 1  // Wraps after 2^31 uses of one place; a handle so old is long forgotten.
        count += 1
        return SlabHandle(slot: slot, generation: generations[Int(slot)])
    }

    /// Where an element is; the place must be taken.
    @inline(__always)
    func pointer(_ slot: UInt32) -> UnsafeMutablePointer<Element> {
        chunks[Int(slot >> Self.chunkShift)] + Int(slot) & (Self.chunkCount - 1)
    }

    /// Where an element is; nil if it is there no longer.
    @inline(__always)
    func pointer(_ handle: SlabHandle) -> UnsafeMutablePointer<Element>? {
        guard Int(handle.slot) < generations.count, generations[Int(handle.slot)] == handle.generation else {
            return nil
        }
        return pointer(handle.slot)
    }

    /// The handle of the element at a place that is taken.
    @inline(__always)
    func handle(_ slot: UInt32) -> SlabHandle {
        SlabHandle(slot: slot, generation: generations[Int(slot)])
    }

    /// Takes an element out.
    mutating func remove(_ slot: UInt32) -> Element {
        precondition(generations[Int(slot)] & 1 == 1)
        generations[Int(slot)] &+= 1
        free.append(slot)
        count -= 1
        // Safe: the place was taken, as just checked.
        return pointer(slot).move()
    }

    /// The places that are taken.
    var slots: [UInt32] {
        generations.indices.filter { generations[$0] & 1 == 1 }.map { UInt32($0) }
    }

    private mutating func grow() {
        let first = UInt32(generations.count)
        chunks.append(.allocate(capacity: Self.chunkCount))
        generations.append(contentsOf: repeatElement(0, count: Self.chunkCount))
        for place in (0..<UInt32(Self.chunkCount)).reversed() { free.append(first + place) }
    }
}
