internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#endif

/// What every socket that carries cells is set to.
enum SocketOptions {
    /// Cells are batched by us, so Nagle's wait only delays the last of a batch.
    static let noDelay = ChannelOptions.tcpOption(.tcp_nodelay)
    /// Bounds what the kernel holds unsent, so that cells queue where the scheduler can still choose among them.
    static let notSentLowAt = ChannelOptions.Types.SocketOption(
        level: .tcp, name: .init(rawValue: tcpNotSentLowAt))

    /// TCP_NOTSENT_LOWAT, which not every libc header has.
    private static let tcpNotSentLowAt: CInt = 25
}
