import Testing
import Trust

@testable import Configuration

@Suite struct PluginTrustSettingsTests {
    private static let log = "log.example/plugins+1521d5eb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    private static let witness = "witness.example/w1+468d99bb+BHm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk"
    private static let key = "6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw="
    private static let other = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"

    private static func read(_ text: String) throws -> PluginTrustSettings {
        try Settings(torrc: TorrcFile(path: "torrc", text: text)).pluginTrust
    }

    private static func reason(_ text: String) -> String {
        do {
            _ = try read(text)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func `without a word only what is installed runs`() throws {
        let settings = try Self.read("")
        #expect(settings.policy.decision == .installed && settings.logs.isEmpty)
        #expect(try Self.read("PluginPolicy Refuse").policy.decision == .refuse)
    }

    @Test func `a rule with keys, logs and witnesses is understood`() throws {
        let settings = try Self.read(
            """
            PluginPolicy 2 of (alice, bob, log1)
            PluginKey alice \(Self.key)
            PluginKey bob \(Self.other)
            PluginLog log1 \(Self.log) http://log.example:8080/plugins
            PluginWitness w1 \(Self.witness)
            PluginCheckpointAge 2 days
            PluginLogInterval 5 seconds
            """)
        guard case .rule(let rule) = settings.policy.decision else { throw Unexpected() }
        #expect(rule.names == ["alice", "bob", "log1"])
        #expect(settings.policy.keys.keys.sorted() == ["alice", "bob"])
        #expect(settings.logs.first?.url.description == "http://log.example:8080/plugins/")
        #expect(settings.policy.freshness.witnessesNeeded == 1)
        #expect(settings.policy.freshness.checkpointAge == 2 * 86_400)
        #expect(settings.policy.freshness.revocationAge == 7 * 86_400)
        #expect(settings.interval == .seconds(5))
    }

    private struct Unexpected: Error {}

    @Test func `what is wrong is named with its line`() {
        let log = "PluginLog log1 \(Self.log) http://log.example/"
        let cases: [(String, String)] = [
            ("PluginPolicy alice", "torrc:1: PluginPolicy: no PluginKey or PluginLog line names \"alice\""),
            ("PluginPolicy 2 of alice", "torrc:1: PluginPolicy: \"(\" is missing before \"alice\""),
            ("\nPluginKey alice", "torrc:2: PluginKey: has 1 words: it is written NAME KEY"),
            ("PluginKey alice AAAA", "torrc:1: PluginKey: \"AAAA\" is no Ed25519 key"),
            ("PluginKey a/b \(Self.key)", "torrc:1: PluginKey: \"a/b\" cannot be a name"),
            ("PluginKey a \(Self.key)\nPluginKey b \(Self.key)", "torrc:2: PluginKey: another line has the same key"),
            ("PluginKey a \(Self.key)\nPluginKey a \(Self.other)", "torrc:2: PluginKey: \"a\" is taken already"),
            ("PluginKey log1 \(Self.key)\n\(log)", "torrc:2: PluginLog: \"log1\" is taken already"),
            ("PluginLog log1 \(Self.witness) http://a/", "torrc:1: PluginLog: a log's key has type 1"),
            ("PluginLog log1 \(Self.log.dropLast()) http://a/", "torrc:1: PluginLog: a key is written NAME+ID+KEY"),
            ("PluginLog log1 \(Self.log) https://a/", "torrc:1: PluginLog: \"https://a/\" is no http://"),
            ("PluginLog log1 \(Self.log) http://a:0/", "torrc:1: PluginLog: \"http://a:0/\" is no http://"),
            ("\(log)\nPluginLog log2 \(Self.log) http://b/", "torrc:2: PluginLog: another line has the same log"),
            ("PluginWitness w \(Self.log)", "torrc:1: PluginWitness: a witness's key has type 4"),
            ("PluginWitnessesNeeded 1", "torrc:1: PluginWitnessesNeeded: asks for 1 of 0"),
            ("PluginRevocationAge 0", "torrc:1: PluginRevocationAge: must be positive"),
        ]
        for (text, beginning) in cases {
            #expect(Self.reason(text).hasPrefix(beginning), "\(Self.reason(text))")
        }
    }

    @Test func `addresses of logs are taken apart`() throws {
        let plain = try #require(LogURL("http://log.example"))
        #expect(plain.host == "log.example" && plain.port == 80 && plain.prefix == "/")
        let six = try #require(LogURL("HTTP://[::1]:8080/a/b"))
        #expect(six.port == 8080 && six.prefix == "/a/b/" && six.description == "http://[::1]:8080/a/b/")
        for bad in ["log.example", "http://", "http:///a", "http://a b/", "http://a/?q", "http://a:b/", "ftp://a/"] {
            #expect(LogURL(bad) == nil, "\(bad)")
        }
    }
}
