import EBPF
import Glibc

/// Three instances side by side in memory: the outer two full of one byte, the one in the middle to be run.
///
/// Whatever a program does, the outer ones stay as they are.
final class Neighbourhood {
    private var before: Instance
    private var after: Instance
    /// The one in the middle.
    var instance: Instance
    private let mark: UInt8

    init(of module: Module, mark: UInt8) throws {
        let pool = ArenaPool()
        var before = try Instance(of: module, in: pool)
        let instance = try Instance(of: module, in: pool)
        var after = try Instance(of: module, in: pool)
        var memory = before.mutableMemory
        memory.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { memset(start, Int32(mark), bytes.count) }
        }
        memory = after.mutableMemory
        memory.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { memset(start, Int32(mark), bytes.count) }
        }
        self.before = before
        self.after = after
        self.instance = instance
        self.mark = mark
    }

    /// Whether nobody has written to the outer ones.
    var isIntact: Bool { isFull(before) && isFull(after) }

    private func isFull(_ instance: borrowing Instance) -> Bool {
        // The first byte is right, and each byte is as the one before it.
        instance.memory.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes[0] == mark else { return false }
            return memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }
}
