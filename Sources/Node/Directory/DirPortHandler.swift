internal import Cells
internal import NIOCore

/// One connection to a DirPort: a request in, the response out, closed.
final class DirPortHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: DirectoryServer
    private let peer: DirectoryPeer
    private let stall: TimeAmount
    private let clock: @Sendable () -> WallTime
    private var machine = HTTPRequestMachine()
    private var output: DirectoryOutput?
    private var timer: Scheduled<Void>?

    /// How many bytes of an answer wait in the socket's buffer at most.
    private static let burst = 64 << 10

    init(
        server: DirectoryServer, peer: IPAddress?, stall: TimeAmount, clock: @escaping @Sendable () -> WallTime
    ) {
        self.server = server
        self.peer = DirectoryPeer(address: peer, isEncrypted: false, isAnonymous: false)
        self.stall = stall
        self.clock = clock
    }

    func channelActive(context: ChannelHandlerContext) {
        restartTimer(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        output = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        restartTimer(context)
        switch unwrapInboundIn(data).withUnsafeReadableBytes({ machine.receive($0.bytes) }) {
        case .wait, .ignore: break
        case .handle(let request):
            let loop = context.eventLoop
            let here = NIOLoopBound((self, context), eventLoop: loop)
            server.answer(request, from: peer, now: clock()) { response in
                // Uploads are answered from the authority's own thread.
                if loop.inEventLoop { return here.value.0.respond(response, here.value.1) }
                loop.execute { here.value.0.respond(response, here.value.1) }
            }
        case .refuse: respond(server.badRequest(now: clock()), context)
        case .close: context.close(promise: nil)
        }
    }

    private func respond(_ response: HTTPResponse, _ context: ChannelHandlerContext) {
        output = DirectoryOutput(response)
        writeNext(context)
    }

    /// Writes a piece; the next when that one has left.
    private func writeNext(_ context: ChannelHandlerContext) {
        guard var current = output else { return }
        guard !current.isEmpty else {
            output = nil
            context.close(mode: .output, promise: nil)
            // Closing while bytes of the client are unread would reset the connection and lose the answer's end.
            context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(2)) { context.close(promise: nil) }
            return
        }
        let piece = current.withNext { ByteBuffer(bytes: $0.prefix(Self.burst)) }
        current.advance(by: piece.readableBytes)
        output = current
        let here = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(piece)).whenSuccess {
            here.value.0.restartTimer(here.value.1)
            here.value.0.writeNext(here.value.1)
        }
    }

    private func restartTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: stall) { context.close(promise: nil) }
    }
}
