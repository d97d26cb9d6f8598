import Authority
import Cells
import Configuration
import Directory
import Foundation
import Logging
import NIOCore
import NIOEmbedded
import Node
import OnionCrypto
import Synchronization

/// Documents of C Tor, as the tests of directory documents have them.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return Array(try Data(contentsOf: folder.appending(path: "DirectoryTests/Fixtures").appending(path: name)))
}

/// A moment.
func time(_ text: String) -> WallTime {
    guard let time = WallTime(text: text) else { fatalError("no time: \(text)") }
    return time
}

/// One authority's keys, made afresh.
struct AuthorityTestKeys {
    let identity: RSAKeyPair
    let signing: RSAKeyPair
    let certificate: KeyCertificate

    init(now: WallTime, identity: RSAKeyPair? = nil) throws {
        let identity = try identity ?? RSAKeyPair(bits: 2048)
        self.identity = identity
        signing = try RSAKeyPair(bits: 2048)
        let builder = KeyCertificateBuilder(published: now, expires: now + 90 * 86_400)
        certificate = try KeyCertificate(builder.signed(by: identity, for: signing))
    }
}

/// A relay's keys and descriptors.
struct RelayTestKeys {
    let keys: RouterSigningKeys
    let nickname: String

    init(nickname: String, now: WallTime, identityKey: RSAKeyPair? = nil) throws {
        let master = Ed25519.KeyPair()
        let signing = Ed25519.KeyPair()
        let unsigned = Ed25519Certificate.unsigned(
            type: .signingKey, expirationHours: UInt32((now.seconds + 30 * 86_400) / 3600),
            certifiedKey: signing.publicKey.bytes, signingKey: Ed25519Identity(master.publicKey.bytes))
        let bytes = unsigned + master.sign(unsigned)
        let certificate = try Ed25519Certificate(parsing: bytes.span.bytes)
        guard
            let keys = RouterSigningKeys(
                identityKey: try identityKey ?? RSAKeyPair(bits: 1024), signingKey: signing,
                signingKeyCertificate: certificate, onionKey: X25519.KeyPair(),
                tapOnionKey: try RSAKeyPair(bits: 1024))
        else { throw CryptoError.badKey }
        self.keys = keys
        self.nickname = nickname
    }

    func descriptor(
        published: WallTime, address: String = "127.3.0.1", platform: String = "Tor 0.4.9.11 on Linux",
        change: (inout RouterDescriptorBuilder) -> Void = { _ in }
    ) throws -> [UInt8] {
        guard case .v4(let number)? = IPAddress(address) else { fatalError("no address") }
        var builder = RouterDescriptorBuilder(
            nickname: nickname, address: number, orPort: 5000, platform: platform,
            protocols: "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 HSDir=2 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=2-4",
            published: published, bandwidth: .init(rate: 1_000_000, burst: 2_000_000, observed: 500_000))
        change(&builder)
        return try builder.signed(with: keys)
    }
}

/// A network of authorities of ours in one thread, with time moved by hand.
final class AuthorityTestNetwork {
    let loop = EmbeddedEventLoop()
    let clock: HandMovedClock
    let keys: [AuthorityTestKeys]
    let stores: [DirectoryStore]
    let folders: [String]
    private(set) var drivers: [AuthorityDriver] = []
    let transport: MemoryTransport
    let published = PublishedConsensuses()

    init(
        count: Int, extra: String = "", start: WallTime = time("2026-11-24 12:00:01"), ownRelay: RSAIdentity? = nil
    ) throws {
        clock = HandMovedClock(start)
        keys = try (0..<count).map { _ in try AuthorityTestKeys(now: start) }
        transport = MemoryTransport(clock: clock)
        let lines = keys.enumerated().map { index, keys in
            "DirAuthority auth\(index) orport=5000 v3ident=\(keys.certificate.identity) 127.1.\(index).1:7000 "
                + String(repeating: "\(index)", count: 40)
        }
        var folders: [String] = []
        var stores: [DirectoryStore] = []
        for index in 0..<count {
            let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-authority-\(UUID())").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            folders.append(folder)
            stores.append(DirectoryStore(files: nil, servesConsensuses: false, logger: Self.logger))
            let torrc = """
                TestingTorNetwork 1
                \(lines.joined(separator: "\n"))
                DataDirectory \(folder)
                Nickname auth\(index)
                ContactInfo somebody
                ORPort 127.1.\(index).1:5000
                DirPort 127.1.\(index).1:7000
                AuthoritativeDirectory 1
                V3AuthoritativeDirectory 1
                TestingV3AuthInitialVotingInterval 20
                TestingV3AuthInitialVoteDelay 4
                TestingV3AuthInitialDistDelay 4
                V3AuthVotingInterval 20
                V3AuthVoteDelay 4
                V3AuthDistDelay 4
                ConsensusParams b=2 a=1
                AuthDirTestReachability 0
                \(extra)
                """
            let settings = try Settings(torrc: TorrcFile(path: "torrc", text: torrc))
            drivers.append(
                try AuthorityDriver(
                    settings: settings, signingKey: keys[index].signing, certificate: keys[index].certificate,
                    ownRelay: ownRelay, store: stores[index], transport: transport, probe: nil, loop: loop,
                    logger: Self.logger, clock: { [clock] in clock.now },
                    onConsensus: { [published] in published.add($0, by: index) }))
        }
        self.folders = folders
        self.stores = stores
        for (index, driver) in drivers.enumerated() {
            guard let endpoint = SocketEndpoint("127.1.\(index).1:7000") else { fatalError("no endpoint") }
            transport.connect(driver, stores[index], at: endpoint)
        }
    }

    deinit {
        for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
    }

    static var logger: Logger {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }

    func start() throws {
        let started = drivers.map { $0.start() }
        loop.run()
        for future in started { try future.wait() }
    }

    /// Moves the clocks on, second by second.
    func pass(seconds: Int) {
        for _ in 0..<seconds {
            clock.pass(1)
            loop.advanceTime(by: .seconds(1))
        }
    }

    /// Uploads to one authority.
    func upload(_ body: [UInt8], to index: Int, kind: DirectoryUpload.Kind = .descriptors) -> DirectoryUploadAnswer? {
        let box = AnswerBox()
        drivers[index].receiveUpload(
            DirectoryUpload(
                kind, body: body, peer: DirectoryPeer(address: nil, isEncrypted: false, isAnonymous: false)),
            now: clock.now
        ) { box.set($0) }
        loop.run()
        return box.get()
    }
}

/// The world's clock, moved by hand.
final class HandMovedClock: Sendable {
    private let time: Mutex<WallTime>

    init(_ time: WallTime) { self.time = Mutex(time) }

    var now: WallTime { time.withLock { $0 } }

    func pass(_ seconds: Int64) { time.withLock { $0 = $0 + seconds } }
}

/// Holds an answer.
final class AnswerBox: Sendable {
    private let answer = Mutex<DirectoryUploadAnswer?>(nil)

    func set(_ value: DirectoryUploadAnswer) { answer.withLock { $0 = value } }
    func get() -> DirectoryUploadAnswer? { answer.withLock { $0 } }
}

/// What authorities have published.
final class PublishedConsensuses: Sendable {
    private let all = Mutex<[Int: [[Consensus]]]>([:])

    func add(_ consensuses: [Consensus], by authority: Int) {
        all.withLock { $0[authority, default: []].append(consensuses) }
    }

    func rounds(of authority: Int) -> [[Consensus]] { all.withLock { $0[authority] ?? [] } }
}

/// Carries documents between authorities in one process; some may be cut off.
final class MemoryTransport: AuthorityTransport {
    private struct State {
        var drivers: [SocketEndpoint: AuthorityDriver] = [:]
        var stores: [SocketEndpoint: DirectoryStore] = [:]
        var dead: Set<SocketEndpoint> = []
        var losesPosts = false
        var log: [String] = []
    }

    private let state = Mutex(State())
    private let clock: HandMovedClock

    init(clock: HandMovedClock) {
        self.clock = clock
    }

    struct Unreachable: Error {}

    func connect(_ driver: AuthorityDriver, _ store: DirectoryStore, at endpoint: SocketEndpoint) {
        state.withLock {
            $0.drivers[endpoint] = driver
            $0.stores[endpoint] = store
        }
    }

    func kill(_ index: Int) {
        guard let endpoint = SocketEndpoint("127.1.\(index).1:7000") else { return }
        state.withLock { _ = $0.dead.insert(endpoint) }
    }

    func losePosts(_ loses: Bool) { state.withLock { $0.losesPosts = loses } }

    var log: [String] { state.withLock { $0.log } }

    private func driver(_ endpoint: SocketEndpoint) -> AuthorityDriver? {
        state.withLock { $0.dead.contains(endpoint) ? nil : $0.drivers[endpoint] }
    }

    func post(_ path: String, body: [UInt8], to endpoint: SocketEndpoint, on loop: any EventLoop) -> EventLoopFuture<
        Int
    > {
        state.withLock { $0.log.append("POST \(path)") }
        let promise = loop.makePromise(of: Int.self)
        guard let driver = driver(endpoint), let kind = DirectoryUpload.Kind(rawValue: path),
            !state.withLock({ $0.losesPosts })
        else {
            promise.fail(Unreachable())
            return promise.futureResult
        }
        let peer = DirectoryPeer(address: nil, isEncrypted: false, isAnonymous: false)
        driver.receiveUpload(DirectoryUpload(kind, body: body, peer: peer), now: clock.now) { answer in
            switch answer {
            case .accepted, .notNew: promise.succeed(200)
            case .refused(let status, _): promise.succeed(status)
            }
        }
        return promise.futureResult
    }

    func get(_ path: String, from endpoint: SocketEndpoint, on loop: any EventLoop) -> EventLoopFuture<[UInt8]?> {
        state.withLock { $0.log.append("GET \(path)") }
        guard let driver = driver(endpoint) else { return loop.makeFailedFuture(Unreachable()) }
        if path.hasPrefix("/tor/server/d/"), let store = state.withLock({ $0.stores[endpoint] }) {
            let digests = path.dropFirst("/tor/server/d/".count).split(separator: "+").compactMap {
                DirectoryEncoding.hex($0, byteCount: 20).flatMap { DescriptorDigest($0) }
            }
            let found = digests.compactMap { store.snapshot.descriptors[$0]?.bytes }
            return loop.makeSucceededFuture(found.isEmpty ? nil : found.flatMap { $0 })
        }
        guard path.hasPrefix("/tor/status-vote/") else { return loop.makeSucceededFuture(nil) }
        let documents = driver.statusVoteDocuments(String(path.dropFirst("/tor/status-vote/".count)))
        return loop.makeSucceededFuture(documents.isEmpty ? nil : documents.flatMap { $0 })
    }
}
