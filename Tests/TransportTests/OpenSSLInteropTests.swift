import Cells
import Foundation
import NIOCore
import Testing

@testable import Transport

extension SocketTests {
    /// Against the openssl program's own client and server.
    @Suite struct OpenSSLInteropTests {
        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func `openssl s_client talks to our server`(version: String) async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key)
            ) { end in
                end.onPlaintext = { end, bytes in end.handler.append(bytes) }
                end.onBurst = { $0.handler.flush() }
            }
            let process = try ForeignProcess([
                "s_client", "-connect", "127.0.0.1:\(server.listener.endpoint.port)", version, "-nocommands",
                "-ign_eof",
                "-keymatexport", "EXPORTER FOR TOR TLS CLIENT BINDING AUTH0003", "-keymatexportlen", "32",
            ])
            defer { process.end() }
            let end = try await server.accepted()
            try await end.secured.futureResult.get()
            process.write("hello fanion\n")
            let seen = try await process.output { $0.contains("hello fanion") }
            #expect(seen.contains("www.first.net"))
            #expect(seen.contains("Secure Renegotiation IS") || version == "-tls1_3")
            #expect(seen.contains("Compression: NONE"))
            #expect(!seen.contains("TLS session ticket:"))
            if version == "-tls1_3" {
                // With TLS 1.3 no context and an empty one are the same.
                let material = try await end.run { try $0.handler.exportKeyingMaterial(context: []) }
                let text = material.map { String(format: "%02X", $0) }.joined()
                #expect(seen.contains(text))
            } else {
                #expect(seen.contains("ECDHE-RSA-AES256-GCM-SHA384"))
            }
            try await server.stop()
        }

        @Test(arguments: ["-tls1_2", "-tls1_3"])
        func `our client talks to openssl s_server`(version: String) async throws {
            let process = try ForeignProcess([
                "s_server", "-accept", "127.0.0.1:0", "-cert", TestCertificate.second.certificateFile, "-key",
                TestCertificate.second.keyFile, version, "-rev",
            ])
            defer { process.end() }
            let banner = try await process.output { $0.contains("ACCEPT 127.0.0.1:") && $0.hasSuffix("\n") }
            let line = try #require(banner.split(separator: "\n").first { $0.hasPrefix("ACCEPT 127.0.0.1:") })
            let port = try #require(UInt16(line.dropFirst("ACCEPT 127.0.0.1:".count)))
            let loop = try await TestLoop()
            let text = loop.loop.makePromise(of: [UInt8].self)
            let client = try await dial(try TLSContext(), to: port, on: loop) { end in
                end.onPlaintext = { _, bytes in text.succeed([UInt8](bytes)) }
            }
            try await client.secured.futureResult.get()
            #expect(try await client.run { $0.handler.peerCertificate } == TestCertificate.second.certificate)
            try await client.run { end in
                end.handler.append(Array("noinaf olleh\n".utf8))
                end.handler.flush()
            }
            #expect(try await text.futureResult.get() == Array("hello fanion\n".utf8))
            process.end()
            _ = try await client.closed.futureResult.get()
            try await loop.stop()
        }
    }
}

/// A run of the openssl program, with its input and output.
final class ForeignProcess: @unchecked Sendable {
    private let process = Process()
    private let input = Pipe()
    private let text = NSLock()
    private var seen = ""

    init(_ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        output.fileHandleForReading.readabilityHandler = { [weak self] handle in
            let data = handle.availableData
            if data.isEmpty {
                handle.readabilityHandler = nil
            } else {
                self?.text.withLock { self?.seen += String(decoding: data, as: UTF8.self) }
            }
        }
        try process.run()
    }

    func write(_ line: String) {
        try? input.fileHandleForWriting.write(contentsOf: Data(line.utf8))
    }

    /// What it has printed, once that is enough.
    func output(until isEnough: (String) -> Bool) async throws -> String {
        for _ in 0..<500 {
            let now = text.withLock { seen }
            if isEnough(now) { return now }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TransportError.connectTimedOut
    }

    func end() {
        // Not SIGTERM: the threads that tests run on block it, and a child inherits that.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
}
