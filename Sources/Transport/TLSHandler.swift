package import NIOCore

/// Who a `TLSHandler` works for. Called on the connection's loop, at most a few times per read burst.
package protocol TLSHandlerOwner: AnyObject {
    /// TLS is complete: certificates and exporter are available, and plaintext may be written.
    func connectionSecured()
    /// Plaintext arrived. The bytes are valid during the call only.
    func receive(plaintext: UnsafeRawBufferPointer)
    /// All of a read burst has been received: time to flush what it caused, anywhere.
    func burstEnded()
    /// Cells can be taken again after `canTakeCells` was false.
    func connectionWritable()
    /// The connection is gone; nothing follows. Called exactly once.
    func connectionClosed(_ reason: TransportError)
}

/// One TLS connection on its socket: socket bytes in, plaintext out, and records of cells back.
///
///     connecting -> handshaking -> open -> closing -> closed
///                        \-----------------\-----------^
///
/// Reads are bursts of up to 128 KiB in the loop's one read buffer; a burst is decrypted to the loop's scratch and handed to
/// the owner whole. What the owner appends becomes records of 31 cells; `flush` hands them to the socket, once per batch.
/// The owner takes cells only while `canTakeCells`, which holds what waits here under one burst, and under the bandwidth
/// limits. Not for cells as such: those are `CellReader`'s and `CellWriter`'s. Confined to its loop.
package final class TLSHandler {
    /// How a connection is treated.
    package struct Options: Sendable {
        /// How long TLS may take.
        package var handshakeTime: TimeAmount
        /// Whether it carries other people's traffic: such bytes count against the relay limits too.
        package var isRelayed: Bool
        /// Whether bandwidth limits hold at all; C Tor exempts private addresses by default.
        package var isMetered: Bool

        /// The treatment of one connection.
        package init(
            handshakeTime: TimeAmount = TransportLimits.handshakeTime, isRelayed: Bool = true, isMetered: Bool = true
        ) {
            self.handshakeTime = handshakeTime
            self.isRelayed = isRelayed
            self.isMetered = isMetered
        }
    }

    enum Phase {
        case connecting
        case handshaking
        case open
        case closing
        case closed
    }

    let session: TLSSession
    let loop: TransportLoop
    let role: TLSContext.Role
    /// How this connection is treated; may change while it lives.
    package var options: Options
    var phase = Phase.connecting
    var owner: (any TLSHandlerOwner)?
    var context: ChannelHandlerContext?

    /// The record being filled.
    @usableFromInline var writer = CellWriter()
    /// Ciphertext that the socket has not been given yet.
    var ciphertext: ByteBuffer?
    /// Plaintext bytes that may still be appended before `canTakeCells` is false.
    @usableFromInline var room = 0
    /// Whether the socket was given something that is not flushed.
    var isFlushDue = false
    /// Whether a `flush` is under way.
    var isFlushing = false

    private var closeReason: TransportError?
    private var handshakeBytes = 0
    private var handshakeTimer: Scheduled<Void>?
    private var hasDelivered = false
    /// A read that NIO asked for and that waits for bandwidth.
    private var isReadHeld = false
    /// Cells that the owner would send wait for bandwidth.
    var isWriteHeld = false
    private var isWaiting = false
    private var readBucket: TokenBucket?
    private var writeBucket: TokenBucket?

    /// A connection that is not on a socket yet: `install` puts it there.
    package init(
        context: TLSContext, loop: TransportLoop, options: Options = Options()
    ) throws(TransportError) {
        session = try TLSSession(context: context)
        self.loop = loop
        role = context.role
        self.options = options
    }

    deinit { writer.release(to: loop.pool) }

    /// Puts the handler on a socket and sets the socket up for it; call on its loop, before anything is read.
    ///
    /// The owner is held until `connectionClosed`, which comes even if the socket never connects.
    package func install(on socket: any Channel, owner: any TLSHandlerOwner) throws {
        self.owner = owner
        try socket.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
        try socket.syncOptions?.setOption(.recvAllocator, value: SharedReadAllocator(loop.pool.reading))
        // High is what dispatch goes by; below the high mark NIO says "writable".
        let high = TransportLimits.pendingBytes - 1
        try socket.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: high / 2, high: high))
        try socket.pipeline.syncOperations.addHandler(self)
    }

    /// Whether plaintext can be exchanged.
    package var isOpen: Bool { phase == .open }

    /// The peer's certificate, DER; nil if it has shown none.
    package var peerCertificate: [UInt8]? { session.peerCertificate }

    /// Our certificate on this connection, DER; nil at a client.
    package var ownCertificate: [UInt8]? { session.ownCertificate }

    /// The TLS version agreed on: 0x0303 or 0x0304.
    package var version: UInt16 { session.version }

    /// 32 bytes that only the two ends of this connection can compute.
    ///
    /// - Parameters:
    ///   - label: tor-spec §4.4.2: "EXPORTER FOR TOR TLS CLIENT BINDING AUTH0003".
    ///   - context: What the label's specification binds it to.
    package func exportKeyingMaterial(
        label: StaticString = "EXPORTER FOR TOR TLS CLIENT BINDING AUTH0003", context: [UInt8]
    ) throws(TransportError) -> [UInt8] {
        try session.exportKeyingMaterial(label: label, context: context, count: 32)
    }

    /// Where the peer is.
    package var remoteAddress: SocketAddress? { context?.remoteAddress }

    /// Where we are.
    package var localAddress: SocketAddress? { context?.localAddress }

    /// Sends what is appended, says goodbye, and closes once the socket has taken it all, or after 15 seconds.
    package func close() {
        guard let context else { return }
        switch phase {
        case .connecting, .handshaking:
            end(context, .closedLocally)
        case .open:
            sealRecord()
            guard phase == .open else { return }
            phase = .closing
            room = 0
            session.sayClose()
            drain(context)
        case .closing, .closed:
            return
        }
    }

    /// Closes at once, dropping what the socket has not taken.
    package func abort(_ reason: TransportError = .closedLocally) {
        guard let context, phase != .closed else { return }
        end(context, reason)
    }

    /// Closes at once, for this reason unless another came first.
    func end(_ context: ChannelHandlerContext, _ reason: TransportError) {
        guard phase != .closed else { return }
        if closeReason == nil { closeReason = reason }
        context.close(mode: .all, promise: nil)
    }

    private func drain(_ context: ChannelHandlerContext) {
        if closeReason == nil { closeReason = .closedLocally }
        flushSpill(context)
        let drained = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(NIOAny(ByteBuffer()), promise: drained)
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: TransportLimits.lingerTime) { [weak self] in
            guard let self, let context = self.context else { return }
            closeReason = .lingerTimedOut
            end(context, .lingerTimedOut)
        }
        drained.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            timer.cancel()
            guard let self, let context = self.context else { return }
            end(context, .closedLocally)
        }
    }
}

// MARK: - From the socket

extension TLSHandler: ChannelInboundHandler, ChannelOutboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        closed(closeReason ?? .connectFailed(errno: 0))
    }

    package func channelActive(context: ChannelHandlerContext) {
        begin(context)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        closed(closeReason ?? .closedByPeer(clean: false))
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, .socket(errno: (error as? IOError)?.errnoCode ?? 0))
    }

    /// NIO asks to read on: yes, unless bandwidth is used up.
    package func read(context: ChannelHandlerContext) {
        if mayRead() {
            context.read()
        } else {
            isReadHeld = true
            waitForBandwidth()
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let count = buffer.readableBytes
        loop.gate.charge(.reading, count, relayed: options.isRelayed, isMetered: options.isMetered)
        readBucket?.take(count)
        buffer.withUnsafeReadableBytes { bytes in
            session.withInput(bytes) { receive(context, count: bytes.count) }
        }
        loop.pool.reading.giveBack(buffer)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        if hasDelivered {
            hasDelivered = false
            owner?.burstEnded()
        }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard phase == .open, !isFlushing, context.channel.isWritable, room <= 0 else { return }
        measureRoom()
        if room > 0 { owner?.connectionWritable() }
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard phase == .connecting else { return }
        phase = .handshaking
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: options.handshakeTime) { [weak self] in
            guard let self, phase == .handshaking, let context = self.context else { return }
            end(context, .handshakeTimedOut)
        }
        if role == .client {
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            session.withInput(nothing) { advanceHandshake(context) }
        }
    }

    private func receive(_ context: ChannelHandlerContext, count: Int) {
        if phase == .handshaking {
            handshakeBytes += count
            advanceHandshake(context)
        }
        guard phase == .open else { return }
        decryptBurst(context)
        if session.hasSpill, phase == .open { flushSpill(context) }
    }

    private func advanceHandshake(_ context: ChannelHandlerContext) {
        let step = session.advanceHandshake()
        flushSpill(context)
        // Flushing may have closed the socket under us.
        guard phase == .handshaking else { return }
        switch step {
        case .wantsMore:
            if handshakeBytes > TransportLimits.handshakeBytes { end(context, .handshakeTooLong) }
        case .failed(let reason):
            end(context, reason)
        case .done:
            handshakeTimer?.cancel()
            handshakeTimer = nil
            phase = .open
            measureRoom()
            owner?.connectionSecured()
        }
    }

    private func decryptBurst(_ context: ChannelHandlerContext) {
        let scratch = loop.pool.takeScratch()
        defer { loop.pool.giveBack(scratch: scratch) }
        var filled = 0
        while true {
            switch session.decrypt(into: UnsafeMutableRawBufferPointer(rebasing: scratch[filled...])) {
            case .bytes(let count):
                filled += count
                guard filled > TransportLimits.scratchLength else { continue }
                deliver(scratch, &filled)
                guard phase == .open else { return }
            case .wantsMore:
                deliver(scratch, &filled)
                return
            case .closed:
                deliver(scratch, &filled)
                if phase == .open { end(context, .closedByPeer(clean: true)) }
                return
            case .failed(let reason):
                deliver(scratch, &filled)
                guard phase == .open else { return }
                flushSpill(context)
                end(context, reason)
                return
            }
        }
    }

    private func deliver(_ scratch: UnsafeMutableRawBufferPointer, _ filled: inout Int) {
        guard filled > 0 else { return }
        hasDelivered = true
        owner?.receive(plaintext: UnsafeRawBufferPointer(rebasing: scratch[..<filled]))
        filled = 0
    }

    private func closed(_ reason: TransportError) {
        guard phase != .closed else { return }
        phase = .closed
        room = 0
        handshakeTimer?.cancel()
        handshakeTimer = nil
        context = nil
        ciphertext = nil
        writer.release(to: loop.pool)
        let owner = self.owner
        self.owner = nil
        owner?.connectionClosed(reason)
    }
}

// MARK: - Bandwidth

extension TLSHandler: MeteredConnection {
    package func bandwidthMayBeBack() {
        isWaiting = false
        guard let context, phase != .closed else { return }
        if isReadHeld {
            if mayRead() {
                isReadHeld = false
                context.read()
            } else {
                waitForBandwidth()
            }
        }
        if isWriteHeld {
            measureRoom()
            if room > 0 { owner?.connectionWritable() }
        }
    }

    func waitForBandwidth() {
        guard !isWaiting else { return }
        isWaiting = true
        loop.gate.wait(self)
    }

    private func mayRead() -> Bool {
        guard options.isMetered else { return true }
        return Self.settle(&readBucket, loop.gate.perConnection)
            && loop.gate.allows(.reading, relayed: options.isRelayed)
    }

    func mayWrite() -> Bool {
        guard options.isMetered else { return true }
        return Self.settle(&writeBucket, loop.gate.perConnection)
            && loop.gate.allows(.writing, relayed: options.isRelayed)
    }

    func chargeWrite(_ count: Int) {
        loop.gate.charge(.writing, count, relayed: options.isRelayed, isMetered: options.isMetered)
        writeBucket?.take(count)
    }

    /// Keeps this connection's own bucket as the limits say, and tells whether it holds anything.
    private static func settle(_ bucket: inout TokenBucket?, _ limit: SharedBandwidth.Limit?) -> Bool {
        guard let limit else {
            if bucket != nil { bucket = nil }
            return true
        }
        let now = ContinuousClock.now
        var filling = bucket ?? TokenBucket(rate: limit.rate, burst: limit.burst, now: now)
        if filling.rate != limit.rate || filling.burst != limit.burst {
            filling.configure(rate: limit.rate, burst: limit.burst, now: now)
        }
        filling.refill(now: now)
        bucket = filling
        return filling.level > 0
    }
}
