import CellPath
import Cells
import Circuits
import Configuration
import Directory
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import Transport

@testable import Node

/// Our directory client over real channels and circuits, from a C Tor authority's ORPort.
@Suite(.enabled(if: DirectoryTorAuthority.isWanted), .serialized)
struct DirectoryCorridorTorTests {
    /// A client's corridor on one loop.
    private struct Ground {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop: any EventLoop
        let environment: CellPathEnvironment
        let directory = CorridorDirectory(count: 1)
        let logger = Logger(label: "test")

        init() async throws {
            loop = group.next()
            environment = CellPathEnvironment(
                loops: [loop], memory: MemoryBudget(limit: 1 << 28), bandwidth: SharedBandwidth(now: .now),
                dialer: DirectDialer(timeout: .seconds(5)), workerCount: 1, logger: logger)
            let settings = CellPathSettings(clientTLS: try TLSContext(clientWith: .all))
            let (environment, directory) = (environment, directory)
            try await loop.submit {
                let corridor = Corridor(index: 0, environment: environment, settings: settings)
                directory.put(corridor)
                corridor.start(directory)
            }.get()
        }

        func run<Result: Sendable>(_ body: @escaping @Sendable (Corridor) throws -> Result) async throws -> Result {
            let directory = directory
            return try await loop.submit { try body(try #require(directory.corridor(0))) }.get()
        }

        func stop() async throws {
            try await run { $0.shutDown() }
            environment.workers.shutDown()
            try await group.shutdownGracefully()
        }
    }

    @Test func `a client gets all it needs from C Tor's ORPort with CREATE_FAST and BEGIN_DIR`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let ground = try await Ground()
        let folder = try TemporaryFolder()
        let text = """
            TestingTorNetwork 1
            ORPort 127.0.0.1:9001
            Nickname cache
            AssumeReachable 1
            DirAuthority lone orport=\(tor.orPort) v3ident=\(tor.v3Identity.hex) 127.0.0.1:\(tor.dirPort) \(tor.identity.hex)

            """
        let settings = DirectoryClientSettings(try Settings(torrc: TorrcFile(path: "torrc", text: text)))
        let store = DirectoryStore(
            files: try DirectoryFiles(folder: folder.path), servesConsensuses: true, logger: ground.logger)
        let logger = ground.logger
        let box = try await ground.run { corridor in
            let client = DirectoryClient(
                store: store, fetcher: DirectoryFetcher(launcher: corridor), settings: settings,
                progress: BootstrapProgress(logger: logger), logger: logger)
            try client.start()
            return NIOLoopBound(client, eventLoop: corridor.eventLoop)
        }
        let deadline = ContinuousClock.now + .seconds(30)
        var hasEnough = false
        while ContinuousClock.now < deadline, !hasEnough || store.snapshot.descriptors.isEmpty {
            try await Task.sleep(for: .milliseconds(50))
            hasEnough = try await ground.run { _ in box.value.hasEnough }
        }
        #expect(hasEnough)
        let snapshot = store.snapshot
        #expect(snapshot.consensus(.ns) != nil && snapshot.consensus(.microdesc) != nil)
        #expect(snapshot.certificates[tor.v3Identity] != nil)
        #expect(snapshot.descriptor(of: tor.identity)?.nickname == "lone")
        try await ground.run { _ in box.value.stop() }
        await store.close()
        try await ground.stop()
    }

    @Test func `an upload over BEGIN_DIR is judged by C Tor, and requests share a circuit`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let ground = try await Ground()
        let target = HopTarget(
            rsaIdentity: tor.identity, ed25519Identity: nil,
            endpoints: [SocketEndpoint(address: .v4(0x7F00_0001), port: tor.orPort)], onionKey: nil)
        let router = try #require(try tor.mirror().snapshot.descriptors.values.first)
        let loop = ground.loop
        let promise = loop.makePromise(of: [Result<DirectoryResponse, DirectoryFetchError>].self)
        let box = try await ground.run { corridor in
            let fetcher = DirectoryFetcher(launcher: corridor)
            // Half a descriptor is none; C Tor says 200 all the same.
            let requests = [
                DirectoryRequest.upload(
                    descriptor: Array(router.bytes.prefix(router.bytes.count / 2)), because: "test"),
                .get("/tor/server/all.z"), .get("/tor/nothing"),
            ]
            var results: [Int: Result<DirectoryResponse, DirectoryFetchError>] = [:]
            for (index, request) in requests.enumerated() {
                fetcher.fetch(request, from: target) { result in
                    results[index] = result
                    if results.count == requests.count {
                        promise.succeed(results.sorted { $0.key < $1.key }.map(\.value))
                    }
                }
            }
            return NIOLoopBound(fetcher, eventLoop: corridor.eventLoop)
        }
        let results = try await promise.futureResult.get()
        #expect(try results[0].get().status == 200)
        #expect(try DocumentSplitter.split(results[1].get().body, startingWith: ["router"]).count == 1)
        #expect(try results[2].get().status == 404)
        try await ground.run { _ in box.value.close() }
        try await ground.stop()
    }
}
