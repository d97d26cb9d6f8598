import Cells
import Configuration
import Node
import OnionCrypto
import Trust

/// What the evidence beside a plugin says, and whether a torrc's policy would take it.
enum PluginVerdict {
    /// In lines, for people; an error if the policy refuses.
    static func lines(_ path: String, _ identity: [UInt8], torrc: String?) throws -> [String] {
        let evidence = try TrustFiles.evidence(path)
        var lines = evidence.signatures.map { signature in
            "signed by \(Base64.encode(signature.key.bytes)): \(signature.isValid(for: identity) ? "good" : "BAD")"
        }
        lines += evidence.logs.map { "in the log \($0.origin), entry \($0.index)" }
        guard let torrc else { return lines.isEmpty ? ["no evidence beside it"] : lines }
        let settings = try ConfigurationSource(CommandLineArguments(["-f", torrc])).read()
        let judge = TrustJudge(settings.pluginTrust.policy)
        let files = LogFiles(dataDirectory: settings.node.dataDirectory)
        for log in settings.pluginTrust.policy.logs {
            let mirror = try files.load(log)
            lines.append("the log \(log.name): \(mirror.size) entries are known here")
            judge.apply(mirror)
        }
        let question = TrustJudge.Question(identity: identity, evidence: evidence.bytes ?? [], bringer: .client)
        if let refusal = judge.refusal(of: question, now: LogFolder.now) {
            throw PluginCommandFailure(
                description: (lines + ["\(torrc): a relay refuses it when a client brings it: \(refusal)"]).joined(
                    separator: "\n"))
        }
        return lines + ["\(torrc): a relay takes it when a client brings it"]
    }
}
