package import Cells
internal import Synchronization

/// Decides whether a plugin that the other end of a circuit brought may run here.
///
/// Shared by all event loops; an answer is immediate, does no I/O and costs a few signature checks at most. Whoever follows the logs
/// puts what they read into it, and hears through `onEvent` when a question showed that there is something to do.
package final class TrustJudge: Sendable {
    /// Which end of the circuit brings it.
    package enum Side: Hashable, Sendable {
        /// The client; we are a hop.
        case client
        /// A hop; we are the client.
        case hop
    }

    /// What is asked. That the identity is that of the file is the asker's to check.
    package struct Question: Sendable {
        /// SHA3-256 of the file.
        package var identity: [UInt8]
        /// What came with it.
        package var evidence: [UInt8]
        /// Who brings it.
        package var bringer: Side
        /// Whether the operator or user has installed the same file.
        package var isInstalled: Bool

        /// A question.
        package init(identity: [UInt8], evidence: [UInt8] = [], bringer: Side, isInstalled: Bool = false) {
            self.identity = identity
            self.evidence = evidence
            self.bringer = bringer
            self.isInstalled = isInstalled
        }
    }

    /// What a question has shown.
    package enum Event: Hashable, Sendable {
        /// A checkpoint of this log is newer than what we have read.
        case isBehind(log: String)
        /// This log has shown two histories.
        case hasForked(log: String)
    }

    private struct State {
        var policy = TrustPolicy(.installed)
        var mirrors: [LogMirror] = []
        var epoch: UInt32 = 0
        var listener: (@Sendable (Event) -> Void)?
    }

    private let state = Mutex(State())

    /// With the default policy, until another is applied.
    package init(_ policy: TrustPolicy = TrustPolicy()) { apply(policy) }

    /// The policy in force.
    package var policy: TrustPolicy { state.withLock { $0.policy } }

    /// What has been read of each log.
    package var mirrors: [LogMirror] { state.withLock { $0.mirrors } }

    /// Puts a policy in force; what was read of logs that stay is kept.
    package func apply(_ policy: TrustPolicy) {
        state.withLock { state in
            let old = state.mirrors
            state.policy = policy
            state.mirrors = policy.logs.map { log in old.first { $0.log == log } ?? LogMirror(log) }
        }
    }

    /// What was read of a log that the policy names.
    package func apply(_ mirror: LogMirror) {
        state.withLock { state in
            guard let place = state.mirrors.firstIndex(where: { $0.log == mirror.log }) else { return }
            // A fork that a question has shown meanwhile stays shown.
            if state.mirrors[place].fork == nil { state.mirrors[place] = mirror }
        }
    }

    /// The consensus's `fanion-plugin-epoch`: the number of the recommended set in force; 0 is none.
    package func apply(epoch: UInt32) { state.withLock { $0.epoch = epoch } }

    /// Has `listener` hear what questions show, on whatever thread asks.
    package func onEvent(_ listener: @escaping @Sendable (Event) -> Void) { state.withLock { $0.listener = listener } }

    /// The recommended sets of all logs that are to be trusted.
    package var recommended: RecommendedSets {
        state.withLock { RecommendedSets(epoch: $0.epoch, mirrors: $0.mirrors) }
    }

    /// The best evidence that there is for a plugin: what lies beside its file, and proofs up to the newest checkpoints.
    package func evidence(for identity: [UInt8], beside stored: Evidence = Evidence()) -> Evidence {
        var evidence = stored
        for mirror in mirrors {
            guard let logged = mirror.evidence(for: identity) else { continue }
            evidence.logs.removeAll { $0.origin == logged.origin }
            evidence.logs.append(logged)
        }
        return evidence
    }

    /// Whether a plugin may come at all, before any evidence has: nil is yes. Also asked of what was accepted before.
    package func refusal(
        of identity: [UInt8], by bringer: Side, isInstalled: Bool, now: WallTime
    ) -> TrustRefusal? {
        let (policy, mirrors, epoch) = state.withLock { ($0.policy, $0.mirrors, $0.epoch) }
        if case .refuse = policy.decision { return .policyRefuses }
        if mirrors.contains(where: { $0.revoked.contains(identity) }) { return .revoked }
        if isInstalled { return nil }
        switch (policy.decision, bringer) {
        case (.refuse, _): return .policyRefuses
        case (.installed, .client): return .notInstalled
        case (.installed, .hop): if policy.logs.isEmpty { return .notInstalled }
        case (.rule, _): break
        }
        if bringer == .hop, RecommendedSets(epoch: epoch, mirrors: mirrors).slot(of: identity) == nil {
            return .notRecommended
        }
        return mirrors.lazy.compactMap { Self.staleness($0, policy.freshness, now) }.first
    }

    /// Whether the plugin may run; nil is yes.
    package func refusal(of question: Question, now: WallTime) -> TrustRefusal? {
        let (policy, mirrors) = state.withLock { ($0.policy, $0.mirrors) }
        let early = refusal(of: question.identity, by: question.bringer, isInstalled: question.isInstalled, now: now)
        // What the evidence shows may say more than that our own view of the log is old.
        if let early, early != .staleRevocations { return early }
        if question.isInstalled { return nil }
        switch policy.decision {
        case .refuse: return .policyRefuses
        case .installed: return freshness(of: mirrors, policy.freshness, now) ?? early
        case .rule(let rule): return check(rule, question, policy, mirrors, now) ?? early
        }
    }

    // MARK: The rule

    private func check(
        _ rule: TrustRule, _ question: Question, _ policy: TrustPolicy, _ mirrors: [LogMirror], _ now: WallTime
    ) -> TrustRefusal? {
        guard let evidence = try? Evidence(bytes: question.evidence) else { return .malformedEvidence }
        var answers: [String: TrustRefusal?] = [:]
        for name in Set(rule.names) {
            if let key = policy.keys[name] {
                guard let signature = evidence.signatures.first(where: { $0.key == key }) else { continue }
                answers[name] = .some(signature.isValid(for: question.identity) ? nil : .badSignature)
            } else if let mirror = mirrors.first(where: { $0.log.name == name }) {
                guard let logged = evidence.logs.first(where: { $0.origin == mirror.log.key.name }) else { continue }
                answers[name] = .some(check(logged, question.identity, mirror, policy.freshness, now))
            }
        }
        if rule.isSatisfied({ answers[$0] == .some(nil) }) { return nil }
        let problems = Set(answers.values.compactMap { $0 })
        // What has gone wrong says more than what is missing.
        return Self.worst.first { problems.contains($0) } ?? (answers.isEmpty ? .unknownSigner : .tooFewSigners)
    }

    private static let worst: [TrustRefusal] = [
        .forkedLog, .badSignature, .badCheckpoint, .notInLog, .missingConsistency, .staleCheckpoint, .tooFewWitnesses,
    ]

    private func check(
        _ logged: Evidence.Logged, _ identity: [UInt8], _ mirror: LogMirror, _ rule: FreshnessRule, _ now: WallTime
    ) -> TrustRefusal? {
        if mirror.fork != nil { return .forkedLog }
        guard let checkpoint = try? Checkpoint(bytes: logged.checkpoint), checkpoint.isSigned(by: mirror.log.key) else {
            return .badCheckpoint
        }
        switch mirror.judge(checkpoint) {
        case .known: break
        case .ahead:
            tell(.isBehind(log: mirror.log.name))
            return .missingConsistency
        case .forked:
            noteFork(checkpoint, mirror.log)
            return .forkedLog
        }
        let leaf = MerkleHash.leaf(PluginSignature.message(identity))
        guard
            MerkleProof.isIncluded(
                leaf, at: logged.index, size: checkpoint.size, root: checkpoint.root, proof: logged.proof)
        else { return .notInLog }
        return Self.refusal(checkpoint.isFresh(rule, now: now))
    }

    private static func refusal(_ freshness: Checkpoint.Freshness) -> TrustRefusal? {
        switch freshness {
        case .fresh: nil
        case .stale: .staleCheckpoint
        case .tooFew: .tooFewWitnesses
        case .badCosignature: .badCheckpoint
        }
    }

    // MARK: What has been read of the logs

    /// Nobody but the log vouches for a recommended set, so what we have read of it must be seen by witnesses too.
    private func freshness(of mirrors: [LogMirror], _ rule: FreshnessRule, _ now: WallTime) -> TrustRefusal? {
        for mirror in mirrors {
            guard let checkpoint = mirror.checkpoint else { return .staleRevocations }
            if let problem = Self.refusal(checkpoint.isFresh(rule, now: now)) { return problem }
        }
        return nil
    }

    /// Whoever can keep a log's newest entries from us must not gain by it: without fresh revocations nothing new runs.
    private static func staleness(_ mirror: LogMirror, _ rule: FreshnessRule, _ now: WallTime) -> TrustRefusal? {
        if mirror.fork != nil { return .forkedLog }
        guard let newest = mirror.newestRevocations, newest >= now - rule.revocationAge else {
            return .staleRevocations
        }
        return nil
    }

    private func noteFork(_ checkpoint: Checkpoint, _ log: TrustPolicy.Log) {
        state.withLock { state in
            guard let place = state.mirrors.firstIndex(where: { $0.log == log }) else { return }
            state.mirrors[place].noteFork(checkpoint)
        }
        tell(.hasForked(log: log.name))
    }

    private func tell(_ event: Event) { state.withLock { $0.listener }?(event) }
}
