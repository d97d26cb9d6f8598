import Cells
import EBPFFuzzKit
import Foundation
import OnionCrypto
import Trust

/// Damages everything that strangers can send about trust: what is still read must be written again as it was, and nothing may be
/// trusted that was not signed.
enum TrustFuzz {
    private struct Found: Error { var what: String }

    private struct Corpus {
        let log: SigningKey
        let identity = [UInt8](repeating: 1, count: 32)
        let seeds: [[UInt8]]
        let trusted: [UInt8]
        let judge: TrustJudge

        init() throws {
            guard let log = SigningKey.make(name: "log.example/plugins", kind: .note)?.key,
                let witness = SigningKey.make(name: "w.example", kind: .cosignature)?.key,
                let author = SigningKey.make(name: "author", kind: .note)?.key
            else { throw Found(what: "no keys") }
            self.log = log
            let now = WallTime(seconds: 1000)
            var published = PublishedLog()
            published.append(PluginSignature.message(identity))
            let set = RecommendedSet(origin: log.verifier.name, number: 1, slots: [0: identity])
            try published.append(list: set.text, signedBy: log, at: now)
            let list = RevocationList(
                origin: log.verifier.name, time: now, identities: [[UInt8](repeating: 2, count: 32)])
            try published.append(list: list.text, signedBy: log, at: now)
            var checkpoint = try published.checkpoint(signedBy: log, at: now)
            checkpoint.note.signatures.append(witness.sign(checkpoint.note.text, at: now))
            guard let proof = published.tree.inclusionProof(of: 0, size: 3),
                let evidence = Evidence(
                    signatures: [author.sign(plugin: identity)],
                    logs: [
                        Evidence.Logged(
                            origin: log.verifier.name, index: 0, proof: proof, checkpoint: checkpoint.note.bytes)
                    ]
                ).bytes, let bundle = EntryBundle.write(published.entries)
            else { throw Found(what: "no evidence") }
            trusted = evidence
            seeds = [evidence, checkpoint.note.bytes, bundle] + published.entries
            let trustedLog = TrustPolicy.Log(name: "log1", key: log.verifier)
            judge = TrustJudge(
                TrustPolicy(
                    .rule(try TrustRule("author and log1")), keys: ["author": author.verifier.key], logs: [trustedLog],
                    freshness: FreshnessRule(witnesses: [witness.verifier], witnessesNeeded: 1)))
            var mirror = LogMirror(trustedLog)
            guard mirror.take(checkpoint.note.bytes, entries: published.entries) == .advanced else {
                throw Found(what: "the log is not taken")
            }
            judge.apply(mirror)
        }

        func refusal(_ evidence: [UInt8]) -> TrustRefusal? {
            judge.refusal(
                of: TrustJudge.Question(identity: identity, evidence: evidence, bringer: .client),
                now: WallTime(seconds: 1000))
        }
    }

    /// Runs for a while; throws what it finds.
    static func run(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        let corpus = try Corpus()
        guard corpus.refusal(corpus.trusted) == nil else { throw Found(what: "good evidence is refused") }
        var random = SplitMix(seed: seed)
        var (tried, read) = (0, 0)
        let end = Date() + seconds
        while Date() < end {
            for _ in 0..<50 {
                let bytes = damaged(corpus.seeds[tried % corpus.seeds.count], &random)
                tried += 1
                read += try check(bytes, corpus)
                try checkRule(&random)
            }
        }
        return "\(tried) tried, \(read) read, nothing trusted that should not be"
    }

    private static func damaged(_ seed: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(.random(in: 0...255, using: &random), at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + 40))
            default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
        return bytes
    }

    private static func check(_ bytes: [UInt8], _ corpus: Corpus) throws -> Int {
        var read = 0
        if let evidence = try? Evidence(bytes: bytes) {
            read += 1
            guard evidence.bytes == bytes || bytes == [1, 0, 0] else { throw Found(what: "evidence \(bytes)") }
        }
        // Both signature and proof would have to be found by chance.
        if bytes != corpus.trusted, corpus.refusal(bytes) == nil, try !isHarmless(bytes, corpus) {
            throw Found(what: "trusted: \(bytes)")
        }
        if let note = try? SignedNote(bytes: bytes) {
            read += 1
            guard note.bytes == bytes else { throw Found(what: "note \(bytes)") }
        }
        if let checkpoint = try? Checkpoint(bytes: bytes), checkpoint.isSigned(by: corpus.log.verifier) {
            guard checkpoint.size == 3 else { throw Found(what: "signed checkpoint \(bytes)") }
        }
        switch LogEntry(bytes, log: corpus.log.verifier) {
        case .set(let set): guard set.number == 1 else { throw Found(what: "set \(bytes)") }
        case .revocations(let list):
            guard list.time == WallTime(seconds: 1000) else { throw Found(what: "revocations \(bytes)") }
        case .plugin, .unknown: break
        }
        if let entries = try? EntryBundle.read(bytes) {
            read += 1
            guard EntryBundle.write(entries) == bytes else { throw Found(what: "bundle \(bytes)") }
        }
        return read
    }

    /// What may differ: signatures of strangers under the checkpoint, which everybody ignores.
    private static func isHarmless(_ bytes: [UInt8], _ corpus: Corpus) throws -> Bool {
        let (one, other) = (try Evidence(bytes: bytes), try Evidence(bytes: corpus.trusted))
        guard let left = one.logs.first, let right = other.logs.first else { return false }
        let (a, b) = (try SignedNote(bytes: left.checkpoint), try SignedNote(bytes: right.checkpoint))
        return one.signatures == other.signatures && left.index == right.index && left.proof == right.proof
            && a.text == b.text
    }

    private static func checkRule(_ random: inout SplitMix) throws {
        let words = ["a", "b", "and", "or", "2", "of", "(", ")", ",", "c-d", "0", " ", "999999999999999999999"]
        let text = (0..<Int.random(in: 0..<20, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
            .joined(separator: " ")
        // Written out, a rule may nest deeper than it may be written.
        guard let rule = try? TrustRule(text), let again = try? TrustRule(rule.description) else { return }
        guard again.description == rule.description, rule.isSatisfied({ _ in true }),
            !rule.isSatisfied({ _ in false })
        else { throw Found(what: "rule \(text)") }
    }
}
