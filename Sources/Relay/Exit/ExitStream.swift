internal import CellPath
internal import Cells
internal import NIOCore
internal import NIOPosix
internal import Transport

/// One stream to the Internet: a socket on one side, a circuit's stream on the other, bytes both ways.
///
///     waiting --open--> connecting --> open --EOF--> draining --> ended
///
/// What the socket gives is read only while the stream took all before; what the stream gives is acknowledged only while
/// the socket can be written. C Tor knows no half-closed exit streams, and neither do we: the first end ends both ways,
/// after what was under way has been passed on.
final class ExitStream: StreamOwner, ChannelInboundHandler, MeteredConnection {
    typealias InboundIn = ByteBuffer

    private enum State {
        /// For the name's address.
        case waiting
        /// The socket there is while the host is being asked.
        case connecting((any Channel)?)
        case open(any Channel)
        /// The socket is gone, and not all that came from it has been sent.
        case draining
        case ended
    }

    private let port: any StreamPort
    private let streams: ExitStreams
    private let gate: AdmissionGate?
    private var state = State.waiting
    /// From the socket, not yet taken by the stream.
    private var held = ByteBuffer()
    /// From the client, before the socket was open. Bounded: a stream that is not acknowledged ends up without a window.
    private var early = ByteBuffer()
    private var isReading = false
    private var isWaitingForBandwidth = false
    private var isMetered = true

    /// A stream that waits to be opened.
    init(port: any StreamPort, streams: ExitStreams, gate: AdmissionGate?) {
        self.port = port
        self.streams = streams
        self.gate = gate
    }

    /// Whether its name is still being looked up.
    var isWaitingForName: Bool {
        if case .waiting = state { return true }
        return false
    }

    /// Opens it, or ends it.
    func open(_ target: ExitTarget, from rules: ExitRules) {
        switch target {
        case .refuse(let message): end(message)
        case .connect(let endpoint, let timeToLive):
            let source = endpoint.address.isV6 ? rules.sourceIPv6 : rules.sourceIPv4
            connect(endpoint, from: source, timeToLive: timeToLive)
        }
    }

    /// Ends the stream towards the client, and the socket.
    private func end(_ message: EndMessage) {
        let socket = finish()
        port.end(message)
        socket?.close(promise: nil)
    }

    /// Leaves every state for the last one. Returns the socket, if there is one.
    private func finish() -> (any Channel)? {
        let socket: (any Channel)?
        switch state {
        case .connecting(let connecting): socket = connecting
        case .open(let open): socket = open
        case .waiting, .draining: socket = nil
        case .ended: return nil
        }
        state = .ended
        held.clear()
        early.clear()
        streams.streamClosed()
        return socket
    }
}

// MARK: - Connecting

extension ExitStream {
    private func connect(_ endpoint: SocketEndpoint, from source: IPAddress?, timeToLive: UInt32) {
        state = .connecting(nil)
        isMetered = !endpoint.address.isInternal
        guard let address = try? SocketAddress(endpoint) else { return end(EndMessage(reason: .internal)) }
        let this = NIOLoopBound(self, eventLoop: port.eventLoop)
        var bootstrap = ClientBootstrap(group: port.eventLoop)
            .connectTimeout(RelayLimits.connectTime)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: false)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: RelayLimits.readLength))
            .channelOption(
                .writeBufferWaterMark,
                value: .init(low: RelayLimits.writeBufferLow, high: RelayLimits.writeBufferHigh)
            )
            .channelInitializer { socket in
                socket.eventLoop.makeCompletedFuture { try this.value.adopt(socket) }
            }
        if let source, let bound = try? SocketAddress(SocketEndpoint(address: source, port: 0)) {
            bootstrap = bootstrap.bind(to: bound)
        }
        bootstrap.connect(to: address).assumeIsolated().whenComplete { [self] result in
            switch result {
            case .success(let socket): opened(socket, endpoint.address, timeToLive)
            case .failure(let error):
                guard case .connecting = state else { return }
                end(EndMessage(reason: Self.reason(for: error)))
            }
        }
    }

    /// Remembers the socket, so that the attempt ends when the stream does.
    private func adopt(_ socket: any Channel) throws {
        guard case .connecting = state else { throw ChannelError.alreadyClosed }
        state = .connecting(socket)
        try socket.pipeline.syncOperations.addHandler(self)
    }

    private func opened(_ socket: any Channel, _ address: IPAddress, _ timeToLive: UInt32) {
        guard case .connecting = state else { return socket.close(promise: nil) }
        state = .open(socket)
        port.sendConnected(ConnectedMessage(address: address, timeToLive: timeToLive))
        if early.readableBytes > 0 {
            write(early, socket)
            early = ByteBuffer()
            if port.isBacklogged { port.isBacklogged = !socket.isWritable }
        }
        readMore()
    }

    private static func reason(for error: any Error) -> EndReason {
        switch error {
        case let error as IOError: EndReason(errno: error.errnoCode)
        case ChannelError.connectTimeout: .timeout
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.inputClosed, ChannelError.outputClosed:
            .done
        default: .misc
        }
    }
}

// MARK: - From the socket to the stream

extension ExitStream {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard case .open = state else { return }
        gate?.charge(.reading, bytes.readableBytes, relayed: false, isMetered: isMetered)
        if held.readableBytes > 0 {
            // The kernel had more when the host closed; it all comes at once then.
            held.writeBuffer(&bytes)
        } else {
            held = bytes
            pass()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        readMore()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard case .open = state else { return }
        state = .draining
        pass()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .open = state else { return }
        end(EndMessage(reason: Self.reason(for: error)))
    }

    func streamMaySend() {
        pass()
        readMore()
    }

    func bandwidthMayBeBack() {
        isWaitingForBandwidth = false
        readMore()
    }

    /// Gives the stream what it takes of what is held, and ends it once the last byte has gone.
    private func pass() {
        if held.readableBytes > 0 {
            let taken = held.withUnsafeReadableBytes { port.send($0) }
            held.moveReaderIndex(forwardBy: min(taken, held.readableBytes))
        }
        guard held.readableBytes == 0 else { return }
        // The memory goes back as soon as it can.
        held = ByteBuffer()
        if case .draining = state { end(EndMessage(reason: .done)) }
    }

    /// Reads once more, unless bytes are held or there is no bandwidth.
    private func readMore() {
        guard case .open(let socket) = state, held.readableBytes == 0, !isReading, !isWaitingForBandwidth else {
            return
        }
        if let gate, isMetered, !gate.allows(.reading, relayed: false) {
            isWaitingForBandwidth = true
            return gate.wait(self)
        }
        isReading = true
        socket.read()
    }
}

// MARK: - From the stream to the socket

extension ExitStream {
    func streamReceived(_ bytes: ByteBuffer) {
        switch state {
        case .waiting, .connecting:
            var bytes = bytes
            early.writeBuffer(&bytes)
            if early.readableBytes >= RelayLimits.writeBufferHigh { port.isBacklogged = true }
        case .open(let socket): write(bytes, socket)
        // C Tor drops what comes after the host's end.
        case .draining, .ended: break
        }
    }

    private func write(_ bytes: ByteBuffer, _ socket: any Channel) {
        gate?.charge(.writing, bytes.readableBytes, relayed: false, isMetered: isMetered)
        socket.writeAndFlush(bytes, promise: nil)
        if !socket.isWritable { port.isBacklogged = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard case .open(let socket) = state else { return }
        port.isBacklogged = !socket.isWritable
    }

    func streamEnded(_ message: EndMessage) {
        var isOpen = false
        if case .open = state { isOpen = true }
        guard let socket = finish() else { return }
        guard isOpen else { return socket.close(promise: nil) }
        // What the client sent before its end still goes out: this completes behind it.
        let limit = socket.eventLoop.scheduleTask(in: RelayLimits.lingerTime) { socket.close(promise: nil) }
        socket.writeAndFlush(ByteBuffer()).whenComplete { _ in
            limit.cancel()
            socket.close(promise: nil)
        }
    }

    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) {}
}
