internal import Cells
internal import Configuration
internal import NIOCore
internal import Paths

/// One program on a SocksPort: its socket on one side, its stream on the other.
///
/// Bytes from the program wait here while the stream takes no more, and then nothing is read; the stream is backlogged
/// while the socket takes no more. Tor's streams have no half that could be closed: when the program closes its side, what
/// it sent is delivered and the stream ends, as in C Tor.
final class SOCKSConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What all connections of one port have in common.
    struct Setting {
        var port: SocksPort
        var policy: SOCKSMachine.Policy
        var sessionGroup: Int
        var timeout: TimeAmount
    }

    private enum Phase {
        case negotiating
        case waiting(ClientStream)
        case open(ClientStream)
        /// The last bytes are on their way to the program.
        case closing
    }

    private let setting: Setting
    private let circuits: ClientCircuits
    private var machine: SOCKSMachine
    private var phase = Phase.negotiating
    private var context: ChannelHandlerContext?
    /// Bytes from the program that the stream has not taken.
    private var unsent = ByteBuffer()
    /// Nothing is read while this is true.
    private var holdsReads = false
    private var isReadWanted = false
    private var hasProgramClosed = false

    init(setting: Setting, circuits: ClientCircuits) {
        self.setting = setting
        self.circuits = circuits
        machine = SOCKSMachine(policy: setting.policy)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        context.eventLoop.assumeIsolated().scheduleTask(in: setting.timeout) { [weak self] in
            guard let self, case .negotiating = phase else { return }
            self.context?.close(promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    // MARK: From the program

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        switch phase {
        case .negotiating: negotiate(bytes.readableBytesView)
        case .waiting: unsent.writeBuffer(&bytes)
        case .open(let stream):
            if unsent.readableBytes > 0 {
                unsent.writeBuffer(&bytes)
            } else {
                Self.send(&bytes, to: stream)
                if bytes.readableBytes > 0 {
                    unsent = bytes
                    holdsReads = true
                }
            }
        case .closing: break
        }
    }

    func read(context: ChannelHandlerContext) {
        if holdsReads {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event as? ChannelEvent == .inputClosed else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        switch phase {
        case .negotiating, .waiting: context.close(promise: nil)
        case .open(let stream):
            hasProgramClosed = true
            if unsent.readableBytes == 0 { finish(stream) }
        case .closing: break
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .open(let stream) = phase { stream.isBacklogged = !context.channel.isWritable }
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch phase {
        case .waiting(let stream), .open(let stream): stream.end(.done)
        case .negotiating, .closing: break
        }
        phase = .closing
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .open(let stream) = phase {
            phase = .closing
            stream.end(.connReset)
        }
        context.close(promise: nil)
    }

    // MARK: Negotiation

    private func negotiate(_ bytes: ByteBufferView) {
        switch machine.receive(bytes) {
        case .wait(let reply): reply.isEmpty ? () : write(reply)
        case .close(let reply):
            if let complaint = machine.complaint { circuits.complain(complaint) }
            closeAfter(reply)
        case .request(let request, let reply, let earlyData):
            if !reply.isEmpty { write(reply) }
            unsent.writeBytes(earlyData)
            // Until the stream is open nothing can be sent, and NIO tells all the same when the program goes away.
            holdsReads = true
            if request.isPlaintextPort {
                circuits.warnOfPlaintext(request.port)
            }
            phase = .waiting(circuits.open(demand(for: request), user: self, origin: origin))
        }
    }

    private var origin: String {
        guard let address = context?.remoteAddress, let text = address.ipAddress, let port = address.port else {
            return ""
        }
        return "\(text):\(port)"
    }

    private func demand(for request: SOCKSRequest) -> StreamDemand {
        let port = setting.port
        let target: StreamDemand.Target =
            switch (request.command, request.host) {
            case (.connect, .name(let name)): .connect(host: name, port: request.port)
            case (.connect, .address(let address)): .connect(host: address.description, port: request.port)
            case (.resolvePointer, .address(let address)): .reverse(address)
            case (_, .name(let name)): .resolve(name)
            case (_, .address(let address)): .resolve(address.description)
            }
        let host: String =
            switch request.host {
            case .name(let name): name
            case .address(let address): address.description
            }
        let isolation = IsolationKey(
            fields: IsolationFields(rawValue: port.isolation.rawValue).union(.always), destinationPort: request.port,
            destinationHost: host, username: request.credentials?.username, password: request.credentials?.password,
            clientProtocol: "SOCKS\(request.version)",
            clientAddress: context?.remoteAddress?.ipAddress.flatMap { IPAddress($0) },
            sessionGroup: setting.sessionGroup)
        var demand = StreamDemand(target, isolation: isolation)
        demand.allowsIPv4 = port.allowsIPv4
        demand.allowsIPv6 = port.allowsIPv6
        demand.prefersIPv6 = port.prefersIPv6
        demand.keepsCircuitAlive = port.keepsIsolatedCircuitsAlive
        return demand
    }

    // MARK: To the program

    private func write(_ bytes: [UInt8]) {
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// Sends some last bytes, and closes when all has been written or nobody takes it.
    private func closeAfter(_ bytes: [UInt8] = []) {
        phase = .closing
        unsent.clear()
        // What the program still sends is read and dropped, so that closing does not reset what it has yet to read.
        holdsReads = false
        if isReadWanted {
            isReadWanted = false
            context?.read()
        }
        guard let context else { return }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.context?.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
        context.eventLoop.assumeIsolated().scheduleTask(in: SOCKSConnection.lingerTime) { [weak self] in
            self?.context?.close(promise: nil)
        }
    }

    /// How long a program may take to read what is left. C Tor gives up after as long without progress.
    private static let lingerTime = TimeAmount.seconds(15)

    // MARK: To the stream

    private static func send(_ bytes: inout ByteBuffer, to stream: ClientStream) {
        let taken = bytes.withUnsafeReadableBytes { stream.send($0) }
        bytes.moveReaderIndex(forwardBy: taken)
    }

    /// Passes on what waits, and reads on when all is gone.
    private func drain(_ stream: ClientStream) {
        if unsent.readableBytes > 0 {
            Self.send(&unsent, to: stream)
            guard unsent.readableBytes == 0 else { return }
            // A large burst must not stay behind as an empty buffer of its size.
            unsent = ByteBuffer()
        }
        if hasProgramClosed {
            finish(stream)
            return
        }
        holdsReads = false
        if isReadWanted {
            isReadWanted = false
            context?.read()
        }
    }

    private func finish(_ stream: ClientStream) {
        stream.end(.done)
        closeAfter()
    }
}

extension SOCKSConnection: ClientStreamUser {
    func streamOpened(_ stream: ClientStream, address: IPAddress?) {
        guard case .waiting = phase else { return }
        phase = .open(stream)
        write(machine.granted())
        drain(stream)
    }

    func streamResolved(_ stream: ClientStream, _ resolution: Resolution) {
        switch resolution {
        case .address(let address, _): closeAfter(machine.resolved(address))
        case .name(let name, _): closeAfter(machine.resolved(name))
        case .nothing: closeAfter(machine.refused(.hostUnreachable))
        }
    }

    func streamFailed(_ stream: ClientStream, _ failure: StreamFailure) {
        closeAfter(machine.refused(failure.socks))
    }

    func streamReceived(_ stream: ClientStream, _ bytes: ByteBuffer) {
        guard case .open = phase, let context else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        if !context.channel.isWritable { stream.isBacklogged = true }
    }

    func streamMaySend(_ stream: ClientStream) {
        if case .open = phase { drain(stream) }
    }

    func streamEnded(_ stream: ClientStream, _ reason: EndReason) {
        guard case .open = phase else { return }
        closeAfter()
    }
}
