package import Cells
package import NIOCore
internal import NIOPosix

/// How a connection to a relay comes about: directly, or later through a proxy or a pluggable transport.
package protocol Dialer: Sendable {
    /// Opens a byte stream to `endpoint` on `loop`.
    ///
    /// - Parameters:
    ///   - endpoint: Where to.
    ///   - loop: The event loop that the connection is to live on.
    ///   - configure: Runs on the loop before anything is read; a throw ends the attempt. It installs the `TLSHandler`.
    /// - Returns: The connected socket, or a `TransportError`.
    func dial(
        _ endpoint: SocketEndpoint, on loop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel>
}

/// Plain TCP.
package struct DirectDialer: Dialer {
    /// `OutboundBindAddress` for IPv4.
    package var bindIPv4: IPAddress?
    /// `OutboundBindAddress` for IPv6.
    package var bindIPv6: IPAddress?
    /// How long the peer has to answer.
    package var timeout: TimeAmount

    /// A dialer; without bind addresses the system chooses.
    package init(bindIPv4: IPAddress? = nil, bindIPv6: IPAddress? = nil, timeout: TimeAmount = .seconds(30)) {
        self.bindIPv4 = bindIPv4
        self.bindIPv6 = bindIPv6
        self.timeout = timeout
    }

    package func dial(
        _ endpoint: SocketEndpoint, on loop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        guard let address = try? SocketAddress(endpoint) else {
            return loop.makeFailedFuture(TransportError.badAddress)
        }
        var bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(SocketOptions.noDelay, value: 1)
            .channelOption(SocketOptions.notSentLowAt, value: TransportLimits.notSentLowAt)
            .channelInitializer { socket in
                socket.eventLoop.makeCompletedFuture { try configure(socket) }
            }
        let source = address.protocol == .inet ? bindIPv4 : bindIPv6
        if let source, let bound = try? SocketAddress(SocketEndpoint(address: source, port: 0)) {
            bootstrap = bootstrap.bind(to: bound)
        }
        return bootstrap.connect(to: address).flatMapErrorThrowing { throw Self.error(from: $0) }
    }

    private static func error(from error: any Error) -> TransportError {
        switch error {
        case let error as TransportError: error
        case ChannelError.connectTimeout: .connectTimedOut
        case let error as IOError: .connectFailed(errno: error.errnoCode)
        default: .connectFailed(errno: 0)
        }
    }
}
