import CellPath
import Cells
import NIOCore
import NIOEmbedded
import Transport

/// Connections between nodes of one thread: what one end has written the other reads, in bursts of up to 128 KiB.
final class Wires: @unchecked Sendable {
    // Safe: the main thread's only.

    private struct End {
        let socket: EmbeddedChannel
        let node: ObjectIdentifier?
    }

    private let loop: TraceLoop
    private var wires: [(End, End)] = []
    var listeners: [SocketEndpoint: TraceNode] = [:]
    /// Whose address is whose; a client's as well.
    var nodes: [SocketEndpoint: TraceNode] = [:]

    /// Bursts that were counted.
    private(set) var measuredBursts = 0

    init(_ loop: TraceLoop) { self.loop = loop }

    /// Joins two nodes.
    func connect(
        from: SocketEndpoint, to: SocketEndpoint, configure: (any Channel) throws -> Void
    ) throws -> any Channel {
        guard let listener = listeners[to] else { throw TransportError.connectFailed(errno: 111) }
        let (near, far) = (EmbeddedChannel(loop: loop.inner), EmbeddedChannel(loop: loop.inner))
        near.remoteAddress = try SocketAddress(to)
        near.localAddress = try SocketAddress(from)
        far.remoteAddress = near.localAddress
        far.localAddress = near.remoteAddress
        let nearNode = nodes[from].map(ObjectIdentifier.init)
        wires.append((End(socket: near, node: nearNode), End(socket: far, node: ObjectIdentifier(listener))))
        try configure(near)
        try listener.corridor.accept(far)
        near.pipeline.fireChannelRegistered()
        far.pipeline.fireChannelRegistered()
        near.connect(to: try SocketAddress(to), promise: nil)
        far.connect(to: try SocketAddress(from), promise: nil)
        return near
    }

    /// Gives each end what the other has written.
    ///
    /// - Returns: whether there was anything.
    func carry(to measured: TraceNode?) -> Bool {
        var hasMoved = false
        // By index: nodes connect while others read.
        var index = 0
        while index < wires.count {
            let (near, far) = wires[index]
            index += 1
            let measuredNode = measured.map(ObjectIdentifier.init)
            for (from, to) in [(near, far), (far, near)] {
                guard let burst = takeBurst(from.socket) else { continue }
                hasMoved = true
                let isMeasured = measured != nil && to.node == measuredNode
                if isMeasured {
                    deliverMeasured(burst, to.socket, &measuredBursts)
                } else {
                    deliver(burst, to.socket)
                }
            }
        }
        return hasMoved
    }

    private func takeBurst(_ socket: EmbeddedChannel) -> ByteBuffer? {
        guard var burst = try? socket.readOutbound(as: ByteBuffer.self) else { return nil }
        while burst.readableBytes < 131_072, var more = try? socket.readOutbound(as: ByteBuffer.self) {
            burst.writeBuffer(&more)
        }
        return burst
    }
}

/// Lets an end read what is not to be counted.
@inline(never)
private func deliver(_ burst: ByteBuffer, _ socket: EmbeddedChannel) {
    _ = try? socket.writeInbound(burst)
}

/// Lets an end read, and answer, what is to be counted: callgrind collects while this runs.
///
/// Counts, so that the compiler does not take it for the same function as the one above.
@inline(never)
private func deliverMeasured(_ burst: ByteBuffer, _ socket: EmbeddedChannel, _ count: inout Int) {
    count += 1
    _ = try? socket.writeInbound(burst)
}

/// Dials over memory.
struct WireDialer: Dialer {
    let wires: Wires
    let from: SocketEndpoint

    func dial(
        _ endpoint: SocketEndpoint, on loop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        loop.makeCompletedFuture { try wires.connect(from: from, to: endpoint, configure: configure) }
    }
}
