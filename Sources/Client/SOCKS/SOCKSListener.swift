internal import Cells
package import Configuration
package import NIOCore
internal import NIOPosix
internal import Transport

#if canImport(Glibc)
    internal import Glibc
#endif

/// One SocksPort: takes programs' connections, on the circuits' loop.
package struct SOCKSListener: Sendable {
    /// Where it listens, for the log and for `GETINFO net/listeners/socks`.
    package let address: PortAddress
    private let socket: any Channel

    /// Opens a port. Call on the circuits' loop.
    ///
    /// - Parameters:
    ///   - port: which.
    ///   - index: its place among the SocksPorts; a port without a session group is alone in one of its own.
    ///   - settings: what holds for all of them.
    ///   - circuits: where streams come from.
    package static func open(
        _ port: SocksPort, index: Int, settings: ClientSettings, circuits: ClientCircuits
    ) -> EventLoopFuture<SOCKSListener> {
        let setting = SOCKSConnection.Setting(
            port: port, policy: policy(port, settings),
            // Below any number that an operator can give.
            sessionGroup: port.sessionGroup ?? -1 - index,
            timeout: .nanoseconds(Int64(settings.socksTimeout / .nanoseconds(1))))
        return open(setting, circuits: circuits)
    }

    static func open(
        _ setting: SOCKSConnection.Setting, circuits: ClientCircuits
    ) -> EventLoopFuture<SOCKSListener> {
        let loop = circuits.eventLoop
        let shared = NIOLoopBound((setting, circuits), eventLoop: loop)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 2)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16_384, maximum: 131_072)
            )
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 65_536, high: 262_144))
            .childChannelInitializer { socket in
                socket.eventLoop.makeCompletedFuture {
                    if socket.remoteAddress?.ipAddress != nil {
                        _ = try? socket.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
                    }
                    let (setting, circuits) = shared.value
                    try socket.pipeline.syncOperations.addHandler(
                        SOCKSConnection(setting: setting, circuits: circuits))
                }
            }
        switch setting.port.address {
        case .tcp(let address, let port):
            guard let target = try? SocketAddress(SocketEndpoint(address: address, port: port ?? 0)) else {
                return loop.makeFailedFuture(TransportError.badAddress)
            }
            return bootstrap.bind(to: target).map { socket in
                let bound = socket.localAddress.flatMap { SocketEndpoint($0) }
                return SOCKSListener(address: .tcp(address, bound?.port ?? port), socket: socket)
            }
        case .unix(let path):
            let access = setting.port.access
            guard folderIsSafe(path, access) else {
                return loop.makeFailedFuture(SOCKSListenerError.folderIsOpenToOthers(path))
            }
            let mode: mode_t = access.isWorldWritable ? 0o666 : access.isGroupWritable ? 0o660 : 0o600
            return bootstrap.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true)
                .flatMapThrowing { socket in
                    guard chmod(path, mode) == 0 else { throw SOCKSListenerError.modeNotSet(path, errno: errno) }
                    return SOCKSListener(address: .unix(path), socket: socket)
                }
        }
    }

    /// Takes no more connections; those there are stay.
    package func close() -> EventLoopFuture<Void> {
        socket.close()
    }

    private static func policy(_ port: SocksPort, _ settings: ClientSettings) -> SOCKSMachine.Policy {
        var policy = SOCKSMachine.Policy()
        policy.prefersNoAuthentication = port.prefersNoAuthentication
        policy.refusesAddresses = settings.safeSocks
        if settings.rejectsInternalAddresses { policy.isInternal = { $0.isInternal } }
        policy.rejectedPorts = settings.rejectedPorts
        policy.plaintextPorts = settings.warnedPorts
        policy.allowsIPv4 = port.allowsIPv4
        policy.allowsIPv6 = port.allowsIPv6
        policy.allowsDNS = port.allowsDNS
        policy.extendedErrors = port.extendedErrors
        return policy
    }

    /// As in C Tor: nobody but those who may use the socket may write to its folder.
    private static func folderIsSafe(_ path: String, _ access: UnixSocketAccess) -> Bool {
        if access.relaxesFolderCheck || access.isWorldWritable { return true }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        var status = stat()
        guard stat(folder.isEmpty ? "/" : folder, &status) == 0 else { return false }
        let forbidden: mode_t = access.isGroupWritable ? 0o007 : 0o077
        return status.st_mode & forbidden == 0
    }
}

/// Why a SocksPort could not be opened.
package enum SOCKSListenerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The folder of a Unix socket lets others in.
    case folderIsOpenToOthers(String)
    /// The socket's mode could not be set.
    case modeNotSet(String, errno: Int32)

    /// For the operator.
    package var description: String {
        switch self {
        case .folderIsOpenToOthers(let path):
            "the folder of \(path) is open to others; close it, or give the port RelaxDirModeCheck"
        case .modeNotSet(let path, let number): "cannot set the mode of \(path): error \(number)"
        }
    }
}
