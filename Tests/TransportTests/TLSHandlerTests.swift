import Cells
import Foundation
import NIOCore
import NIOPosix
import ProtocolTestKit
import Testing

@testable import Transport

extension SocketTests {
    @Suite struct TLSHandlerTests {
        @Test(
            arguments: [(TLSContext.Versions.only12, 0x0303), (.only13, 0x0304), (.all, 0x0304)]
                as [(TLSContext.Versions, UInt16)])
        func `two ends agree on version, certificate and exporter`(versions: TLSContext.Versions, wire: UInt16)
            async throws
        {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            let loop = try await TestLoop()
            let client = try await dial(
                try TLSContext(clientWith: versions), to: server.listener.endpoint.port, on: loop)
            let accepted = try await server.accepted()
            try await client.secured.futureResult.get()
            try await accepted.secured.futureResult.get()
            let facts: @Sendable (TestEnd) throws -> [[UInt8]] = { end in
                #expect(end.handler.version == wire)
                #expect(end.handler.isOpen)
                return [
                    try end.handler.exportKeyingMaterial(context: [1, 2, 3]),
                    try end.handler.exportKeyingMaterial(context: [1, 2, 4]),
                    try end.handler.exportKeyingMaterial(context: []),
                    try end.handler.exportKeyingMaterial(label: "EXPORTER another", context: [1, 2, 3]),
                ]
            }
            let ours = try await client.run(facts)
            let theirs = try await accepted.run(facts)
            #expect(ours == theirs)
            #expect(Set(ours).count == 4)
            #expect(ours.allSatisfy { $0.count == 32 })
            #expect(try await client.run { $0.handler.peerCertificate } == TestCertificate.first.certificate)
            #expect(try await accepted.run { $0.handler.ownCertificate } == TestCertificate.first.certificate)
            #expect(try await accepted.run { $0.handler.peerCertificate } == nil)
            try await client.run { $0.handler.close() }
            #expect(try await accepted.closed.futureResult.get() == .closedByPeer(clean: true))
            #expect(try await client.closed.futureResult.get() == .closedLocally)
            try await server.stop()
            try await loop.stop()
        }

        @Test func `64 MiB arrive intact and in bursts`() async throws {
            let total = 64 << 20
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key)
            ) { end in
                end.onPlaintext = { end, bytes in
                    let position = end.received - bytes.count
                    if !matchesPattern(bytes, at: position) { end.handler.abort(.badAddress) }
                }
                end.onBurst = { if $0.received == total { $0.handler.close() } }
            }
            let loop = try await TestLoop()
            let client = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            try await client.secured.futureResult.get()
            try await client.run { Feeder(total: total).start(on: $0) }
            let accepted = try await server.accepted()
            #expect(try await accepted.closed.futureResult.get() == .closedLocally)
            #expect(try await accepted.run { $0.received } == total)
            // Under load a burst is many records; a read per record would make 4,096 of them.
            #expect(try await accepted.run { $0.bursts } < 4_096)
            let totals = try await server.loop.loop.submit { server.loop.transport.gate.totals }.get()
            #expect(totals.relayedRead > total && totals.relayedRead < total + total / 100)
            try await server.stop()
            try await loop.stop()
        }

        @Test func `a slow reader bounds what waits here, and is served when it reads on`() async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            let loop = try await TestLoop()
            let client = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            try await client.secured.futureResult.get()
            let accepted = try await server.accepted()
            try await accepted.secured.futureResult.get()
            try await accepted.run { try $0.socket.syncOptions!.setOption(.autoRead, value: false) }
            let total = 32 << 20
            let feeder = try await client.run { end in
                let feeder = Feeder(total: total)
                feeder.start(on: end)
                return feeder
            }
            try await Task.sleep(for: .milliseconds(300))
            let (pending, sent) = try await client.run { ($0.handler.pendingBytes, feeder.sent) }
            #expect(pending > 0)
            #expect(pending <= 2 * TransportLimits.pendingBytes)
            #expect(sent < total)
            #expect(try await client.run { $0.handler.canTakeCells } == false)
            try await accepted.run { end in
                end.onBurst = { if $0.received == total { $0.handler.close() } }
                try end.socket.syncOptions!.setOption(.autoRead, value: true)
            }
            #expect(try await accepted.closed.futureResult.get() == .closedLocally)
            #expect(try await accepted.run { $0.received } == total)
            #expect(try await client.run { $0.writable } > 0)
            try await server.stop()
            try await loop.stop()
        }

        @Test func `a new certificate is for new connections`() async throws {
            let context = try TLSContext(
                serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key)
            let server = try await TestServer(context) { end in
                end.onPlaintext = { end, bytes in end.handler.append(bytes) }
                end.onBurst = { $0.handler.flush() }
            }
            let loop = try await TestLoop()
            let old = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            try await old.secured.futureResult.get()
            try context.replaceCertificate(TestCertificate.second.certificate, key: TestCertificate.second.key)
            #expect(throws: TransportError.badKey) {
                try context.replaceCertificate(TestCertificate.second.certificate, key: TestCertificate.first.key)
            }
            #expect(throws: TransportError.badCertificate) {
                try context.replaceCertificate([1, 2, 3], key: TestCertificate.first.key)
            }
            let new = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            try await new.secured.futureResult.get()
            #expect(try await old.run { $0.handler.peerCertificate } == TestCertificate.first.certificate)
            #expect(try await new.run { $0.handler.peerCertificate } == TestCertificate.second.certificate)
            for end in [old, new] {
                try await end.run { end in
                    end.onBurst = { $0.handler.close() }
                    end.handler.append([1, 2, 3])
                    end.handler.flush()
                }
                #expect(try await end.closed.futureResult.get() == .closedLocally)
                #expect(try await end.run { $0.received } == 3)
            }
            try await server.stop()
            try await loop.stop()
        }

        @Test func `silent connections are dropped at the handshake limit and their descriptors come back`()
            async throws
        {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key),
                // Long enough for a slow machine to open them all.
                options: .init(handshakeTime: .seconds(5)))
            let port = server.listener.endpoint.port
            let before = openSockets(localPort: port)
            let hello: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]
            var sockets: [any Channel] = []
            for index in 0..<100 {
                let socket = try await ClientBootstrap(group: server.loop.group)
                    .connect(host: "127.0.0.1", port: Int(server.listener.endpoint.port)).get()
                // Some stay silent, some leave half a ClientHello hanging.
                if index.isMultiple(of: 2) { try await socket.writeAndFlush(ByteBuffer(bytes: hello)) }
                sockets.append(socket)
            }
            var ends: [TestEnd] = []
            for _ in 0..<100 { ends.append(try await server.accepted()) }
            #expect(openSockets(localPort: port) == before + 100)
            for end in ends {
                #expect(try await end.closed.futureResult.get() == .handshakeTimedOut)
                try await end.socket.closeFuture.get()
            }
            for socket in sockets { try await socket.closeFuture.get() }
            #expect(openSockets(localPort: port) == before)
            try await server.stop()
        }

        @Test func `garbage instead of TLS ends the connection at once`() async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            for garbage in [[UInt8](repeating: 0xff, count: 600), Array("GET / HTTP/1.0\r\n\r\n".utf8)] {
                let socket = try await ClientBootstrap(group: server.loop.group)
                    .connect(host: "127.0.0.1", port: Int(server.listener.endpoint.port)).get()
                try await socket.writeAndFlush(ByteBuffer(bytes: garbage))
                let reason = try await server.accepted().closed.futureResult.get()
                guard case .tls = reason else {
                    Issue.record("closed with \(reason)")
                    continue
                }
                try await socket.closeFuture.get()
            }
            try await server.stop()
        }

        @Test func `a handshake without end is cut off`() async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            let socket = try await ClientBootstrap(group: server.loop.group)
                .connect(host: "127.0.0.1", port: Int(server.listener.endpoint.port)).get()
            // A ClientHello that claims 131,000 bytes, in full records.
            var record: [UInt8] = [0x16, 3, 1, 0x40, 0, 1, 0x01, 0xff, 0xb8, 3, 3]
            record += [UInt8](repeating: 0, count: 16_384 - 6)
            try await socket.writeAndFlush(ByteBuffer(bytes: record))
            for _ in 0..<4 {
                let more: [UInt8] = [0x16, 3, 1, 0x40, 0] + [UInt8](repeating: 0, count: 16_384)
                try? await socket.writeAndFlush(ByteBuffer(bytes: more))
            }
            #expect(try await server.accepted().closed.futureResult.get() == .handshakeTooLong)
            try await socket.closeFuture.get()
            try await server.stop()
        }

        @Test func `a corrupted record ends an open connection`() async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            let loop = try await TestLoop()
            let client = try await dial(try TLSContext(), to: server.listener.endpoint.port, on: loop)
            let accepted = try await server.accepted()
            try await accepted.secured.futureResult.get()
            let forged: [UInt8] = [0x17, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32)
            try await client.run { end in
                end.handler.context?.writeAndFlush(NIOAny(ByteBuffer(bytes: forged)), promise: nil)
            }
            guard case .tls = try await accepted.closed.futureResult.get() else {
                Issue.record("not closed for its record")
                return
            }
            try await server.stop()
            try await loop.stop()
        }

        @Test(arguments: [TLSContext.Versions.only12, .only13])
        func `bandwidth limits hold back reading and writing`(versions: TLSContext.Versions) async throws {
            let limit = SharedBandwidth.Limits(relayed: .init(rate: 1 << 20, burst: 1 << 20))
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key),
                bandwidth: SharedBandwidth(limits: limit, now: .now)
            ) { end in
                end.onBurst = { if $0.received == 2 << 20 { $0.handler.close() } }
            }
            let loop = try await TestLoop()
            let client = try await dial(
                try TLSContext(clientWith: versions), to: server.listener.endpoint.port, on: loop)
            try await client.secured.futureResult.get()
            let clock = ContinuousClock()
            let took = try await clock.measure {
                try await client.run { Feeder(total: 2 << 20).start(on: $0) }
                _ = try await server.accepted().closed.futureResult.get()
            }
            // One second's worth is the burst, the other has to be waited for.
            #expect(took > .milliseconds(700))
            #expect(took < .seconds(5))
            try await server.stop()
            try await loop.stop()
        }
    }
}

/// Sends a stretch of the pattern as fast as the connection takes it.
final class Feeder: @unchecked Sendable {
    let total: Int
    var sent = 0

    init(total: Int) { self.total = total }

    func start(on end: TestEnd) {
        end.onWritable = { self.feed($0) }
        feed(end)
    }

    private func feed(_ end: TestEnd) {
        while sent < total, end.handler.canTakeCells {
            while sent < total, end.handler.canTakeCells {
                withPattern(at: sent, count: min(514, total - sent)) {
                    end.handler.append($0)
                    sent += $0.count
                }
            }
            end.handler.flush()
        }
    }
}
