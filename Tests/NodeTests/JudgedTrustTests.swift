import Cells
import Foundation
import Hooks
import OnionCrypto
import PluginHost
import Testing
import Transport
import Trust

@testable import Node

/// What a relay answers to bundles that hostile clients send, with a policy of a key and a log.
@Suite struct JudgedTrustTests {
    private let author: SigningKey
    private let log: SigningKey
    private let witness: SigningKey
    private let file: [UInt8]
    private let identity: [UInt8]
    private let judge: TrustJudge
    private let shelf: PluginShelf
    private var published = PublishedLog()

    init() throws {
        author = try #require(SigningKey.make(name: "author", kind: .note)).key
        log = try #require(SigningKey.make(name: "log.example/plugins", kind: .note)).key
        witness = try #require(SigningKey.make(name: "w.example", kind: .cosignature)).key
        let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = Array(try Data(contentsOf: fixtures.appending(path: "PluginHostTests/Fixtures/visitor.o")))
        identity = SHA3_256.hash(file)
        published.append(PluginSignature.message(identity))
        let list = RevocationList(origin: log.verifier.name, time: .now, identities: [])
        try published.append(list: list.text, signedBy: log, at: .now)
        judge = TrustJudge(
            TrustPolicy(
                .rule(try TrustRule("author and log1")), keys: ["author": author.verifier.key],
                logs: [TrustPolicy.Log(name: "log1", key: log.verifier)],
                freshness: FreshnessRule(witnesses: [witness.verifier], witnessesNeeded: 1)))
        shelf = PluginShelf(
            PluginShelf.Rules(
                trust: JudgedTrust(judge: judge), keepsCode: true, doors: DoorSet(Hook.allCases.map { DoorSet($0) }),
                capabilities: .all))
        try read(published)
    }

    /// Has the relay read a log to its end.
    private func read(_ published: PublishedLog) throws {
        var mirror = LogMirror(TrustPolicy.Log(name: "log1", key: log.verifier))
        #expect(try mirror.take(checkpoint(published), entries: published.entries) == .advanced)
        judge.apply(mirror)
    }

    private func checkpoint(_ published: PublishedLog, seen time: WallTime = .now) throws -> [UInt8] {
        var checkpoint = try published.checkpoint(signedBy: log, at: .now)
        checkpoint.note.signatures.append(witness.sign(checkpoint.note.text, at: time))
        return checkpoint.note.bytes
    }

    private func evidence(
        by signer: SigningKey? = nil, in published: PublishedLog? = nil, seen time: WallTime = .now
    ) throws -> Evidence {
        let published = published ?? self.published
        let proof = try #require(published.tree.inclusionProof(of: 0, size: published.tree.size))
        return Evidence(
            signatures: [(signer ?? author).sign(plugin: identity)],
            logs: [
                Evidence.Logged(
                    origin: log.verifier.name, index: 0, proof: proof, checkpoint: try checkpoint(published, seen: time)
                )
            ])
    }

    private func outcome(_ evidence: Evidence) throws -> PluginShelf.Outcome {
        let bundle = PluginBundle(file: file, evidence: try #require(evidence.bytes))
        #expect(shelf.beginCompiling())
        return shelf.compile(bundle.bytes, identity: identity, bringer: .client)
    }

    private func reason(_ evidence: Evidence) throws -> PluginRefusal? {
        if case .refused(let reason) = try outcome(evidence) { reason } else { nil }
    }

    @Test func `what is signed and logged is taken, and kept for the next`() throws {
        guard case .needCode = shelf.judge(identity, bringer: .client) else { throw Unexpected() }
        guard case .accepted = try outcome(evidence()) else { throw Unexpected() }
        guard case .ready = shelf.judge(identity, bringer: .client) else { throw Unexpected() }
    }

    private struct Unexpected: Error {}

    @Test func `a stranger's signature, or none, is refused`() throws {
        let stranger = try #require(SigningKey.make(name: "author", kind: .note)).key
        #expect(try reason(Evidence(signatures: evidence(by: stranger).signatures)) == .unknownSigner)
        #expect(try reason(evidence(by: stranger)) == .tooFewSigners)
        #expect(try reason(Evidence()) == .unknownSigner)
        #expect(shelf.kept.count == 0)
    }

    @Test func `a stale checkpoint is refused`() throws {
        #expect(try reason(evidence(seen: .now - 8 * 86_400)) == .staleCheckpoint)
        var evidence = try evidence()
        let alone = try published.checkpoint(signedBy: log, at: .now).note.bytes
        evidence.logs = evidence.logs.map {
            Evidence.Logged(origin: $0.origin, index: $0.index, proof: $0.proof, checkpoint: alone)
        }
        #expect(try reason(evidence) == .tooFewWitnesses)
    }

    @Test func `a checkpoint without a consistency proof is refused until the log has been read`() throws {
        var longer = published
        longer.append([1, 2, 3])
        let evidence = try evidence(in: longer)
        #expect(try reason(evidence) == .missingConsistency)
        try read(longer)
        #expect(try reason(evidence) == nil)
    }

    @Test func `a forked checkpoint ends trust in its log`() throws {
        var other = PublishedLog()
        other.append(PluginSignature.message(identity))
        other.append([9])
        #expect(try reason(evidence(in: other)) == .forkedLog)
        #expect(try reason(evidence()) == .forkedLog)
    }

    @Test func `a revoked plugin is refused, also where it was kept`() throws {
        guard case .accepted = try outcome(evidence()) else { throw Unexpected() }
        var longer = published
        let list = RevocationList(origin: log.verifier.name, time: .now, identities: [identity])
        try longer.append(list: list.text, signedBy: log, at: .now)
        try read(longer)
        guard case .refused(.revoked) = shelf.judge(identity, bringer: .client) else { throw Unexpected() }
        #expect(try reason(evidence()) == .revoked)
    }

    @Test func `an unknown set or place is refused, a known one finds its plugin`() throws {
        guard case .refused(.unknownSet) = shelf.judge(set: 1, place: 0, bringer: .client) else { throw Unexpected() }
        var longer = published
        let set = RecommendedSet(origin: log.verifier.name, number: 1, slots: [3: identity])
        try longer.append(list: set.text, signedBy: log, at: .now)
        try read(longer)
        guard case .needCode = shelf.judge(set: 1, place: 3, bringer: .client) else { throw Unexpected() }
        guard case .refused(.unknownSet) = shelf.judge(set: 1, place: 0, bringer: .client) else { throw Unexpected() }
        guard case .accepted = try outcome(evidence()) else { throw Unexpected() }
        guard case .ready = shelf.judge(set: 1, place: 3, bringer: .client) else { throw Unexpected() }
    }
}
