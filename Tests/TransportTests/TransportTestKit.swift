import Cells
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Transport

/// All tests that open sockets: one after another, since they count descriptors and time.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct SocketTests {}

/// A self-signed certificate with its key, made by the openssl program.
struct TestCertificate: Sendable {
    let certificate: [UInt8]
    let key: [UInt8]
    let certificateFile: String
    let keyFile: String

    static let first = try! TestCertificate(name: "first")
    static let second = try! TestCertificate(name: "second")

    private init(name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        certificateFile = folder.appending(path: "certificate.pem").path
        keyFile = folder.appending(path: "key.pem").path
        try runOpenSSL([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", keyFile, "-out", certificateFile, "-days", "30",
            "-subj", "/CN=www.\(name).net",
        ])
        let certificateDER = folder.appending(path: "certificate.der")
        let keyDER = folder.appending(path: "key.der")
        try runOpenSSL(["x509", "-in", certificateFile, "-outform", "DER", "-out", certificateDER.path])
        try runOpenSSL(["rsa", "-in", keyFile, "-outform", "DER", "-out", keyDER.path])
        certificate = [UInt8](try Data(contentsOf: certificateDER))
        key = [UInt8](try Data(contentsOf: keyDER))
    }
}

func runOpenSSL(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/openssl")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
}

/// One end of a test connection. Lives on its event loop, except for its futures.
final class TestEnd: TLSHandlerOwner, @unchecked Sendable {
    let loop: any EventLoop
    let secured: EventLoopPromise<Void>
    let closed: EventLoopPromise<TransportError>
    var handler: TLSHandler!
    var socket: (any Channel)!
    var bursts = 0
    var received = 0
    var writable = 0
    var onPlaintext: ((TestEnd, UnsafeRawBufferPointer) -> Void)?
    var onBurst: ((TestEnd) -> Void)?
    var onWritable: ((TestEnd) -> Void)?

    init(loop: any EventLoop) {
        self.loop = loop
        secured = loop.makePromise()
        closed = loop.makePromise()
    }

    func connectionSecured() { secured.succeed() }

    func receive(plaintext: UnsafeRawBufferPointer) {
        received += plaintext.count
        onPlaintext?(self, plaintext)
    }

    func burstEnded() {
        bursts += 1
        onBurst?(self)
    }

    func connectionWritable() {
        writable += 1
        onWritable?(self)
    }

    func connectionClosed(_ reason: TransportError) {
        secured.fail(reason)
        closed.succeed(reason)
    }

    /// Runs `body` on the end's loop.
    func run<Result: Sendable>(_ body: @escaping @Sendable (TestEnd) throws -> Result) async throws -> Result {
        try await loop.submit { try body(self) }.get()
    }
}

/// A thread with its transport.
final class TestLoop: @unchecked Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop: any EventLoop
    var transport: TransportLoop!

    init(bandwidth: SharedBandwidth = SharedBandwidth(now: .now)) async throws {
        loop = group.next()
        try await loop.submit { [self] in transport = TransportLoop(eventLoop: loop, bandwidth: bandwidth) }.get()
    }

    func makeEnd(
        _ context: TLSContext, options: TLSHandler.Options = .init(), on socket: any Channel,
        prepare: (TestEnd) -> Void = { _ in }
    ) throws -> TestEnd {
        let end = TestEnd(loop: loop)
        end.handler = try TLSHandler(context: context, loop: transport, options: options)
        end.socket = socket
        prepare(end)
        try end.handler.install(on: socket, owner: end)
        return end
    }

    func stop() async throws { try await group.shutdownGracefully() }
}

/// A listening server whose accepted ends can be awaited.
struct TestServer: Sendable {
    let loop: TestLoop
    let listener: Listener
    private let ends: AsyncStream<TestEnd>.Iterator.Shared

    init(
        _ context: TLSContext, options: TLSHandler.Options = .init(), bandwidth: SharedBandwidth = .init(now: .now),
        prepare: @escaping @Sendable (TestEnd) -> Void = { _ in }
    ) async throws {
        let loop = try await TestLoop(bandwidth: bandwidth)
        let (stream, continuation) = AsyncStream.makeStream(of: TestEnd.self)
        self.loop = loop
        ends = .init(stream.makeAsyncIterator())
        listener = try await Listener.bind(loopback(0), loops: loop.group) { socket in
            continuation.yield(try loop.makeEnd(context, options: options, on: socket, prepare: prepare))
        }.get()
    }

    func accepted() async throws -> TestEnd { try #require(await ends.next()) }

    func stop() async throws {
        try await listener.close().get()
        try await loop.stop()
    }
}

extension AsyncStream.Iterator where Element: Sendable {
    /// An iterator that a value can hold; used by one task at a time.
    final class Shared: @unchecked Sendable {
        private var iterator: AsyncStream<Element>.Iterator
        init(_ iterator: AsyncStream<Element>.Iterator) { self.iterator = iterator }
        func next() async -> Element? { await iterator.next() }
    }
}

/// A dialled client end.
func dial(
    _ context: TLSContext, to port: UInt16, on loop: TestLoop, options: TLSHandler.Options = .init(),
    prepare: @escaping @Sendable (TestEnd) -> Void = { _ in }
) async throws -> TestEnd {
    let end = Mutex<TestEnd?>(nil)
    let box = Box(end)
    _ = try await DirectDialer(timeout: .seconds(5)).dial(loopback(port), on: loop.loop) { socket in
        let made = try loop.makeEnd(context, options: options, on: socket, prepare: prepare)
        box.value.withLock { $0 = made }
    }.get()
    return try #require(box.value.withLock { $0 })
}

final class Box: Sendable {
    let value: Mutex<TestEnd?>
    init(_ value: consuming Mutex<TestEnd?>) { self.value = value }
}

func loopback(_ port: UInt16, host: UInt8 = 1) -> SocketEndpoint {
    SocketEndpoint(address: IPAddress(ipv4: 0x7f00_0000 | UInt32(host)), port: port)
}

/// Bytes that differ everywhere a TLS record or a cell might begin: a period that divides neither.
let pattern: [UInt8] = (0..<(65_521 + 65_536)).map {
    UInt8(truncatingIfNeeded: ($0 % 65_521) &* 31 &+ ($0 % 65_521) >> 8)
}

/// `count` bytes of the pattern, from a position in the stream on.
func withPattern(at position: Int, count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    pattern.withUnsafeBytes { bytes in
        let start = position % 65_521
        body(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + min(count, 65_536))]))
    }
}

/// Whether these bytes are the pattern's, from a position in the stream on.
func matchesPattern(_ bytes: UnsafeRawBufferPointer, at position: Int) -> Bool {
    var done = 0
    while done < bytes.count {
        let length = min(65_536, bytes.count - done)
        var same = true
        withPattern(at: position + done, count: length) { expected in
            same = memcmp(bytes.baseAddress! + done, expected.baseAddress!, length) == 0
        }
        guard same else { return false }
        done += length
    }
    return true
}
