import Cells
import Foundation
import NIOCore
import Testing

@testable import Transport

extension SocketTests {
    @Suite struct DialerTests {
        @Test func `nobody there is an error that says so`() async throws {
            let loop = try await TestLoop()
            let listener = try await Listener.bind(loopback(0), loops: loop.group) { _ in }.get()
            let port = listener.endpoint.port
            try await listener.close().get()
            await #expect(throws: TransportError.connectFailed(errno: ECONNREFUSED)) {
                _ = try await DirectDialer().dial(loopback(port), on: loop.loop) { _ in }.get()
            }
            try await loop.stop()
        }

        @Test func `an owner whose dial fails hears of it once`() async throws {
            let loop = try await TestLoop()
            let listener = try await Listener.bind(loopback(0), loops: loop.group) { _ in }.get()
            let port = listener.endpoint.port
            try await listener.close().get()
            let closed = loop.loop.makePromise(of: TransportError.self)
            let context = try TLSContext()
            _ = try? await DirectDialer().dial(loopback(port), on: loop.loop) { socket in
                let end = try loop.makeEnd(context, on: socket)
                end.closed.futureResult.cascade(to: closed)
            }.get()
            #expect(try await closed.futureResult.get() == .connectFailed(errno: 0))
            try await loop.stop()
        }

        @Test func `the source address is the one asked for`() async throws {
            let server = try await TestServer(
                TLSContext(serverCertificate: TestCertificate.first.certificate, key: TestCertificate.first.key))
            let loop = try await TestLoop()
            let source = loopback(0, host: 9).address
            let socket = try await DirectDialer(bindIPv4: source).dial(server.listener.endpoint, on: loop.loop) { _ in }
                .get()
            let seen = try await server.accepted().run { end in end.handler.remoteAddress.flatMap { SocketEndpoint($0) }
            }
            #expect(seen?.address == source)
            try await socket.close()
            try await server.stop()
            try await loop.stop()
        }

        @Test func `a port in use is an error that says so`() async throws {
            let loop = try await TestLoop()
            let first = try await Listener.bind(loopback(0), loops: loop.group) { _ in }.get()
            await #expect(throws: TransportError.bindFailed(errno: EADDRINUSE)) {
                _ = try await Listener.bind(first.endpoint, loops: loop.group) { _ in }.get()
            }
            try await first.close().get()
            try await loop.stop()
        }
    }
}
