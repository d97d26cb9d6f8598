package import Cells

/// All that we know of one log: its entries' hashes up to the largest checkpoint that continued the one before, its lists, and
/// whether it has ever shown two histories.
///
/// Because every entry up to the checkpoint is here, any other checkpoint of the log can be judged without asking anybody: its root
/// is right or it is not. Reading every entry is also what keeps a log from hiding a revocation. No I/O: bytes come as arguments.
package struct LogMirror: Sendable {
    /// Two checkpoints that the log signed and that cannot both be true.
    package struct Fork: Hashable, Sendable {
        /// What we had.
        package let known: [UInt8]
        /// What came.
        package let other: [UInt8]

        /// Two notes.
        package init(known: [UInt8], other: [UInt8]) {
            self.known = known
            self.other = other
        }
    }

    /// What became of a checkpoint that came with entries.
    package enum Outcome: Hashable, Sendable {
        /// It continues what we had.
        case advanced
        /// It is what we have, perhaps with newer cosignatures.
        case unchanged
        /// It is older than what we have, and part of it.
        case older
        /// The entries do not lead to it: damaged on the way, or another history. To be fetched again from the beginning.
        case mismatch
        /// It is not signed by the log, or more than we follow.
        case refused
        /// The log has shown two histories; it is refused from now on.
        case forked
    }

    /// The log.
    package let log: TrustPolicy.Log
    /// Hashes of every entry up to the checkpoint.
    package private(set) var tree = MerkleTree()
    /// The largest checkpoint; nil until the first.
    package private(set) var checkpoint: Checkpoint?
    /// Set once, for good.
    package private(set) var fork: Fork?
    /// Recommended sets by number. The first of a number counts.
    package private(set) var sets: [UInt32: RecommendedSet] = [:]
    /// Everything that was ever revoked.
    package private(set) var revoked: Set<[UInt8]> = []
    /// When the newest list of revocations was made.
    package private(set) var newestRevocations: WallTime?
    /// Where plugins are.
    package private(set) var places: [[UInt8]: UInt64] = [:]

    /// Nothing is known yet; or only that the log is not to be trusted.
    package init(_ log: TrustPolicy.Log, fork: Fork? = nil) {
        self.log = log
        self.fork = fork
    }

    /// Entries up to the checkpoint.
    package var size: UInt64 { tree.size }

    /// A checkpoint came from the log, and the entries from `size` on that it counts.
    package mutating func take(_ bytes: [UInt8], entries: [[UInt8]]) -> Outcome {
        guard let next = try? Checkpoint(bytes: bytes), next.isSigned(by: log.key), next.size <= TrustLimits.logEntries
        else { return .refused }
        if fork != nil { return .forked }
        if let root = tree.root(size: next.size), let known = checkpoint {
            guard root == next.root else {
                noteFork(known, next)
                return .forked
            }
            guard next.size == size else { return .older }
            // With whatever cosignatures it has now.
            checkpoint = next
            return .unchanged
        }
        guard UInt64(entries.count) >= next.size - size else { return .mismatch }
        var tree = tree
        let fresh = entries.prefix(Int(next.size - size))
        for entry in fresh { tree.append(.leaf(entry)) }
        guard tree.root(size: next.size) == next.root else { return .mismatch }
        for (offset, entry) in fresh.enumerated() { read(entry, at: size + UInt64(offset)) }
        self.tree = tree
        checkpoint = next
        return .advanced
    }

    /// The same after a mismatch, with all entries of the log from the first on: tells damage from a second history.
    package mutating func takeWhole(_ bytes: [UInt8], entries: [[UInt8]]) -> Outcome {
        var other = LogMirror(log)
        guard other.take(bytes, entries: entries) == .advanced, let next = other.checkpoint else { return .mismatch }
        guard let known = checkpoint else {
            self = other
            return .advanced
        }
        // Both roots are signed; the entries lead to the new one, and their beginning not to ours.
        guard next.size >= known.size, other.tree.root(size: known.size) != known.root else { return .mismatch }
        noteFork(known, next)
        return .forked
    }

    /// A checkpoint came with a plugin: whether it is part of what we have read.
    package enum Standing: Hashable, Sendable {
        /// It is.
        case known
        /// It counts more entries than we have read.
        case ahead
        /// It is another history.
        case forked
    }

    /// Judges a checkpoint that is signed by the log.
    package func judge(_ other: Checkpoint) -> Standing {
        if fork != nil { return .forked }
        guard checkpoint != nil, let root = tree.root(size: other.size) else { return .ahead }
        return root == other.root ? .known : .forked
    }

    /// Keeps a checkpoint that `judge` has called another history, and refuses the log from now on.
    package mutating func noteFork(_ other: Checkpoint) {
        guard fork == nil, let known = checkpoint, judge(other) == .forked else { return }
        noteFork(known, other)
    }

    /// Proof of a plugin's place up to our checkpoint; nil if it is not there.
    package func evidence(for identity: [UInt8]) -> Evidence.Logged? {
        guard fork == nil, let checkpoint, let index = places[identity],
            let proof = tree.inclusionProof(of: index, size: checkpoint.size)
        else { return nil }
        return Evidence.Logged(
            origin: log.key.name, index: index, proof: proof, checkpoint: checkpoint.note.bytes)
    }

    private mutating func noteFork(_ known: Checkpoint, _ other: Checkpoint) {
        fork = Fork(known: known.note.bytes, other: other.note.bytes)
    }

    private mutating func read(_ entry: [UInt8], at index: UInt64) {
        switch LogEntry(entry, log: log.key) {
        case .plugin(let identity): if places[identity] == nil { places[identity] = index }
        case .set(let set): if sets[set.number] == nil { sets[set.number] = set }
        case .revocations(let list):
            revoked.formUnion(list.identities)
            newestRevocations = max(newestRevocations ?? list.time, list.time)
        case .unknown: break
        }
    }
}
