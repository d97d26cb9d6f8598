internal import CPlatform

/// Memory that machine code is written into and that then becomes executable: never both at once.
struct CodeBuffer: ~Copyable {
    // Safe: `start` and `capacity` are one mapping of ours; every emitter asks `hasRoom` first.
    let start: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var position = 0

    /// Room for so many bytes, or nil where the system has none.
    init?(capacity: Int) {
        let bytes = (capacity + 4095) / 4096 * 4096
        guard let memory = fanion_ebpf_map(UInt64(bytes)) else { return nil }
        start = memory
        self.capacity = bytes
    }

    deinit { fanion_ebpf_unmap(start, UInt64(capacity)) }

    func hasRoom(_ bytes: Int) -> Bool { capacity - position >= bytes }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        start.storeBytes(of: value, toByteOffset: position, as: UInt8.self)
        position &+= 1  // Cannot wrap: below the capacity.
    }

    @inline(__always)
    mutating func word(_ value: Int32) {
        start.storeBytes(of: value, toByteOffset: position, as: Int32.self)
        position &+= 4
    }

    mutating func long(_ value: UInt64) {
        start.storeBytes(of: value, toByteOffset: position, as: UInt64.self)
        position &+= 8
    }

    /// Makes the four bytes at a place the distance from behind them to a target.
    mutating func link(_ place: Int, to target: Int) {
        start.storeBytes(of: Int32(truncatingIfNeeded: target - place - 4), toByteOffset: place, as: Int32.self)
    }

    /// Makes the byte at a place the distance from behind it to here.
    mutating func linkShort(_ place: Int) {
        start.storeBytes(of: Int8(truncatingIfNeeded: position - place - 1), toByteOffset: place, as: Int8.self)
    }

    /// Hands the code over, executable and no longer writable; nil where the system forbids that.
    consuming func seal() -> (memory: UnsafeMutableRawPointer, size: Int)? {
        let used = (position + 4095) / 4096 * 4096
        let (start, capacity) = (start, capacity)
        guard fanion_ebpf_make_executable(start, UInt64(used)) == 0 else {
            _ = consume self
            return nil
        }
        discard self
        if capacity > used { fanion_ebpf_unmap(start + used, UInt64(capacity - used)) }
        return (start, used)
    }
}
