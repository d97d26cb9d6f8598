import Cells
import OnionCrypto
import Synchronization
import Testing

@testable import Trust

@Suite struct TrustJudgeTests {
    private static func refusal(
        _ policy: TrustPolicy, _ mirror: LogMirror? = nil, _ evidence: Evidence = Evidence(), of number: UInt8 = 1,
        by side: TrustJudge.Side = .client, isInstalled: Bool = false, epoch: UInt32 = 0, now: WallTime = TestLog.now
    ) throws -> TrustRefusal? {
        let trust = TrustJudge(policy)
        if let mirror { trust.apply(mirror) }
        trust.apply(epoch: epoch)
        return trust.refusal(
            of: TrustJudge.Question(
                identity: identity(number), evidence: try #require(evidence.bytes), bringer: side,
                isInstalled: isInstalled), now: now)
    }

    private static func key(_ name: String) throws -> SigningKey {
        try #require(SigningKey.make(name: name, kind: .note)).key
    }

    @Test func `refuse refuses, installed takes what is installed`() throws {
        for side in [TrustJudge.Side.client, .hop] {
            #expect(try Self.refusal(TrustPolicy(.refuse), by: side, isInstalled: true) == .policyRefuses)
            #expect(try Self.refusal(TrustPolicy(.installed), by: side, isInstalled: true) == nil)
            #expect(try Self.refusal(TrustPolicy(.installed), by: side) == .notInstalled)
        }
    }

    @Test func `a rule counts signatures of those it names`() throws {
        let (alice, bob, carol) = (try Self.key("alice"), try Self.key("bob"), try Self.key("carol"))
        let policy = TrustPolicy(
            .rule(try TrustRule("2 of (alice, bob)")),
            keys: ["alice": alice.verifier.key, "bob": bob.verifier.key])
        func evidence(_ keys: [SigningKey], of number: UInt8 = 1) -> Evidence {
            Evidence(signatures: keys.map { $0.sign(plugin: identity(number)) })
        }
        #expect(try Self.refusal(policy, nil, evidence([alice, bob])) == nil)
        #expect(try Self.refusal(policy, nil, evidence([alice, bob, carol])) == nil)
        #expect(try Self.refusal(policy, nil, evidence([alice, carol])) == .tooFewSigners)
        #expect(try Self.refusal(policy, nil, evidence([carol])) == .unknownSigner)
        #expect(try Self.refusal(policy, nil, Evidence()) == .unknownSigner)
        // Signatures of another plugin.
        #expect(try Self.refusal(policy, nil, evidence([alice, bob], of: 2)) == .badSignature)
        let trust = TrustJudge(policy)
        for bytes in [[1], [2, 0, 0], [1, 1], [UInt8](repeating: 0, count: 9000)] as [[UInt8]] {
            #expect(
                trust.refusal(
                    of: TrustJudge.Question(identity: identity(1), evidence: bytes, bringer: .client), now: TestLog.now
                )
                    == .malformedEvidence)
        }
        // A client takes no hop's plugin that is not recommended, whoever has signed it.
        #expect(try Self.refusal(policy, nil, evidence([alice, bob]), by: .hop) == .notRecommended)
    }

    @Test func `the signed bytes are the line and the identity`() throws {
        // Made with another implementation.
        let point = try #require(Base16.decode("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c"))
        let key = try #require(Ed25519.PublicKey(point))
        let bytes = try #require(
            Base16.decode(
                "369d522b6342f24451b4c5398a970a0149f35eb32c812e07c0f86ac9b33550235e03abc31b4bbfc7d1ae9c5786010e0b88d298a59793bbc0d74cc0d1a78a0d05"
            ))
        let signature = try #require(PluginSignature(key: key, bytes: bytes))
        #expect(signature.isValid(for: Array(0..<32)))
        #expect(!signature.isValid(for: Array(1..<33)))
    }

    // MARK: Logs

    /// A log with plugin 1 as entry 0 and fresh revocations.
    private static func setUp() throws -> (log: TestLog, policy: TrustPolicy) {
        var log = try TestLog()
        log.add(identity(1))
        log.add(identity(2))
        try log.revoke([identity(66)])
        return (log, TrustPolicy(.rule(try TrustRule("log1")), logs: [log.log], freshness: log.freshness))
    }

    @Test func `a plugin in the log with fresh witnesses is taken`() throws {
        let (log, policy) = try Self.setUp()
        let mirror = try log.mirror()
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0)])) == nil)
        // Also with an older checkpoint, as long as its witnesses are fresh.
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0, size: 1)])) == nil)
        // What we make of our own is what others take.
        let trust = TrustJudge(policy)
        trust.apply(mirror)
        #expect(try Self.refusal(policy, mirror, trust.evidence(for: identity(1))) == nil)
        #expect(trust.evidence(for: identity(5)) == Evidence())
    }

    @Test func `a plugin that is not where its proof says is refused`() throws {
        let (log, policy) = try Self.setUp()
        let mirror = try log.mirror()
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0)]), of: 9) == .notInLog)
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(1)])) == .notInLog)
    }

    @Test func `a stale checkpoint is refused`() throws {
        let (log, policy) = try Self.setUp()
        let mirror = try log.mirror()
        let old = try log.checkpoint(seen: TestLog.now - 1001)
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0, checkpoint: old)])) == .staleCheckpoint)
        let one = try log.checkpoint(by: 1)
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0, checkpoint: one)])) == .tooFewWitnesses)
        let stranger = try Self.key(log.key.verifier.name)
        let forged = try log.checkpoint(signer: stranger)
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0, checkpoint: forged)])) == .badCheckpoint)
    }

    @Test func `a checkpoint that nothing connects with ours is refused until it is`() throws {
        let (log, policy) = try Self.setUp()
        var more = log
        more.add(identity(3))
        let trust = TrustJudge(policy)
        let heard = Heard()
        trust.onEvent { heard.add($0) }
        trust.apply(try log.mirror())
        let question = TrustJudge.Question(
            identity: identity(1), evidence: try #require(Evidence(logs: [more.logged(0)]).bytes), bringer: .client)
        #expect(trust.refusal(of: question, now: TestLog.now) == .missingConsistency)
        #expect(heard.events == [.isBehind(log: "log1")])
        trust.apply(try more.mirror())
        #expect(trust.refusal(of: question, now: TestLog.now) == nil)
        // Nor is anything taken before the log has been read at all.
        let fresh = TrustJudge(policy)
        #expect(fresh.refusal(of: question, now: TestLog.now) == .missingConsistency)
    }

    @Test func `a forked checkpoint ends trust in its log`() throws {
        let (log, policy) = try Self.setUp()
        var other = log
        other.entries[1] = PluginSignature.message(identity(9))
        let trust = TrustJudge(policy)
        let heard = Heard()
        trust.onEvent { heard.add($0) }
        trust.apply(try log.mirror())
        func ask(_ log: TestLog) throws -> TrustRefusal? {
            let evidence = try #require(Evidence(logs: [log.logged(0)]).bytes)
            return trust.refusal(
                of: TrustJudge.Question(identity: identity(1), evidence: evidence, bringer: .client), now: TestLog.now)
        }
        #expect(try ask(log) == nil)
        #expect(try ask(other) == .forkedLog)
        #expect(heard.events == [.hasForked(log: "log1")])
        #expect(trust.mirrors.first?.fork != nil)
        #expect(try ask(log) == .forkedLog)
        // What is read afterwards does not make it good.
        trust.apply(try log.mirror())
        #expect(try ask(log) == .forkedLog)
    }

    @Test func `a revoked plugin is refused, even if it is installed`() throws {
        var (log, policy) = try Self.setUp()
        try log.revoke([identity(1)])
        let mirror = try log.mirror()
        #expect(try Self.refusal(policy, mirror, Evidence(logs: [log.logged(0)])) == .revoked)
        #expect(try Self.refusal(policy, mirror, isInstalled: true) == .revoked)
        #expect(try Self.refusal(policy, mirror, of: 2, isInstalled: true) == nil)
    }

    @Test func `without fresh revocations nothing new is taken`() throws {
        let (log, policy) = try Self.setUp()
        var lenient = policy
        lenient.freshness.checkpointAge = 1_000_000
        let evidence = Evidence(logs: [try log.logged(0)])
        let mirror = try log.mirror()
        #expect(try Self.refusal(lenient, mirror, evidence, now: TestLog.now + 5000) == nil)
        #expect(try Self.refusal(lenient, mirror, evidence, now: TestLog.now + 5001) == .staleRevocations)
        #expect(try Self.refusal(lenient, mirror, isInstalled: true, now: TestLog.now + 5001) == nil)
        var without = try TestLog()
        without.add(identity(1))
        let other = TrustPolicy(.rule(try TrustRule("log1")), logs: [without.log], freshness: without.freshness)
        #expect(try Self.refusal(other, without.mirror(), Evidence(logs: [without.logged(0)])) == .staleRevocations)
        // A log need not be in the rule for its revocations to count.
        let alice = try Self.key("alice")
        var byKey = policy
        byKey.keys = ["alice": alice.verifier.key]
        byKey.decision = .rule(try TrustRule("alice"))
        let signed = Evidence(signatures: [alice.sign(plugin: identity(1))])
        #expect(try Self.refusal(byKey, mirror, signed) == nil)
        #expect(try Self.refusal(byKey, nil, signed) == .staleRevocations)
    }

    @Test func `a client takes what the set in force recommends`() throws {
        var (log, policy) = try Self.setUp()
        try log.add(set: 1, [0: identity(1)])
        try log.add(set: 2, [0: identity(2), 3: identity(1)])
        let mirror = try log.mirror()
        policy.decision = .installed
        #expect(try Self.refusal(policy, mirror, by: .hop, epoch: 0) == .notRecommended)
        #expect(try Self.refusal(policy, mirror, by: .hop, epoch: 1) == nil)
        #expect(try Self.refusal(policy, mirror, of: 2, by: .hop, epoch: 1) == .notRecommended)
        #expect(try Self.refusal(policy, mirror, by: .hop, epoch: 9) == .notRecommended)
        #expect(try Self.refusal(policy, mirror, by: .client, epoch: 1) == .notInstalled)
        #expect(try Self.refusal(policy, mirror, by: .hop, epoch: 1, now: TestLog.now + 1001) == .staleCheckpoint)
        let trust = TrustJudge(policy)
        trust.apply(mirror)
        trust.apply(epoch: 2)
        let sets = trust.recommended
        #expect(sets.identity(set: 2, slot: 3) == identity(1) && sets.identity(set: 1, slot: 0) == identity(1))
        #expect(sets.identity(set: 2, slot: 1) == nil && sets.identity(set: 3, slot: 0) == nil)
        #expect(sets.slot(of: identity(1)) == 3 && sets.slot(of: identity(8)) == nil)
        #expect(sets.numbers == [1, 2])
    }
}

/// What was told, from any thread.
final class Heard: Sendable {
    private let all = Mutex<[TrustJudge.Event]>([])
    var events: [TrustJudge.Event] { all.withLock { $0 } }
    func add(_ event: TrustJudge.Event) { all.withLock { $0.append(event) } }
}
