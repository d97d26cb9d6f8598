/// What `alloc` and `free` hand out of an arena's heap: pieces of powers of two, from 16 bytes.
///
/// The books are kept on the host's side, so nothing that a program writes can confuse them.
struct ArenaHeap {
    private var next: Int
    private let end: Int
    /// Addresses that are free, by the power of two.
    private var free: [[Int]] = []
    /// The power of two of each piece that is out.
    private var taken: [Int: Int] = [:]

    init(_ range: Range<Int>) {
        next = range.lowerBound
        end = range.upperBound
    }

    /// A piece of at least so many bytes; nil if there is none, or `size` is none.
    ///
    /// - Returns: its address and size.
    mutating func take(_ size: UInt64) -> Range<Int>? {
        guard size > 0, size <= UInt64(end), let bytes = Int(exactly: size) else { return nil }
        let power = max(4, Int.bitWidth - (bytes - 1).leadingZeroBitCount)
        let length = 1 << power
        let address: Int
        if power < free.count, let old = free[power].popLast() {
            address = old
        } else {
            guard length <= end - next else { return nil }
            address = next
            next += length
        }
        taken[address] = power
        return address..<address + length
    }

    /// Gives a piece back.
    mutating func giveBack(_ address: UInt64) -> Bool {
        guard let address = Int(exactly: address), let power = taken.removeValue(forKey: address) else { return false }
        while free.count <= power { free.append([]) }
        free[power].append(address)
        return true
    }
}
