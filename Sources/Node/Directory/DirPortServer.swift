package import Cells
package import NIOCore
internal import Transport

/// A directory over plain TCP: the DirPort of an authority.
///
/// One request per connection, as HTTP/1.0 has it. Connections are counted, and those that stand still are closed, so
/// that nobody keeps others out for long.
package struct DirPortServer: Sendable {
    private let listener: Listener

    /// Where it listens.
    package var endpoint: SocketEndpoint { listener.endpoint }

    /// Listens, and serves what `server` answers.
    ///
    /// - Parameters:
    ///   - endpoint: where.
    ///   - loops: the loops that connections live on.
    ///   - server: who has the answers.
    ///   - stall: how long nothing may move on a connection.
    ///   - connectionLimit: how many connections one loop has at once.
    ///   - clock: the time.
    package static func bind(
        _ endpoint: SocketEndpoint, loops: any EventLoopGroup, server: DirectoryServer,
        stall: TimeAmount = .minutes(5), connectionLimit: Int = 500,
        clock: @escaping @Sendable () -> WallTime = { .now }
    ) -> EventLoopFuture<DirPortServer> {
        let counts = DirPortConnections(limit: connectionLimit)
        return Listener.bind(endpoint, loops: loops) { socket in
            try counts.enter()
            socket.closeFuture.whenComplete { _ in counts.leave() }
            try socket.pipeline.syncOperations.addHandler(
                DirPortHandler(
                    server: server, peer: socket.remoteAddress.flatMap { SocketEndpoint($0) }?.address, stall: stall,
                    clock: clock))
        }
        .map { DirPortServer(listener: $0) }
    }

    /// Stops accepting.
    package func close() -> EventLoopFuture<Void> { listener.close() }
}
