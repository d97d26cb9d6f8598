import Cells
import Testing

@testable import Trust

/// A log with its key, its entries and two witnesses, and a plugin that is in it.
struct TestLog {
    let key: SigningKey
    let witnesses: [SigningKey]
    var entries: [[UInt8]] = []

    static let now = WallTime(seconds: 1_800_000_000)

    init(origin: String = "log.example/plugins", witnesses: Int = 2) throws {
        key = try #require(SigningKey.make(name: origin, kind: .note)).key
        self.witnesses = try (0..<witnesses).map {
            try #require(SigningKey.make(name: "w\($0).example", kind: .cosignature)).key
        }
    }

    var log: TrustPolicy.Log { TrustPolicy.Log(name: "log1", key: key.verifier) }

    var freshness: FreshnessRule {
        FreshnessRule(
            witnesses: witnesses.map(\.verifier), witnessesNeeded: witnesses.count, checkpointAge: 1000,
            revocationAge: 5000)
    }

    var tree: MerkleTree {
        var tree = MerkleTree()
        for entry in entries { tree.append(.leaf(entry)) }
        return tree
    }

    mutating func add(_ identity: [UInt8]) { entries.append(PluginSignature.message(identity)) }

    mutating func add(list text: [UInt8], signer: SigningKey? = nil) throws {
        let note = try #require(
            SignedNote(text: text, signatures: [(signer ?? key).sign(text, at: Self.now)]))
        entries.append(note.bytes)
    }

    mutating func add(set number: UInt32, _ slots: [UInt8: [UInt8]]) throws {
        try add(list: RecommendedSet(origin: key.verifier.name, number: number, slots: slots).text)
    }

    mutating func revoke(_ identities: [[UInt8]] = [], at time: WallTime = now) throws {
        try add(list: RevocationList(origin: key.verifier.name, time: time, identities: identities).text)
    }

    /// A checkpoint of the first entries, cosigned at a time.
    func checkpoint(
        size: Int? = nil, seen time: WallTime? = now, by witnessCount: Int? = nil, signer: SigningKey? = nil
    ) throws -> [UInt8] {
        let size = UInt64(size ?? entries.count)
        let root = try #require(tree.root(size: size))
        var checkpoint = try #require(Checkpoint(origin: key.verifier.name, size: size, root: root))
        let text = checkpoint.note.text
        checkpoint.note.signatures = [(signer ?? key).sign(text, at: Self.now)]
        if let time {
            for witness in witnesses.prefix(witnessCount ?? witnesses.count) {
                checkpoint.note.signatures.append(witness.sign(text, at: time))
            }
        }
        return checkpoint.note.bytes
    }

    /// What has been read of it.
    func mirror(size: Int? = nil) throws -> LogMirror {
        var mirror = LogMirror(log)
        #expect(
            try mirror.take(checkpoint(size: size), entries: Array(entries.prefix(size ?? entries.count))) == .advanced)
        return mirror
    }

    func logged(_ index: Int, checkpoint: [UInt8]? = nil, size: Int? = nil) throws -> Evidence.Logged {
        let size = UInt64(size ?? entries.count)
        return Evidence.Logged(
            origin: key.verifier.name, index: UInt64(index),
            proof: try #require(tree.inclusionProof(of: UInt64(index), size: size)),
            checkpoint: try checkpoint ?? self.checkpoint(size: Int(size)))
    }
}

func identity(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 32) }
