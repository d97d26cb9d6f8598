/// All hashes of a log's entries: gives the root and every proof at any earlier size.
///
/// Whole subtrees are kept, level by level, so that each answer costs a few hashes however long the log is.
package struct MerkleTree: Sendable {
    /// `levels[k][i]` is the hash of entries `i * 2^k` up to `(i + 1) * 2^k`.
    private var levels: [[MerkleHash]] = [[]]

    /// No entries.
    package init() {}

    /// Entries so far.
    package var size: UInt64 { UInt64(levels[0].count) }

    /// Adds an entry's hash.
    package mutating func append(_ leaf: MerkleHash) {
        var hash = leaf
        var level = 0
        levels[0].append(hash)
        while levels[level].count.isMultiple(of: 2) {
            hash = .node(levels[level][levels[level].count - 2], hash)
            level += 1
            if level == levels.count { levels.append([]) }
            levels[level].append(hash)
        }
    }

    /// An entry's hash; nil beyond the end.
    package func leaf(_ index: UInt64) -> MerkleHash? {
        index < size ? levels[0][Int(index)] : nil
    }

    /// The hash of a whole subtree: `count` is a power of two, `start` a multiple of it; nil if there are fewer entries.
    package func subtree(from start: UInt64, count: UInt64) -> MerkleHash? {
        guard count > 0, count & (count - 1) == 0, start.isMultiple(of: count), start < size, count <= size - start
        else { return nil }
        return levels[count.trailingZeroBitCount][Int(start / count)]
    }

    /// The root of the first `size` entries; nil if there are fewer.
    package func root(size: UInt64) -> MerkleHash? {
        guard size <= self.size else { return nil }
        return size == 0 ? .empty : hash(0..<Int(size))
    }

    /// RFC 6962 §2.1.1: proves that an entry is among the first `size`; nil if it is not.
    package func inclusionProof(of index: UInt64, size: UInt64) -> [MerkleHash]? {
        guard index < size, size <= self.size else { return nil }
        var proof: [MerkleHash] = []
        var range = 0..<Int(size)
        while range.count > 1 {
            let middle = range.lowerBound + Self.split(range.count)
            if index < middle {
                proof.append(hash(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(hash(range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        return proof.reversed()
    }

    /// RFC 6962 §2.1.2: proves that the first `old` entries of the first `size` are what they were; nil if there are fewer.
    package func consistencyProof(from old: UInt64, to size: UInt64) -> [MerkleHash]? {
        guard old <= size, size <= self.size else { return nil }
        guard old > 0, old < size else { return [] }
        var proof: [MerkleHash] = []
        var range = 0..<Int(size)
        let end = Int(old)
        // Whether the old root is itself a node that the verifier has.
        var isWhole = true
        while range.upperBound != end {
            let middle = range.lowerBound + Self.split(range.count)
            if end <= middle {
                proof.append(hash(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                proof.append(hash(range.lowerBound..<middle))
                range = middle..<range.upperBound
                isWhole = false
            }
        }
        if !isWhole { proof.append(hash(range)) }
        return proof.reversed()
    }

    /// The hash of a range that is not empty and that the tree of some size splits off.
    private func hash(_ range: Range<Int>) -> MerkleHash {
        let count = range.count
        if count & (count - 1) == 0 { return levels[count.trailingZeroBitCount][range.lowerBound / count] }
        let middle = range.lowerBound + Self.split(count)
        return .node(hash(range.lowerBound..<middle), hash(middle..<range.upperBound))
    }

    /// RFC 6962 §2.1: the largest power of two smaller than `count`, which is two at least.
    private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }
}
