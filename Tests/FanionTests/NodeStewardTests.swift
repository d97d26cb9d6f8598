import Configuration
import Control
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import fanion

/// A node that does nothing but remember what it was told.
private final class TestNode: NodeRunner {
    struct Seen {
        var nicknames: [String] = []
        var signals: [ControlSignal] = []
        var stoppedAccepting = 0
        var hasEnded = false
    }

    let seen = Mutex(Seen())

    func run() async throws {
        try await gracefulShutdown()
        seen.withLock { $0.hasEnded = true }
    }

    func reload(_ settings: Settings) async throws { seen.withLock { $0.nicknames.append(settings.relay.nickname) } }
    func stopAccepting() async { seen.withLock { $0.stoppedAccepting += 1 } }
    func receive(_ signal: ControlSignal) async { seen.withLock { $0.signals.append(signal) } }
}

@Suite(.serialized)
struct NodeStewardTests {
    /// Runs a node with this torrc, sends it these signals, and returns how long it lived and what it saw.
    private func run(_ torrc: String, _ orders: [(ControlSignal, before: String?)]) async throws -> (
        Duration, TestNode.Seen
    ) {
        let path = NSTemporaryDirectory() + "fanion-steward-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try torrc.write(toFile: path, atomically: true, encoding: .utf8)
        let source = ConfigurationSource(try CommandLineArguments(["-f", path, "--quiet"]))
        let (signals, continuation) = AsyncStream.makeStream(of: ControlSignal.self)
        let node = TestNode()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let steward = NodeSteward(
            node: node, settings: try source.read(), source: source, outputs: LogOutputs(), logger: logger,
            signals: signals, continuation: continuation)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: node, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: steward, successTerminationBehavior: .gracefullyShutdownGroup),
                ], logger: logger))
        let start = ContinuousClock.now
        let life = Task { try await group.run() }
        for (signal, text) in orders {
            if let text { try text.write(toFile: path, atomically: true, encoding: .utf8) }
            continuation.yield(signal)
            try await Task.sleep(for: .milliseconds(100))
        }
        try await life.value
        return (start.duration(to: .now), node.seen.withLock { $0 })
    }

    private let relay = "ORPort 127.0.0.1:9001\nNickname a\nShutdownWaitLength 30\n"

    @Test func `TERM ends at once`() async throws {
        let (life, seen) = try await run(relay, [(.halt, nil)])
        #expect(life < .seconds(10))
        #expect(seen.hasEnded && seen.stoppedAccepting == 0)
    }

    @Test func `INT lets a relay finish what it carries, and a second one does not`() async throws {
        let (life, seen) = try await run(
            relay.replacingOccurrences(of: "30", with: "1"), [(.shutdown, nil)])
        #expect(life > .milliseconds(900) && life < .seconds(10))
        #expect(seen.hasEnded && seen.stoppedAccepting == 1)
        let (secondLife, _) = try await run(relay, [(.shutdown, nil), (.shutdown, nil)])
        #expect(secondLife < .seconds(10))
    }

    @Test func `INT ends a client at once`() async throws {
        let (life, seen) = try await run("SocksPort 9999\n", [(.shutdown, nil)])
        #expect(life < .seconds(10))
        #expect(seen.stoppedAccepting == 0)
    }

    @Test func `HUP reads the torrc again, and keeps the old one if the new one will not do`() async throws {
        let (_, seen) = try await run(
            relay,
            [
                (.reload, before: relay.replacingOccurrences(of: "Nickname a", with: "Nickname b")),
                (.reload, before: relay + "BandwidthRate nonsense\n"),
                (.reload, before: relay + "DataDirectory /elsewhere\n"),
                (.reload, before: relay.replacingOccurrences(of: "Nickname a", with: "Nickname c")),
                (.newIdentity, before: nil), (.halt, before: nil),
            ])
        #expect(seen.nicknames == ["b", "c"])
        #expect(seen.signals == [.newIdentity])
    }

    @Test func `one process only works in a data folder`() async throws {
        let folder = NSTemporaryDirectory() + "fanion-lock-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // A lock of another process: this one's own would not stand in its way.
        let other = Process()
        other.executableURL = URL(filePath: "/usr/bin/python3")
        let script = """
            import fcntl, sys
            file = open(sys.argv[1], "w")
            fcntl.lockf(file, fcntl.LOCK_EX)
            print("locked", flush=True)
            sys.stdin.read()
            """
        other.arguments = ["-c", script, folder + "/lock"]
        let (input, output) = (Pipe(), Pipe())
        other.standardInput = input
        other.standardOutput = output
        try other.run()
        #expect(!output.fileHandleForReading.availableData.isEmpty)
        await #expect(throws: CommandFailure.self) { _ = try await DataDirectoryLock(folder) }
        try input.fileHandleForWriting.close()
        other.waitUntilExit()
        _ = try await DataDirectoryLock(folder)
    }
}
