package import Cells

/// A log as its operator has it: all entries, and the static files that publish them (C2SP tlog-tiles). No I/O.
package struct PublishedLog: Sendable {
    /// A file under the log's URL.
    package struct File: Hashable, Sendable {
        /// Its path there.
        package let path: String
        /// What it holds.
        package let bytes: [UInt8]
    }

    /// Every entry.
    package private(set) var entries: [[UInt8]] = []
    /// Their hashes.
    package private(set) var tree = MerkleTree()
    /// How many entries the last checkpoint counts.
    private let published: UInt64

    /// A log with nothing in it.
    package init() { published = 0 }

    /// The log that a checkpoint speaks of; fails unless the entries lead to it.
    package init(_ checkpoint: Checkpoint, entries: [[UInt8]]) throws(TrustError) {
        published = checkpoint.size
        guard UInt64(entries.count) == checkpoint.size else {
            throw .checkpoint("counts \(checkpoint.size) entries, and there are \(entries.count)")
        }
        for entry in entries { append(entry) }
        guard tree.root(size: checkpoint.size) == checkpoint.root else {
            throw .checkpoint("has another root than the entries lead to")
        }
    }

    /// Adds an entry.
    package mutating func append(_ entry: [UInt8]) {
        entries.append(entry)
        tree.append(.leaf(entry))
    }

    /// Adds a signed list.
    package mutating func append(list text: [UInt8], signedBy key: SigningKey, at time: WallTime) throws(TrustError) {
        guard var note = SignedNote(text: text) else { throw .entry("is no plain text") }
        note.signatures = [key.sign(text, at: time)]
        let bytes = note.bytes
        guard bytes.count <= TrustLimits.noteBytes, LogEntry(bytes, log: key.verifier) != .unknown else {
            throw .entry("would be too long, or not understood: lists have at most 512 lines, slots go from 0 to 255")
        }
        append(bytes)
    }

    /// A plugin's place; nil if it is not there.
    package func place(of identity: [UInt8]) -> UInt64? {
        entries.firstIndex(of: PluginSignature.message(identity)).map { UInt64($0) }
    }

    /// The head of the tree as it is, signed.
    package func checkpoint(signedBy key: SigningKey, at time: WallTime) throws(TrustError) -> Checkpoint {
        guard let root = tree.root(size: tree.size),
            var checkpoint = Checkpoint(origin: key.verifier.name, size: tree.size, root: root)
        else { throw .checkpoint("cannot be made") }
        checkpoint.note.signatures = [key.sign(checkpoint.note.text, at: time)]
        return checkpoint
    }

    /// The files that the last checkpoint did not need; to be written before the new one is.
    package func newFiles() throws(TrustError) -> [File] {
        var files: [File] = []
        for tile in TilePath.tiles(from: published, to: tree.size) {
            guard let bytes = tree.contents(of: tile) else { throw .checkpoint("has no tile \(tile)") }
            files.append(File(path: tile.description, bytes: bytes))
        }
        for bundle in TilePath.bundles(from: published, to: tree.size) {
            let first = Int(bundle.index * TilePath.width)
            guard let bytes = EntryBundle.write(entries[first..<first + bundle.count]) else {
                throw .entry("is longer than 65535 bytes")
            }
            files.append(File(path: bundle.description, bytes: bytes))
        }
        return files
    }
}
