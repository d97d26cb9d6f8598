internal import Cells

/// Finds a stream's slot by its ID: open addressing with linear probing, a word per place.
///
/// A dictionary would hash with SipHash and cost a node; an array by ID would cost 128 KiB a circuit. Here an empty index
/// owns nothing, a lookup allocates nothing, and a circuit with three streams has 32 bytes. A peer that chooses IDs to
/// collide gets runs of at most 64 of them per place on its own circuit.
struct StreamIndex: ~Copyable {
    /// ID in the upper half, slot + 1 in the lower; 0 is free. A power of two, at most half of it taken.
    private var places: [UInt32] = []
    private var count = 0

    /// The slot of a stream.
    func slot(of id: StreamID) -> Int? {
        guard count > 0, let place = place(of: id) else { return nil }
        return Int(places[place] & 0xFFFF) - 1
    }

    /// Adds a stream that is not there yet. `slot` must be below 65,535.
    mutating func insert(_ id: StreamID, slot: Int) {
        if (count + 1) * 2 > places.count { grow() }
        put(UInt32(id.rawValue) << 16 | UInt32(slot + 1))
        count += 1
    }

    /// Takes a stream out.
    mutating func remove(_ id: StreamID) {
        guard count > 0, var hole = place(of: id) else { return }
        count -= 1
        let mask = places.count - 1
        var next = hole
        while true {
            next = (next + 1) & mask
            guard places[next] != 0 else { break }
            // An entry moves back into the hole unless its own place lies between the hole and where it is.
            let distance = (next &- home(places[next])) & mask
            if distance >= (next &- hole) & mask {
                places[hole] = places[next]
                hole = next
            }
        }
        places[hole] = 0
    }

    private func place(of id: StreamID) -> Int? {
        let mask = places.count - 1
        var place = home(UInt32(id.rawValue) << 16)
        while places[place] != 0 {
            if places[place] >> 16 == UInt32(id.rawValue) { return place }
            place = (place + 1) & mask
        }
        return nil
    }

    /// Where an entry belongs (Fibonacci hashing of the ID). Wrapping is the hash.
    private func home(_ entry: UInt32) -> Int {
        Int(((entry >> 16) &* 0x9E37_79B1) >> UInt32(32 - places.count.trailingZeroBitCount))
    }

    private mutating func put(_ entry: UInt32) {
        let mask = places.count - 1
        var place = home(entry)
        while places[place] != 0 { place = (place + 1) & mask }
        places[place] = entry
    }

    private mutating func grow() {
        let old = places
        places = [UInt32](repeating: 0, count: max(8, old.count * 2))
        for entry in old where entry != 0 { put(entry) }
    }
}
