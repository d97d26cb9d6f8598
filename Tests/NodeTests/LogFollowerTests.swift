import Cells
import Configuration
import Logging
import Synchronization
import Testing
import Trust

@testable import Node

/// A log's files in memory, as a server would give them.
final class MemoryLog: LogTransport {
    private let files = Mutex<[String: [UInt8]]>([:])
    private let asked = Mutex<[String]>([])
    let key: SigningKey
    let source: PluginTrustSettings.LogSource

    init() throws {
        key = try #require(SigningKey.make(name: "log.example/plugins", kind: .note)).key
        let text = "PluginLog log1 \(key.verifier.text) http://127.0.0.1:1/\nPluginPolicy log1"
        source = try #require(try Settings(torrc: TorrcFile(path: "t", text: text)).pluginTrust.logs.first)
    }

    /// What was asked for since the last time.
    func requests() -> [String] {
        asked.withLock { asked in
            defer { asked = [] }
            return asked
        }
    }

    /// Serves a log with these entries.
    func publish(_ entries: [[UInt8]], damage: (inout [String: [UInt8]]) -> Void = { _ in }) throws {
        var log = PublishedLog()
        for entry in entries { log.append(entry) }
        var files: [String: [UInt8]] = [:]
        for file in try log.newFiles() { files[file.path] = file.bytes }
        files["checkpoint"] = try log.checkpoint(signedBy: key, at: WallTime(seconds: 1)).note.bytes
        damage(&files)
        self.files.withLock { [files] in $0 = files }
    }

    func fetch(_ path: String, of url: LogURL, limit: Int) async throws(LogFetchError) -> [UInt8] {
        asked.withLock { $0.append(path) }
        guard let bytes = files.withLock({ $0[path] }) else { throw .status(404) }
        guard bytes.count <= limit else { throw .badAnswer }
        return bytes
    }
}

@Suite struct LogFollowerTests {
    private static func entries(_ count: Int) -> [[UInt8]] {
        (0..<count).map { number in
            PluginSignature.message((0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 2 * 8)) })
        }
    }

    @Test func `a log is read in steps, and nothing twice`() async throws {
        let log = try MemoryLog()
        let follower = LogFollower(source: log.source, transport: log)
        try log.publish(Self.entries(300))
        let first = try await follower.read(LogMirror(log.source.log))
        #expect(first.outcome == .advanced && first.mirror.size == 300 && first.entries.count == 300)
        #expect(log.requests() == ["checkpoint", "tile/entries/000", "tile/entries/001.p/44"])
        let same = try await follower.read(first.mirror)
        #expect(same.outcome == .unchanged)
        #expect(log.requests() == ["checkpoint"])
        try log.publish(Self.entries(310))
        let second = try await follower.read(first.mirror)
        #expect(second.outcome == .advanced && second.mirror.size == 310)
        #expect(second.entries == Array(Self.entries(310)[300...]) && second.start == 300)
        #expect(log.requests() == ["checkpoint", "tile/entries/001.p/54"])
        try log.publish(Self.entries(200))
        #expect(try await follower.read(second.mirror).outcome == .older)
    }

    @Test func `a log without its new entries gets no further`() async throws {
        let log = try MemoryLog()
        let follower = LogFollower(source: log.source, transport: log)
        try log.publish(Self.entries(10))
        let known = try await follower.read(LogMirror(log.source.log)).mirror
        try log.publish(Self.entries(12)) { $0["tile/entries/000.p/12"] = nil }
        await #expect(throws: LogFetchError.status(404)) { try await follower.read(known) }
        // A whole bundle in the place of a part will do; a damaged one will not.
        try log.publish(Self.entries(12)) { files in
            files["tile/entries/000.p/12"] = nil
            files["tile/entries/000"] = EntryBundle.write(Self.entries(256))
        }
        #expect(try await follower.read(known).outcome == .advanced)
        try log.publish(Self.entries(12)) { $0["tile/entries/000.p/12"]?[600] ^= 1 }
        let damaged = try await follower.read(known)
        #expect(damaged.outcome == .mismatch && damaged.mirror.fork == nil && damaged.mirror.size == 10)
        try log.publish(Self.entries(12)) { $0["tile/entries/000.p/12"]?.removeLast() }
        await #expect(throws: LogFetchError.badAnswer) { try await follower.read(known) }
    }

    @Test func `another history is found out, however long it is`() async throws {
        let log = try MemoryLog()
        let follower = LogFollower(source: log.source, transport: log)
        try log.publish(Self.entries(10))
        let known = try await follower.read(LogMirror(log.source.log)).mirror
        for count in [9, 10, 14] {
            var other = Self.entries(count)
            other[3] = Array("another".utf8)
            try log.publish(other)
            let reading = try await follower.read(known)
            #expect(reading.outcome == .forked && reading.mirror.fork != nil)
        }
    }

    @Test func `what is known of logs survives a restart`() async throws {
        let folder = try TemporaryFolder()
        let files = LogFiles(dataDirectory: folder.path)
        let log = try MemoryLog()
        let follower = LogFollower(source: log.source, transport: log)
        #expect(try files.load(log.source.log).size == 0)
        try log.publish(Self.entries(10))
        let first = try await follower.read(LogMirror(log.source.log))
        try files.save(first.mirror, entries: first.entries, from: first.start)
        #expect(try files.load(log.source.log).checkpoint == first.mirror.checkpoint)
        try log.publish(Self.entries(13))
        let second = try await follower.read(files.load(log.source.log))
        try files.save(second.mirror, entries: second.entries, from: second.start)
        #expect(try files.load(log.source.log).size == 13)
        // Entries that the checkpoint does not count yet do no harm; entries that do not lead to it are not believed.
        let path = folder.path + "/plugin-logs/log1.entries"
        try SecureFiles.write(try #require(EntryBundle.write(Self.entries(20))), to: path)
        #expect(try files.load(log.source.log).size == 13)
        try SecureFiles.write(try #require(EntryBundle.write(Self.entries(12))), to: path)
        #expect(try files.load(log.source.log).size == 0)
        // A contradiction stays.
        var other = Self.entries(13)
        other[0] = [1]
        try log.publish(other)
        let forked = try await follower.read(second.mirror)
        try files.save(forked.mirror, entries: forked.entries, from: forked.start)
        let again = try files.load(log.source.log)
        #expect(again.fork != nil && again.fork == forked.mirror.fork)
        #expect(try SecureFiles.read(folder.path + "/plugin-logs/log1.fork", secretFor: .owner) != nil)
    }

    @Test func `the role reads a log, and again when a peer's plugin is ahead of it`() async throws {
        let folder = try TemporaryFolder()
        let log = try MemoryLog()
        let entries = Self.entries(3)
        try log.publish(Array(entries.prefix(2)))
        let text = "PluginLog log1 \(log.key.verifier.text) http://127.0.0.1:1/\nPluginPolicy log1\n"
        let settings = try Settings(torrc: TorrcFile(path: "t", text: text)).pluginTrust
        let role = PluginTrustRole(settings: settings, dataDirectory: folder.path, logger: Logger(label: "test"))
        role.start(over: log)
        defer { role.stop() }
        try await eventually { role.judge.mirrors.first?.size == 2 }
        try log.publish(entries)
        var published = PublishedLog()
        for entry in entries { published.append(entry) }
        let identity = try #require(PluginSignature.identity(in: entries[2]))
        let evidence = Evidence(logs: [
            Evidence.Logged(
                origin: log.key.verifier.name, index: 2,
                proof: try #require(published.tree.inclusionProof(of: 2, size: 3)),
                checkpoint: try published.checkpoint(signedBy: log.key, at: WallTime(seconds: 1)).note.bytes)
        ])
        let question = TrustJudge.Question(
            identity: identity, evidence: try #require(evidence.bytes), bringer: .client)
        #expect(role.judge.refusal(of: question, now: WallTime(seconds: 2)) == .missingConsistency)
        try await eventually { role.judge.mirrors.first?.size == 3 }
        // It is in the log now; only that the log has never said what is revoked stands in the way.
        #expect(role.judge.refusal(of: question, now: WallTime(seconds: 2)) == .staleRevocations)
    }

    /// Waits for a condition.
    private func eventually(_ condition: () -> Bool) async throws {
        for _ in 0..<600 where !condition() { try await Task.sleep(for: .milliseconds(100)) }
        try #require(condition())
    }
}
