import CellPath
import Cells
import Circuits
import Configuration
import Logging
import NIOCore
import NIOPosix
import Paths
import ProtocolTestKit
import Testing

@testable import Client

#if canImport(Glibc)
    import Glibc
#endif

/// A SocksPort with a network in memory behind it.
private final class Port: Sendable {
    let loop: any EventLoop
    let state: NIOLoopBound<State>
    let listener: SOCKSListener

    final class State {
        let network: MemoryCircuits
        let circuits: ClientCircuits
        var events: [ClientEvent] = []

        init(loop: any EventLoop, settings: ClientSettings) {
            network = MemoryCircuits(eventLoop: loop)
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            circuits = ClientCircuits(
                launcher: network, settings: PoolSettings(settings), version: "test", logger: logger,
                generator: SeededRandom(seed: 4),
                clock: { Moment(steady: .now, wall: TestRelays.start) })
            circuits.onEvent = { [unowned self] in events.append($0) }
        }
    }

    init(_ torrc: String = "", index: Int = 0) async throws {
        let settings = try Settings(torrc: TorrcFile(path: "torrc", text: "SocksPort 127.0.0.1:auto\n" + torrc)).client
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        (state, listener) = try await loop.flatSubmit {
            let state = State(loop: loop, settings: settings)
            state.circuits.networkChanged(TestRelays.view())
            let bound = NIOLoopBound(state, eventLoop: loop)
            return SOCKSListener.open(
                settings.socksPorts[index], index: index, settings: settings, circuits: state.circuits
            ).map { (bound, $0) }
        }.get()
    }

    func run<Result: Sendable>(_ body: @escaping @Sendable (State) throws -> Result) async throws -> Result {
        let state = state
        return try await loop.submit { try body(state.value) }.get()
    }

    /// Waits, up to five seconds.
    func wait(_ condition: @escaping @Sendable (State) -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if try await run(condition) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    func connect() throws -> TestSocket {
        guard case .tcp(_, let port?) = listener.address else { throw CancellationError() }
        return try #require(TestSocket(port: port))
    }

    func close() async throws {
        try await listener.close().get()
        try await run { $0.circuits.stop() }
    }
}

extension Port.State {
    fileprivate var streams: [MemoryStream] { network.circuits.flatMap(\.streams) }
}

private func request(_ name: String, _ port: UInt16 = 80, command: UInt8 = 1) -> [UInt8] {
    [5, command, 0, 3, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(port >> 8), UInt8(port & 255)]
}

private let granted: [UInt8] = [5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

@Suite struct SOCKSListenerTests {
    @Test func `bytes go both ways over a stream`() async throws {
        let port = try await Port()
        try await port.run { state in
            state.network.answer = { request, circuit in
                circuit.streams.last?.onReceive = { stream in stream.deliver(stream.consume().reversed()) }
                return .connect(IPAddress("192.0.2.1"))
            }
        }
        let program = try port.connect()
        // Everything at once, as an optimistic program does.
        program.send([5, 1, 0] + request("a.example") + Array("stressed".utf8))
        #expect(program.receive(12) == granted)
        #expect(program.receive(8) == Array("desserts".utf8))
        program.send(Array("abc".utf8))
        #expect(program.receive(3) == Array("cba".utf8))
        let texts = try await port.run { ($0.circuits.circuitStatusLines, $0.circuits.streamStatusLines) }
        #expect(texts.0.count == 1)
        #expect(
            texts.0[0].wholeMatch(
                of:
                    /\d+ BUILT (\$[0-9A-F]{40}~relay\d+,?){3} BUILD_FLAGS=NEED_CAPACITY PURPOSE=GENERAL TIME_CREATED=2026-01-01T00:00:00\.000000/
            ) != nil)
        #expect(texts.1.count == 1)
        #expect(texts.1[0].wholeMatch(of: /1 SUCCEEDED \d+ a\.example:80/) != nil)
        program.finishSending()
        #expect(program.isAtEnd)
        #expect(try await port.wait { $0.streams.allSatisfy { $0.endedWith == .done } && $0.circuits.streams.isEmpty })
        let words = try await port.run { state in
            state.events.compactMap {
                if case .stream(let text) = $0 { String(text.split(separator: " ")[2]) } else { nil }
            }
        }
        #expect(words == ["NEW", "SENTCONNECT", "SUCCEEDED", "CLOSED"])
        try await port.close()
    }

    @Test func `a slow exit stops the program, and nothing is lost`() async throws {
        let port = try await Port()
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(12) == granted)
        // The window is 10,000 bytes and nobody consumes: the sockets' buffers fill, then nothing is taken.
        var sent: [UInt8] = []
        var random = SeededRandom(seed: 1)
        var idle = 0
        while idle < 20, sent.count < 64_000_000 {
            let chunk = random.bytes(4096)
            let taken = program.sendAvailable(chunk)
            sent += chunk.prefix(taken)
            if taken == 0 {
                idle += 1
                try await Task.sleep(for: .milliseconds(10))
            } else {
                idle = 0
            }
        }
        #expect(sent.count < 64_000_000)
        #expect(try await port.run { $0.streams[0].received.count } == 10_000)
        // The program closes its side; all that it sent arrives before the stream ends.
        program.finishSending()
        var arrived: [UInt8] = []
        for _ in 0..<20_000 where arrived.count < sent.count {
            arrived += try await port.run { $0.streams[0].consume() }
            #expect(try await port.run { $0.streams[0].endedWith } == nil || arrived.count + 10_000 >= sent.count)
        }
        arrived += try await port.run { $0.streams[0].consume() }
        #expect(arrived == sent)
        #expect(try await port.wait { $0.streams[0].endedWith == .done })
        try await port.close()
    }

    @Test func `a slow program holds the stream up`() async throws {
        let port = try await Port()
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(12) == granted)
        var random = SeededRandom(seed: 2)
        let data = random.bytes(8_000_000)
        let delivered = try await port.run { state in
            let stream = state.streams[0]
            var count = 0
            while count < data.count, !stream.isBacklogged {
                stream.deliver(Array(data[count..<min(data.count, count + 50_000)]))
                count += 50_000
            }
            return count
        }
        #expect(delivered < data.count)
        // What is under way may still come; then the stream ends, and the program gets all of it.
        try await port.run { $0.streams[0].deliver(Array(data[delivered..<delivered + 100_000])) }
        try await port.run { $0.streams[0].endRemotely(.done) }
        let got = await Task.detached { [descriptor = program.descriptor] in
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = recv(descriptor, &chunk, chunk.count, 0)
                guard count > 0 else { return bytes }
                bytes += chunk[..<count]
            }
        }.value
        #expect(got == Array(data[..<(delivered + 100_000)]))
        try await port.close()
    }

    @Test func `the stream is acknowledged again when the program has read`() async throws {
        let port = try await Port()
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(12) == granted)
        let count = try await port.run { state in
            let stream = state.streams[0]
            var count = 0
            while !stream.isBacklogged, count < 64_000_000 {
                stream.deliver([UInt8](repeating: 1, count: 50_000))
                count += 50_000
            }
            return count
        }
        #expect(program.receive(count).count == count)
        #expect(try await port.wait { !$0.streams[0].isBacklogged })
        try await port.close()
    }

    @Test(arguments: [
        (EndReason.connectRefused, 5), (.exitPolicy, 2), (.timeout, 6), (.resolveFailed, 4), (.internal, 1),
    ])
    func `an exit's reason becomes SOCKS's`(_ reason: EndReason, _ code: Int) async throws {
        let port = try await Port()
        try await port.run { $0.network.answer = { _, _ in .end(reason) } }
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(100) == [5, 0, 5, UInt8(code), 0, 1, 0, 0, 0, 0, 0, 0])
        #expect(program.isAtEnd)
        try await port.close()
    }

    @Test func `names are looked up`() async throws {
        let port = try await Port()
        try await port.run { state in
            state.network.answer = { request, _ in
                guard case .resolve(let message) = request else { return .end(.misc) }
                let value: ResolvedMessage.Value =
                    message.name.hasSuffix(".in-addr.arpa")
                    ? .hostName("b.example") : .address(IPAddress("192.0.2.8")!)
                return .resolve([.init(value, timeToLive: 60)])
            }
        }
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example", 0, command: 0xF0))
        #expect(program.receive(100) == [5, 0, 5, 0, 0, 1, 192, 0, 2, 8, 0, 0])
        let other = try port.connect()
        other.send([5, 1, 0, 5, 0xF1, 0, 1, 192, 0, 2, 8, 0, 0])
        #expect(other.receive(100) == [5, 0, 5, 0, 0, 3, 9] + Array("b.example".utf8) + [0, 0])
        try await port.close()
    }

    @Test func `onion and private addresses are refused`() async throws {
        let port = try await Port()
        for (bytes, code) in [
            (request("abcdefghijklmnop.onion"), 4), ([5, 1, 0, 1, 10, 0, 0, 1, 0, 80], 1), (request("localhost"), 1),
        ] {
            let program = try port.connect()
            program.send([5, 1, 0] + bytes)
            #expect(program.receive(100) == [5, 0, 5, UInt8(code), 0, 1, 0, 0, 0, 0, 0, 0])
        }
        #expect(try await port.run { $0.network.circuits.isEmpty })
        try await port.close()
    }

    @Test func `passwords part circuits`() async throws {
        let port = try await Port()
        func connect(_ name: String?) throws -> TestSocket {
            let program = try port.connect()
            if let name {
                program.send([5, 1, 2, 1, UInt8(name.utf8.count)] + Array(name.utf8) + [0] + request("a.example"))
                #expect(program.receive(14) == [5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            } else {
                program.send([5, 1, 0] + request("a.example"))
                #expect(program.receive(12) == granted)
            }
            return program
        }
        let programs = try [nil, "alice", "bob", "alice", nil].map { try connect($0) }
        let circuits = try await port.run { $0.network.circuits.map(\.streamCount) }
        #expect(circuits.sorted() == [1, 2, 2])
        #expect(programs.count == 5)
        let text = try await port.run { $0.circuits.circuitStatusLines.joined(separator: "\n") }
        #expect(text.contains("SOCKS_USERNAME=\"alice\""))
        try await port.close()
    }

    @Test func `dead relays are worked around within seconds`() async throws {
        let port = try await Port()
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(12) == granted)
        // The guard of the circuit in use, then every middle but one, then all exits but one.
        try await port.run { state in
            let path = state.network.circuits[0].path
            for hop in path { state.network.kill(hop.rsaIdentity) }
            for number in [1000, 1001, 1002, 1003, 2000, 2001, 2002, 2003] where state.network.deadRelays.count < 10 {
                state.network.kill(TestRelays.identity(number))
            }
        }
        #expect(program.isAtEnd)
        let begun = ContinuousClock.now
        let next = try port.connect()
        next.send([5, 1, 0] + request("b.example"))
        // No clock ticks here, so the brake on failures does not open by itself.
        let ticking = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(250))
                try await port.run { $0.circuits.tick() }
            }
        }
        let reply = await Task.detached { [descriptor = next.descriptor] in
            var bytes = [UInt8](repeating: 0, count: 12)
            var got = 0
            while got < 12 {
                let count = bytes[got...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
                if count == 0 { break }
                if count > 0 { got += count }
                if begun.duration(to: .now) > .seconds(10) { break }
            }
            return bytes
        }.value
        ticking.cancel()
        #expect(reply == granted)
        #expect(begun.duration(to: .now) < .seconds(10))
        try await port.close()
    }

    @Test func `a circuit that goes away under a waiting stream is replaced`() async throws {
        let port = try await Port()
        try await port.run { $0.network.answer = { _, _ in .silence } }
        let program = try port.connect()
        program.send([5, 1, 0] + request("a.example"))
        #expect(try await port.wait { !$0.streams.isEmpty })
        try await port.run { state in
            state.network.answer = { _, _ in .connect(nil) }
            state.network.circuits[0].end(CircuitEnding(reason: .destroyed, isRemote: true, hopCount: 3))
        }
        #expect(program.receive(12) == granted)
        try await port.close()
    }

    @Test func `a program that leaves while it waits takes its stream along`() async throws {
        let port = try await Port()
        try await port.run { $0.network.answer = { _, _ in .silence } }
        do {
            let program = try port.connect()
            program.send([5, 1, 0] + request("a.example"))
            #expect(try await port.wait { !$0.streams.isEmpty })
            withExtendedLifetime(program) {}
        }
        #expect(try await port.wait { $0.circuits.streams.isEmpty && $0.circuits.pool.streams.isEmpty })
        #expect(try await port.run { $0.streams.allSatisfy { $0.endedWith == .done } })
        try await port.close()
    }

    @Test func `a Unix socket is for its owner only`() async throws {
        let folder = "/tmp/fanion-socks-\(getpid())"
        mkdir(folder, 0o700)
        defer { rmdir(folder) }
        let path = folder + "/socks"
        let port = try await Port("SocksPort unix:\(path)\n", index: 1)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let program = try #require(TestSocket(path: path))
        program.send([5, 1, 0] + request("a.example"))
        #expect(program.receive(12) == granted)
        try await port.close()
        unlink(path)
        chmod(folder, 0o755)
        await #expect(throws: SOCKSListenerError.folderIsOpenToOthers(path)) {
            _ = try await Port("SocksPort unix:\(path)\n", index: 1)
        }
        _ = try await Port("SocksPort unix:\(path) RelaxDirModeCheck\n", index: 1)
        unlink(path)
    }
}
