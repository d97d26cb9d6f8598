/// Checks the two proofs of RFC 6962, as RFC 9162 §2.1.3.2 and §2.1.4.2 spell it out.
package enum MerkleProof {
    /// Whether `proof` shows that `leaf` is entry number `index` of the tree with this size and root.
    package static func isIncluded(
        _ leaf: MerkleHash, at index: UInt64, size: UInt64, root: MerkleHash, proof: [MerkleHash]
    ) -> Bool {
        guard index < size else { return false }
        var node = index
        var last = size - 1
        var hash = leaf
        for sibling in proof {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = .node(sibling, hash)
                skipLonely(&node, &last)
            } else {
                hash = .node(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// Whether `proof` shows that the tree of the first size and root is the beginning of the other.
    package static func isConsistent(
        from old: UInt64, _ oldRoot: MerkleHash, to size: UInt64, _ root: MerkleHash, proof: [MerkleHash]
    ) -> Bool {
        guard old <= size else { return false }
        if old == size { return proof.isEmpty && oldRoot == root }
        // Every tree begins with nothing.
        if old == 0 { return proof.isEmpty && oldRoot == .empty }
        var path = proof[...]
        var node = old - 1
        var last = size - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        let seed: MerkleHash
        if old & (old - 1) == 0 {
            seed = oldRoot
        } else {
            guard let first = path.popFirst() else { return false }
            seed = first
        }
        var oldHash = seed
        var hash = seed
        for sibling in path {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                oldHash = .node(sibling, oldHash)
                hash = .node(sibling, hash)
                skipLonely(&node, &last)
            } else {
                hash = .node(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == oldRoot && hash == root
    }

    /// A last node without a sibling goes up as it is, until it is a right child.
    private static func skipLonely(_ node: inout UInt64, _ last: inout UInt64) {
        while node & 1 == 0, node != 0 {
            node >>= 1
            last >>= 1
        }
    }
}
