import CellPath
import Cells
import Channels
import Configuration
import Directory
import Logging
import NIOCore
import NIOPosix
import OnionCrypto
import Paths
import Testing
import Transport

@testable import Client

#if canImport(Glibc)
    import Glibc
#endif

/// Our client in a network of C Tor.
///
/// `FANION_TEST_NETWORK` names the folder of one that runs, as `scripts/private-network up --tor all` leaves it; documents
/// come from its first client's cache. With `FANION_TEST_NETWORK_KILL` relays are killed.
@Suite(.serialized, .timeLimit(.minutes(2)), .enabled(if: getenv("FANION_TEST_NETWORK") != nil))
struct ClientTorTests {
    private static let folder = getenv("FANION_TEST_NETWORK").map { String(cString: $0) } ?? ""

    private static func read(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw CancellationError() }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func view() throws -> NetworkView {
        let data = folder + "/client1/data/"
        let consensus = try Consensus(parsing: try read(data + "cached-microdesc-consensus"))
        let text = ((try? read(data + "cached-microdescs")) ?? []) + ((try? read(data + "cached-microdescs.new")) ?? [])
        var documents: [MicrodescriptorDigest: Microdescriptor] = [:]
        for (_, result) in DocumentSplitter.read(
            text, startingWith: ["onion-key"],
            { _, bytes throws(DirectoryError) in try Microdescriptor(bytes) })
        {
            let document = try result.get()
            documents[document.digest] = document
        }
        return NetworkView(consensus) { documents[$0] }
    }

    /// A client with one loop and real channels.
    private final class Node: Sendable {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let circuits: NIOLoopBound<ClientCircuits>
        let corridor: NIOLoopBound<Corridor>
        let environment: CellPathEnvironment
        let directory: CorridorDirectory
        let listener: SOCKSListener
        let loop: any EventLoop

        init(_ torrc: String = "") async throws {
            let loop = group.next()
            self.loop = loop
            let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567"
            let settings = try Settings(
                torrc: TorrcFile(
                    path: "torrc",
                    text: """
                        TestingTorNetwork 1
                        DirAuthority test orport=5000 v3ident=\(fingerprint) 127.1.0.1:7000 \(fingerprint)
                        SocksPort 127.0.0.1:auto
                        ClientRejectInternalAddresses 0
                        ClientDNSRejectInternalAddresses 0
                        \(torrc)
                        """))
            var logger = Logger(label: "test")
            logger.logLevel = .warning
            environment = CellPathEnvironment(
                loops: [loop], memory: MemoryBudget(limit: 1 << 30), bandwidth: SharedBandwidth(now: .now),
                dialer: DirectDialer(bindIPv4: IPAddress("127.99.0.1"), timeout: .seconds(5)), workerCount: 1,
                logger: logger)
            directory = CorridorDirectory(count: 1)
            let view = try ClientTorTests.view()
            (circuits, corridor, listener) = try await loop.flatSubmit { [environment, directory, logger] in
                do {
                    let corridor = Corridor(
                        index: 0, environment: environment,
                        settings: CellPathSettings(clientTLS: try TLSContext(clientWith: .all)))
                    directory.put(corridor)
                    corridor.start(directory)
                    let circuits = ClientCircuits(
                        launcher: corridor, settings: PoolSettings(settings.client), version: "test", logger: logger,
                        generator: SystemRandom())
                    circuits.networkChanged(view)
                    circuits.start()
                    let bound = NIOLoopBound((circuits, corridor), eventLoop: loop)
                    return SOCKSListener.open(
                        settings.client.socksPorts[0], index: 0, settings: settings.client, circuits: circuits
                    ).map { listener in
                        let (circuits, corridor) = bound.value
                        return (
                            NIOLoopBound(circuits, eventLoop: loop), NIOLoopBound(corridor, eventLoop: loop), listener
                        )
                    }
                } catch { return loop.makeFailedFuture(error) }
            }.get()
        }

        func run<Result: Sendable>(_ body: @escaping @Sendable (ClientCircuits) throws -> Result) async throws -> Result
        {
            try await loop.submit { [circuits] in try body(circuits.value) }.get()
        }

        func connect(_ server: UInt16, user: String = "a") throws -> TestSocket {
            guard case .tcp(_, let port?) = listener.address else { throw CancellationError() }
            let program = try #require(TestSocket(port: port))
            program.send([5, 1, 2, 1, UInt8(user.utf8.count)] + Array(user.utf8) + [0])
            program.send([5, 1, 0, 1, 127, 0, 0, 1, UInt8(server >> 8), UInt8(server & 255)])
            return program
        }

        func stop() async throws {
            try await listener.close().get()
            try await loop.submit { [circuits, corridor] in
                circuits.value.stop()
                corridor.value.shutDown()
            }.get()
            try await Task.sleep(for: .milliseconds(50))
            environment.workers.shutDown()
            try await group.shutdownGracefully()
        }
    }

    /// Sends back what it gets.
    private final class Echo: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(data, promise: nil)
        }
    }

    private static func echoServer() async throws -> (any Channel, UInt16) {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { socket in
                socket.eventLoop.makeCompletedFuture { try socket.pipeline.syncOperations.addHandler(Echo()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (server, UInt16(try #require(server.localAddress?.port)))
    }

    private static let granted: [UInt8] = [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

    @Test func `the network is read from C Tor's cache`() throws {
        let view = try Self.view()
        #expect(view.relays.count >= 6)
        #expect(view.relays.allSatisfy { $0.hasDescriptor && $0.ed25519Identity != nil && $0.supportsNtorV3 })
        #expect(view.relays.contains { $0.isExit && $0.ipv4Policy.allows(80) })
        #expect(view.relays.contains { $0.isPossibleGuard })
    }

    @Test func `bytes go through three relays of C Tor and come back`() async throws {
        let (server, port) = try await Self.echoServer()
        let node = try await Node()
        let program = try node.connect(port)
        #expect(program.receive(14) == Self.granted)
        var random = SystemRandom()
        let data = random.randomBytes(8 << 20)
        let sender = Task.detached { program.send(data) }
        let received = await Task.detached { program.receive(data.count) }.value
        #expect(await sender.value == data.count)
        #expect(received == data)
        let lines = try await node.run { ($0.circuitStatusLines, $0.streamStatusLines, $0.entryGuardLines) }
        #expect(lines.0.contains { $0.contains(" BUILT $") })
        #expect(lines.1.contains { $0.contains(" SUCCEEDED ") && $0.hasSuffix(" 127.0.0.1:\(port)") })
        #expect(lines.2.contains { $0.hasSuffix(" up") })
        program.finishSending()
        try await node.stop()
        try await server.close()
    }

    @Test func `many programs at once`() async throws {
        let (server, port) = try await Self.echoServer()
        let node = try await Node()
        let sums = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<24 {
                group.addTask {
                    await Task.detached {
                        guard let program = try? node.connect(port, user: "user\(number % 3)") else { return false }
                        guard program.receive(14) == Self.granted else { return false }
                        let data = [UInt8](repeating: UInt8(number), count: 100_000)
                        program.send(data)
                        return program.receive(data.count) == data
                    }.value
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(sums == 24)
        let names = try await node.run { circuits in
            Set(
                circuits.circuitStatusLines.compactMap { $0.firstMatch(of: /SOCKS_USERNAME="(\w+)"/)?.1 }.map(
                    String.init))
        }
        #expect(names == ["user0", "user1", "user2"])
        try await node.stop()
        try await server.close()
    }

    @Test func `a refused connection is told as C Tor's client tells it`() async throws {
        let (server, port) = try await Self.echoServer()
        try await server.close()
        let node = try await Node()
        let program = try node.connect(port)
        // On loopback C Tor's exits say MISC, three of them, and its client then gives the general failure.
        #expect(program.receive(14) == [5, 2, 1, 0, 5, 1, 0, 1, 0, 0, 0, 0, 0, 0])
        try await node.stop()
    }

    @Test(.enabled(if: getenv("FANION_TEST_NETWORK_KILL") != nil))
    func `a killed relay is worked around in ten seconds`() async throws {
        let (server, port) = try await Self.echoServer()
        let node = try await Node()
        let program = try node.connect(port)
        #expect(program.receive(14) == Self.granted)
        // The middle first, then the exit, then the guard, each of whatever circuit carries streams then.
        for position in [1, 2, 0] {
            let nickname = try await node.run { circuits in
                let used = circuits.pool.circuits.values.filter { $0.firstUsed != nil && !$0.isUnusable }
                return try #require(used.max { $0.begun.steady < $1.begun.steady }).path[position].nickname
            }
            guard
                let line = String(decoding: try Self.read(Self.folder + "/running"), as: UTF8.self)
                    .split(separator: "\n").first(where: { $0.hasPrefix(nickname + " ") }),
                let process = pid_t(line.split(separator: " ")[1])
            else { continue }
            kill(process, SIGKILL)
            let begun = ContinuousClock.now
            var isBack = false
            while !isBack, begun.duration(to: .now) < .seconds(20) {
                let next = try node.connect(port)
                isBack = await Task.detached { next.receive(14) == Self.granted }.value
            }
            let elapsed = begun.duration(to: .now)
            print("killed \(nickname) at position \(position): back after \(elapsed)")
            #expect(isBack && elapsed < .seconds(10), "\(nickname) at position \(position): \(elapsed)")
        }
        try await node.stop()
        try await server.close()
    }
}
