package import Cells
package import NIOCore
package import Transport

/// Asks a directory over plain TCP: authorities among each other, and whoever knows no ORPort.
package struct DirPortClient: Sendable {
    private let dialer: any Dialer
    private let stall: TimeAmount

    /// A client.
    ///
    /// - Parameter stall: how long nothing may move.
    package init(dialer: any Dialer = DirectDialer(), stall: TimeAmount = .minutes(5)) {
        self.dialer = dialer
        self.stall = stall
    }

    /// Asks the directory at `endpoint`; fails with a `DirectoryFetchError`.
    package func fetch(
        _ request: DirectoryRequest, from endpoint: SocketEndpoint, on loop: any EventLoop
    ) -> EventLoopFuture<DirectoryResponse> {
        let promise = loop.makePromise(of: DirectoryResponse.self)
        let stall = stall
        dialer.dial(endpoint, on: loop) { socket in
            try socket.pipeline.syncOperations.addHandler(
                DirPortFetchHandler(request, host: "\(endpoint)", stall: stall, promise: promise))
        }
        .whenFailure { _ in promise.fail(DirectoryFetchError.connectionFailed) }
        return promise.futureResult
    }
}

/// The socket of one request.
private final class DirPortFetchHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: DirectoryRequest
    private let host: String
    private let stall: TimeAmount
    private let promise: EventLoopPromise<DirectoryResponse>
    private var machine: HTTPResponseMachine
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(
        _ request: DirectoryRequest, host: String, stall: TimeAmount, promise: EventLoopPromise<DirectoryResponse>
    ) {
        self.request = request
        self.host = host
        self.stall = stall
        self.promise = promise
        machine = HTTPResponseMachine(bodyLimit: max(request.bodyLimit, HTTPLimits.downloadLength))
    }

    func channelActive(context: ChannelHandlerContext) {
        restartTimer(context)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request.encode(host: host))), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        restartTimer(context)
        take(unwrapInboundIn(data).withUnsafeReadableBytes { machine.receive($0.bytes) }, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard !isDone else { return }
        take(machine.receiveEnd(allowsPartial: request.allowsPartial), context)
        finish(.failure(.connectionFailed), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(.connectionFailed), context)
    }

    private func take(_ action: HTTPResponseMachine.ReceiveAction, _ context: ChannelHandlerContext) {
        switch action {
        case .wait, .ignore: break
        case .fail(let error): finish(.failure(.http(error)), context)
        case .handle(let response):
            do throws(DirectoryFetchError) {
                finish(.success(try DirectoryResponse(response, to: request)), context)
            } catch {
                finish(.failure(error), context)
            }
        }
    }

    private func finish(_ result: Result<DirectoryResponse, DirectoryFetchError>, _ context: ChannelHandlerContext) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        switch result {
        case .success(let response): promise.succeed(response)
        case .failure(let error): promise.fail(error)
        }
        context.close(promise: nil)
    }

    private func restartTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: stall) { [self] in
            finish(.failure(.timedOut), context)
        }
    }
}
