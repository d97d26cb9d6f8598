internal import Cells

/// What a circuit ID on a channel stands for, in this loop's slabs.
struct CircuitReference: Hashable, Sendable, BitwiseCopyable {
    /// Which slab.
    enum Kind: UInt32, Sendable {
        /// A circuit that the peer made: the channel is its clientward one.
        case relay = 0
        /// The exitward end of a circuit: its owner may be another loop.
        case leg = 1
        /// A circuit that starts here.
        case origin = 2
    }

    private let bits: UInt32

    @inline(__always)
    init(_ kind: Kind, _ slot: UInt32) {
        bits = kind.rawValue << 30 | slot
    }

    @inline(__always)
    fileprivate init(bits: UInt32) {
        self.bits = bits
    }

    @inline(__always) fileprivate var packed: UInt32 { bits }
    /// The slab.
    @inline(__always) var kind: Kind {
        switch bits >> 30 {
        case 0: .relay
        case 1: .leg
        default: .origin
        }
    }
    /// The place in it.
    @inline(__always) var slot: UInt32 { bits & 0x3FFF_FFFF }
}

/// The key cabinet of one channel: circuit IDs to circuits.
///
/// Open addressing with linear probing, eight bytes an entry, at most three quarters full; removal shifts followers back, so
/// that there are no tombstones. Among 50,000 circuits a look-up takes a few nanoseconds, where `Dictionary` takes 16.
struct CircuitTable: ~Copyable {
    private struct Entry {
        /// Zero in a free place: no circuit has that ID.
        var circuitID: UInt32
        var reference: UInt32
    }

    private var entries: UnsafeMutablePointer<Entry>?
    private var mask = -1
    /// How many circuit IDs are taken.
    private(set) var count = 0

    init() {}

    deinit { entries?.deallocate() }

    /// What this ID stands for.
    @inline(__always)
    subscript(_ circuitID: CircuitID) -> CircuitReference? {
        guard let entries else { return nil }
        var place = Self.hash(circuitID.rawValue) & mask
        // Safe: places are masked to the table, which always has a free one.
        while true {
            let entry = entries[place]
            if entry.circuitID == circuitID.rawValue {
                return circuitID == .zero ? nil : CircuitReference(bits: entry.reference)
            }
            if entry.circuitID == 0 { return nil }
            place = (place + 1) & mask
        }
    }

    /// Takes an ID that is free and not zero.
    mutating func insert(_ circuitID: CircuitID, _ reference: CircuitReference) {
        precondition(circuitID != .zero)
        if (count + 1) * 4 > (mask + 1) * 3 { grow() }
        put(Entry(circuitID: circuitID.rawValue, reference: reference.packed))
        count += 1
    }

    /// Frees an ID, if it is taken.
    mutating func remove(_ circuitID: CircuitID) {
        guard let entries, circuitID != .zero else { return }
        var hole = Self.hash(circuitID.rawValue) & mask
        while entries[hole].circuitID != circuitID.rawValue {
            if entries[hole].circuitID == 0 { return }
            hole = (hole + 1) & mask
        }
        count -= 1
        var place = hole
        while true {
            place = (place + 1) & mask
            let entry = entries[place]
            if entry.circuitID == 0 { break }
            // An entry may move back to the hole unless its own place lies cyclically behind it.
            let home = Self.hash(entry.circuitID) & mask
            if (place - home) & mask >= (place - hole) & mask {
                entries[hole] = entry
                hole = place
            }
        }
        entries[hole] = Entry(circuitID: 0, reference: 0)
    }

    /// Everything that is in it.
    var all: [(circuitID: CircuitID, reference: CircuitReference)] {
        guard let entries else { return [] }
        return (0...mask).compactMap { place in
            let entry = entries[place]
            guard entry.circuitID != 0 else { return nil }
            return (CircuitID(rawValue: entry.circuitID), CircuitReference(bits: entry.reference))
        }
    }

    private func put(_ entry: Entry) {
        guard let entries else { return }
        var place = Self.hash(entry.circuitID) & mask
        while entries[place].circuitID != 0 { place = (place + 1) & mask }
        entries[place] = entry
    }

    private mutating func grow() {
        let old = entries
        let oldCount = mask + 1
        let capacity = max(8, oldCount * 2)
        let fresh = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        fresh.initialize(repeating: Entry(circuitID: 0, reference: 0), count: capacity)
        entries = fresh
        mask = capacity - 1
        guard let old else { return }
        for place in 0..<oldCount where old[place].circuitID != 0 { put(old[place]) }
        old.deallocate()
    }

    /// Peers choose IDs, so they are mixed; whoever makes collisions slows down their own channel only.
    @inline(__always)
    private static func hash(_ value: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(value) &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }
}
