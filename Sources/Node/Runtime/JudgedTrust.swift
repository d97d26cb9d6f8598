internal import Cells
internal import PluginHost
internal import Transport
internal import Trust

/// `PluginPolicy` as the exchange of plugins asks it: the judge's answers in the words of PLUGIN_ANSWER.
struct JudgedTrust: PluginTrust {
    let judge: TrustJudge

    func refusal(of identity: [UInt8], isInstalled: Bool, bringer: PluginRoles) -> PluginRefusal? {
        judge.refusal(of: identity, by: side(bringer), isInstalled: isInstalled, now: .now).map(PluginRefusal.init)
    }

    func refusal(of candidate: PluginCandidate) -> PluginRefusal? {
        let question = TrustJudge.Question(
            identity: candidate.identity, evidence: candidate.evidence, bringer: side(candidate.bringer))
        return judge.refusal(of: question, now: .now).map(PluginRefusal.init)
    }

    func recommended(set: UInt32, place: UInt8) -> [UInt8]? { judge.recommended.identity(set: set, slot: place) }

    private func side(_ bringer: PluginRoles) -> TrustJudge.Side { bringer == .client ? .client : .hop }
}

extension PluginRefusal {
    /// The number that says it on the wire.
    init(_ refusal: TrustRefusal) {
        switch refusal {
        case .policyRefuses: self = .policy
        case .notInstalled, .notRecommended: self = .untrusted
        case .revoked: self = .revoked
        case .unknownSet: self = .unknownSet
        case .malformedEvidence: self = .evidence
        case .unknownSigner: self = .unknownSigner
        case .badSignature: self = .badSignature
        case .tooFewSigners: self = .tooFewSigners
        case .notInLog: self = .notInLog
        case .badCheckpoint: self = .badCheckpoint
        case .tooFewWitnesses: self = .tooFewWitnesses
        case .staleCheckpoint: self = .staleCheckpoint
        case .missingConsistency: self = .missingConsistency
        case .forkedLog: self = .forkedLog
        case .staleRevocations: self = .staleRevocations
        }
    }
}
