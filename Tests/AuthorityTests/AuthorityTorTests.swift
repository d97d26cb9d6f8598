import Authority
import CellPath
import Cells
import Circuits
import Configuration
import Directory
import Foundation
import Logging
import NIOCore
import NIOPosix
import Node
import Testing
import Transport

/// An authority of ours among authorities and relays of C Tor, over real sockets.
@Suite(.serialized, .enabled(if: TorNode.isWanted), .timeLimit(.minutes(6)))
struct AuthorityTorTests {
    /// What authorities of the test have in their torrc.
    private static let voting = [
        "AuthoritativeDirectory 1", "V3AuthoritativeDirectory 1", "TestingV3AuthInitialVotingInterval 20",
        "TestingV3AuthInitialVoteDelay 4", "TestingV3AuthInitialDistDelay 4", "V3AuthVotingInterval 20",
        "V3AuthVoteDelay 4", "V3AuthDistDelay 4", "V3AuthNIntervalsValid 3", "TestingDirAuthVoteGuard *",
        "TestingDirAuthVoteHSDir *", "TestingMinExitFlagThreshold 0", "AuthDirVoteStableGuaranteeMinUptime 0",
        "AuthDirVoteStableGuaranteeMTBF 0", "AuthDirFastGuarantee 1 KB", "AuthDirGuardBWGuarantee 1 KB",
        "ConsensusParams cc_alg=2",
    ]

    @Test func `C Tor's authorities and ours vote together, and go on without one of C Tor's`() async throws {
        try await run { try await check($0, $1, $2) }
    }

    /// C Tor computes with an older method if one of three authorities knows no other.
    @Test(arguments: 32...34)
    func `older consensus methods come out as C Tor's`(method: Int) async throws {
        try await run(own: ["TestingFanionConsensusMethods \(method)"]) { own, _, _ in
            let consensus = try await own.consensus { $0.signatures.count == 3 && $0.routers.count == 5 }
            #expect(consensus.method == method)
            let ns = try #require(own.store.snapshot.consensus(.ns))
            #expect(ns.method == method && ns.signatures.count == 3)
        }
    }

    /// Has `body` run in a network of our authority, two of C Tor and three relays.
    private func run(
        own extra: [String] = [], _ body: (OwnAuthority, [TorNode], [TorNode]) async throws -> Void
    ) async throws {
        let net = "127.\(Int.random(in: 60...250))"
        let own = try OwnAuthority(address: "\(net).9.1")
        let others = try (1...2).map {
            try TorNode(nickname: "auth\($0)", address: "\(net).\($0).1", isAuthority: true)
        }
        let relays = try (1...3).map {
            try TorNode(nickname: "relay\($0)", address: "\(net).2\($0).1", isAuthority: false)
        }
        defer { for node in others + relays { node.kill() } }
        let lines = others.map(\.line) + [own.line]
        for node in others {
            try node.start(lines + Self.voting + ["DirPort \(node.address):7000 IPv4Only"])
        }
        for node in relays { try node.start(lines + ["ExitPolicy reject *:*"]) }
        try await own.start(lines + Self.voting + extra)
        do {
            try await body(own, others, relays)
        } catch {
            for node in others { print(node.nickname, node.log) }
            try await own.stop()
            throw error
        }
        try await own.stop()
    }

    private func check(_ own: OwnAuthority, _ others: [TorNode], _ relays: [TorNode]) async throws {
        // Two authorities of C Tor and three relays are listed, and all three authorities have signed.
        let full = try await own.consensus { consensus in
            consensus.routers.count == 5 && consensus.sources.count == 3 && consensus.signatures.count == 3
        }
        #expect(Set(full.sources.map(\.nickname)) == ["auth1", "auth2", "fan"])
        for node in relays {
            let identity = try #require(RSAIdentity(hex: node.fingerprint))
            let router = try #require(full.router(identity))
            #expect(router.flags.isSuperset(of: [.running, .valid, .v2Dir, .guard, .hsDir]))
        }
        // C Tor has the same one.
        try await own.poll {
            let theirs = await own.consensus(of: others[0])
            let ours = own.store.snapshot.consensus(.microdesc)
            guard let theirs, let ours, theirs.validAfter == ours.validAfter else { return nil as Void? }
            #expect(theirs.signedSHA256 == ours.signedSHA256 && theirs.signatures.count == 3)
            return ()
        }
        #expect(own.store.snapshot.consensus(.ns) != nil)
        // Without one of C Tor's authorities the other one needs our vote and our signature.
        others[1].kill()
        let two = try await own.consensus { $0.sources.count == 2 && $0.signatures.count == 2 }
        #expect(Set(two.sources.map(\.nickname)) == ["auth1", "fan"])
        let after = try await own.poll {
            await own.consensus(of: others[0]).flatMap { $0.sources.count == 2 ? $0 : nil }
        }
        #expect(after.signatures.count == 2)
        let complaints = others[0].log.split(separator: "\n").filter {
            $0.contains("[err]") || $0.contains("valid-after time of")
        }
        #expect(complaints == [])
    }
}

/// Our authority with all that it needs: loops, directory port, and a corridor to test relays through.
private final class OwnAuthority: @unchecked Sendable {
    let address: String
    let store: DirectoryStore
    private let keys: AuthorityTestKeys
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    private let folder: URL
    private var driver: AuthorityDriver?
    private var dirPort: DirPortServer?
    private var corridor: (CorridorDirectory, CellPathEnvironment)?

    init(address: String) throws {
        self.address = address
        keys = try AuthorityTestKeys(now: WallTime.now)
        folder = FileManager.default.temporaryDirectory.appending(path: "fanion-authority-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        store = DirectoryStore(files: nil, servesConsensuses: false, logger: AuthorityTestNetwork.logger)
    }

    var line: String {
        "DirAuthority fan orport=5000 v3ident=\(keys.certificate.identity) \(address):7000 "
            + String(repeating: "F1", count: 20)
    }

    func start(_ lines: [String]) async throws {
        let torrc =
            ["TestingTorNetwork 1", "DataDirectory \(folder.path)", "Nickname fan", "ContactInfo somebody"]
            + ["ORPort \(address):5000", "DirPort \(address):7000"] + lines
        let settings = try Settings(torrc: TorrcFile(path: "torrc", text: torrc.joined(separator: "\n")))
        let loop = group.next()
        let probe = try await startCorridor()
        let driver = try AuthorityDriver(
            settings: settings, signingKey: keys.signing, certificate: keys.certificate, ownRelay: nil, store: store,
            probe: probe, loop: loop, logger: AuthorityTestNetwork.logger)
        self.driver = driver
        let server = DirectoryServer(store: store)
        server.setAuthority(driver)
        let endpoint = try #require(SocketEndpoint("\(address):7000"))
        dirPort = try await DirPortServer.bind(endpoint, loops: group, server: server).get()
        try await driver.start().get()
    }

    private func startCorridor() async throws -> AuthorityDriver.Probe {
        let loop = group.next()
        let environment = CellPathEnvironment(
            loops: [loop], memory: MemoryBudget(limit: 1 << 28), bandwidth: SharedBandwidth(now: .now),
            dialer: DirectDialer(timeout: .seconds(5)), workerCount: 1, logger: AuthorityTestNetwork.logger)
        let directory = CorridorDirectory(count: 1)
        let settings = CellPathSettings(clientTLS: try TLSContext(clientWith: .all))
        try await loop.submit {
            let corridor = Corridor(index: 0, environment: environment, settings: settings)
            directory.put(corridor)
            corridor.start(directory)
        }.get()
        corridor = (directory, environment)
        return { target in
            loop.flatSubmit {
                directory.corridor(0)?.probe(target) ?? loop.makeSucceededFuture(nil)
            }
        }
    }

    func stop() async throws {
        try await driver?.stop().get()
        try await dirPort?.close().get()
        if let (directory, environment) = corridor {
            try await environment.loops[0].submit { directory.corridor(0)?.shutDown() }.get()
            environment.workers.shutDown()
        }
        try await Task.sleep(for: .milliseconds(50))
        try await group.shutdownGracefully()
        try? FileManager.default.removeItem(at: folder)
    }

    /// The microdescriptor consensus, once it is as wished.
    func consensus(_ isWished: @escaping (Consensus) -> Bool) async throws -> Consensus {
        try await poll { [store] in
            store.snapshot.consensus(.microdesc).flatMap { isWished($0) ? $0 : nil }
        }
    }

    /// Asks again and again for two minutes.
    func poll<Value>(_ body: () async -> Value?) async throws -> Value {
        for _ in 0..<240 {
            if let value = await body() { return value }
            try await Task.sleep(for: .milliseconds(500))
        }
        let consensus = store.snapshot.consensus(.microdesc)
        Issue.record(
            "last consensus: \(consensus?.routers.count ?? -1) relays, \(consensus?.sources.count ?? -1) votes, \(consensus?.signatures.count ?? -1) signatures"
        )
        throw CancellationError()
    }

    /// The microdescriptor consensus that a node of C Tor serves, if it has one.
    func consensus(of node: TorNode) async -> Consensus? {
        guard let endpoint = SocketEndpoint("\(node.address):7000"),
            let response = try? await DirPortClient().fetch(
                .get("/tor/status-vote/current/consensus-microdesc"), from: endpoint, on: group.next()
            ).get(),
            response.status == 200
        else { return nil }
        return try? Consensus(parsing: response.body)
    }
}
