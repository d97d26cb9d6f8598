package import Cells
package import NIOCore
package import Transport

/// Why a response could not be had.
package enum HTTPFetchError: Error, Hashable, Sendable {
    /// The connection did not come about, or broke.
    case connectionFailed
    /// Nothing moved for too long.
    case timedOut
    /// What came is no HTTP, or too much.
    case http(HTTPError)
}

/// One request over a TCP connection of its own.
package struct HTTPFetch: Sendable {
    /// What is sent.
    package var request: [UInt8]
    /// How long a body may be.
    package var bodyLimit: Int
    /// Whether a body that is shorter than announced is of use.
    package var allowsPartial = false
    /// How long nothing may move.
    package var stall: TimeAmount

    /// A request.
    package init(request: [UInt8], bodyLimit: Int, allowsPartial: Bool = false, stall: TimeAmount) {
        self.request = request
        self.bodyLimit = bodyLimit
        self.allowsPartial = allowsPartial
        self.stall = stall
    }

    /// Asks whoever is at `endpoint`; fails with an `HTTPFetchError`.
    package func run(
        at endpoint: SocketEndpoint, over dialer: any Dialer, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPResponse> {
        let promise = loop.makePromise(of: HTTPResponse.self)
        dialer.dial(endpoint, on: loop) { socket in
            try socket.pipeline.syncOperations.addHandler(HTTPFetchHandler(self, promise: promise))
        }
        .whenFailure { _ in promise.fail(HTTPFetchError.connectionFailed) }
        return promise.futureResult
    }
}

/// The socket of one request.
private final class HTTPFetchHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let fetch: HTTPFetch
    private let promise: EventLoopPromise<HTTPResponse>
    private var machine: HTTPResponseMachine
    private var timer: Scheduled<Void>?
    private var isDone = false

    init(_ fetch: HTTPFetch, promise: EventLoopPromise<HTTPResponse>) {
        self.fetch = fetch
        self.promise = promise
        machine = HTTPResponseMachine(bodyLimit: fetch.bodyLimit)
    }

    func channelActive(context: ChannelHandlerContext) {
        restartTimer(context)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: fetch.request)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        restartTimer(context)
        take(unwrapInboundIn(data).withUnsafeReadableBytes { machine.receive($0.bytes) }, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard !isDone else { return }
        take(machine.receiveEnd(allowsPartial: fetch.allowsPartial), context)
        finish(.failure(.connectionFailed), context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(.connectionFailed), context)
    }

    private func take(_ action: HTTPResponseMachine.ReceiveAction, _ context: ChannelHandlerContext) {
        switch action {
        case .wait, .ignore: break
        case .fail(let error): finish(.failure(.http(error)), context)
        case .handle(let response): finish(.success(response), context)
        }
    }

    private func finish(_ result: Result<HTTPResponse, HTTPFetchError>, _ context: ChannelHandlerContext) {
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
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: fetch.stall) { [self] in
            finish(.failure(.timedOut), context)
        }
    }
}
