import Cells
import Configuration
import Directory
import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport

@testable import Node

/// Our directory client, fed by our directory server with what a C Tor authority has made and signed.
@Suite(.enabled(if: DirectoryTorAuthority.isWanted), .serialized)
struct DirectoryClientTorTests {
    private let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let logger = Logger(label: "test")

    private func settings(
        _ tor: DirectoryTorAuthority, v3Identity: RSAIdentity? = nil, more: String = ""
    ) throws -> DirectoryClientSettings {
        let text = """
            TestingTorNetwork 1
            DirAuthority lone orport=\(tor.orPort) v3ident=\((v3Identity ?? tor.v3Identity).hex) \
            127.0.0.1:\(tor.dirPort) \(tor.identity.hex)
            \(more)

            """
        return DirectoryClientSettings(try Settings(torrc: TorrcFile(path: "torrc", text: text)))
    }

    /// What a client came to.
    private struct Outcome: Sendable {
        var store: DirectoryStore
        var hasEnough: Bool
        var reports: [String]
        var launches: Int
        var assessment: DirectoryAssessment?
    }

    /// Runs a client until it has enough (and, for a cache, descriptors) or so much time is over.
    private func run(
        _ settings: DirectoryClientSettings, _ servers: [RSAIdentity: DirectoryServer], folder: String,
        patience: Duration = .seconds(10)
    ) async throws -> Outcome {
        let loop = loops.next()
        let reports = Mutex<[String]>([])
        let progress = BootstrapProgress(logger: logger)
        progress.listen { report in reports.withLock { $0.append("\(report.percent) \(report.phase.tag)") } }
        let store = DirectoryStore(
            files: try DirectoryFiles(folder: folder), servesConsensuses: settings.isCache, logger: logger)
        let box = try await loop.submit { [logger] in
            let circuits = DirectoryCircuits(eventLoop: loop)
            circuits.window = 5000
            circuits.servers = servers
            let client = DirectoryClient(
                store: store, fetcher: DirectoryFetcher(launcher: circuits), settings: settings, progress: progress,
                logger: logger)
            try client.start()
            return NIOLoopBound((client, circuits), eventLoop: loop)
        }.get()
        let deadline = ContinuousClock.now + patience
        func outcome() async throws -> Outcome {
            try await loop.submit {
                let (client, circuits) = box.value
                return Outcome(
                    store: store, hasEnough: client.hasEnough, reports: reports.withLock { $0 },
                    launches: circuits.launches.count, assessment: client.assessment)
            }.get()
        }
        var last = try await outcome()
        while ContinuousClock.now < deadline,
            !last.hasEnough || (settings.isCache && store.snapshot.descriptors.isEmpty)
        {
            try await Task.sleep(for: .milliseconds(50))
            last = try await outcome()
        }
        try await loop.submit { box.value.0.stop() }.get()
        await store.close()
        return last
    }

    @Test func `a client starts from nothing, and from its cache without asking anybody`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let folder = try TemporaryFolder()
        let server = DirectoryServer(store: try tor.mirror())
        let first = try await run(try settings(tor), [tor.identity: server], folder: folder.path)
        #expect(first.hasEnough)
        #expect(first.assessment?.present == 1 && first.assessment?.paths == 1)
        #expect(first.reports.first == "5 conn")
        #expect(first.reports.contains("25 requesting_status") && first.reports.contains("30 loading_status"))
        #expect(first.reports.contains("40 loading_keys"))
        #expect(first.reports.last == "75 enough_dirinfo")
        #expect(first.launches == 1)
        #expect(first.store.snapshot.consensus(.ns) == nil)
        #expect(folder.names == ["cached-certs", "cached-microdesc-consensus", "cached-microdescs.new"])
        #expect(try folder.mode("cached-microdescs.new") == 0o600)

        let second = try await run(try settings(tor), [:], folder: folder.path)
        #expect(second.hasEnough)
        // Nothing is missing, so nobody was asked.
        #expect(second.launches == 0)
    }

    @Test func `a cache gets both flavors and the descriptors, and keeps them`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let folder = try TemporaryFolder()
        let server = DirectoryServer(store: try tor.mirror())
        let settings = try settings(tor, more: "ORPort 127.0.0.1:9001\nNickname cache\nAssumeReachable 1")
        #expect(settings.isCache)
        let outcome = try await run(settings, [tor.identity: server], folder: folder.path)
        let snapshot = outcome.store.snapshot
        #expect(snapshot.consensus(.ns) != nil && snapshot.consensus(.microdesc) != nil)
        #expect(snapshot.descriptor(of: tor.identity)?.nickname == "lone")
        #expect(folder.names.contains("cached-descriptors.new") && folder.names.contains("cached-consensus"))
        // What was stored is served again, ready in each encoding.
        let answer = DirectoryAnswers(snapshot: snapshot, now: WallTime.now).get(
            HTTPRequest(
                .get, "/tor/status-vote/current/consensus",
                headers: HTTPHeaders([.init("Accept-Encoding", "x-tor-lzma")])),
            from: DirectoryPeer(address: nil, isEncrypted: true, isAnonymous: false))
        #expect(answer.headers["Content-Encoding"] == "x-tor-lzma")
    }

    @Test func `a consensus that none of our authorities signed is never believed`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let folder = try TemporaryFolder()
        let server = DirectoryServer(store: try tor.mirror())
        let other = try #require(RSAIdentity(hex: String(repeating: "11", count: 20)))
        let outcome = try await run(
            try settings(tor, v3Identity: other), [tor.identity: server], folder: folder.path, patience: .seconds(2))
        #expect(!outcome.hasEnough)
        #expect(outcome.store.snapshot.consensus(.microdesc) == nil)
        #expect(outcome.store.snapshot.certificates.isEmpty)
    }

    @Test func `a journal that a crash cut off is mended on loading`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let folder = try TemporaryFolder()
        let mirror = try tor.mirror()
        let document = try #require(mirror.snapshot.microdescriptors.values.first)
        let files = try DirectoryFiles(folder: folder.path)
        let whole = DirectoryFiles.Record(annotations: "@last-listed \(WallTime.now)\n", bytes: document.bytes)
        let cut = DirectoryFiles.Record(
            annotations: whole.annotations, bytes: Array(document.bytes.prefix(document.bytes.count / 2)))
        try files.append([whole, cut], to: .microdescriptors)
        let store = DirectoryStore(files: files, servesConsensuses: false, logger: logger)
        try store.load(at: WallTime.now, trusts: { _ in true }, verify: { _, _ in true })
        #expect(store.snapshot.microdescriptors.count == 1)
        await store.close()
        #expect(folder.names == ["cached-microdescs"])
        let (records, _) = try files.records(.microdescriptors, startingWith: ["onion-key"])
        #expect(records.map(\.bytes) == [document.bytes])
        #expect(records[0].annotations == whole.annotations)
    }

    @Test func `what stays unlisted for a week is dropped`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let store = try tor.mirror()
        let consensus = try #require(store.snapshot.consensus(.microdesc))
        store.prune(at: consensus.validAfter)
        #expect(store.snapshot.microdescriptors.count == 1)
        let stranger = try Microdescriptor(
            Array(try #require(store.snapshot.microdescriptors.values.first).bytes)
                + Array("family-ids ed25519:x\n".utf8))
        store.add([stranger], at: consensus.validAfter - DirectoryClientLimits.microdescriptorAge - 10)
        #expect(store.snapshot.microdescriptors.count == 2)
        store.prune(at: consensus.validAfter)
        #expect(store.snapshot.microdescriptors[stranger.digest] == nil)
        #expect(store.snapshot.microdescriptors.count == 1)
    }
}
