package import Cells
package import NIOCore
internal import NIOPosix

/// A port that accepts connections and spreads them over event loops.
package struct Listener: Sendable {
    /// Where it listens; with the port that the system chose if 0 was asked for.
    package let endpoint: SocketEndpoint
    private let socket: any Channel

    /// Binds `endpoint`.
    ///
    /// - Parameters:
    ///   - endpoint: Address and port; port 0 lets the system choose.
    ///   - loops: Where accepted connections go, in turn.
    ///   - accept: Runs on the accepted connection's loop before anything is read; a throw closes it. It installs the
    ///     `TLSHandler`.
    package static func bind(
        _ endpoint: SocketEndpoint, loops: any EventLoopGroup,
        accept: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<Listener> {
        let first = loops.next()
        guard let address = try? SocketAddress(endpoint) else {
            return first.makeFailedFuture(TransportError.badAddress)
        }
        let bootstrap = ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: CInt(TransportLimits.listenBacklog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(SocketOptions.noDelay, value: 1)
            .childChannelOption(SocketOptions.notSentLowAt, value: TransportLimits.notSentLowAt)
            .childChannelInitializer { socket in
                socket.eventLoop.makeCompletedFuture { try accept(socket) }
            }
        return bootstrap.bind(to: address)
            .flatMapThrowing { socket in
                guard let bound = socket.localAddress.flatMap({ SocketEndpoint($0) }) else {
                    throw TransportError.badAddress
                }
                return Listener(endpoint: bound, socket: socket)
            }
            .flatMapErrorThrowing { error in
                switch error {
                case let error as TransportError: throw error
                case let error as IOError: throw TransportError.bindFailed(errno: error.errnoCode)
                default: throw TransportError.bindFailed(errno: 0)
                }
            }
    }

    /// Stops accepting; connections that exist stay.
    package func close() -> EventLoopFuture<Void> {
        socket.close()
    }
}
