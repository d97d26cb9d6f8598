internal import CPlatform

/// A module's machine code, executable and no longer writable.
///
/// Immutable after `init`, and every instance keeps its module alive: hence safe to share.
final class CompiledCode: @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer
    private let mappedSize: Int
    private let offsets: [UInt32]
    /// Where a call from the host enters.
    var trampoline: UnsafeRawPointer { UnsafeRawPointer(memory) }
    /// Native addresses of the functions that programs hold handles of, padded to a power of two.
    let functionAddresses: UnsafeMutablePointer<UInt64>
    /// Bytes of code.
    let size: Int

    /// Takes over the mapping; `offsets` has the place of each slot's code.
    init(memory: UnsafeMutableRawPointer, mappedSize: Int, size: Int, offsets: [UInt32], functionTable: [Int]) {
        self.memory = memory
        self.mappedSize = mappedSize
        self.size = size
        self.offsets = offsets
        let padded = Self.paddedCount(functionTable.count)
        functionAddresses = .allocate(capacity: padded)
        functionAddresses.initialize(repeating: 0, count: padded)
        for (place, slot) in functionTable.enumerated() {
            functionAddresses[place] = UInt64(UInt(bitPattern: memory)) + UInt64(offsets[slot])
        }
    }

    deinit {
        fanion_ebpf_unmap(memory, UInt64(mappedSize))
        functionAddresses.deallocate()
    }

    /// The table's length: a power of two, so that an index can be masked into it.
    static func paddedCount(_ count: Int) -> Int {
        var padded = 1
        while padded < count { padded *= 2 }
        return padded
    }

    /// The code, for a disassembler.
    // Safe: the mapping is readable and at least `size` long.
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: memory, count: size)) }

    /// The native address of a function.
    func address(of slot: Int) -> UInt { UInt(bitPattern: memory) + UInt(offsets[slot]) }
}
