internal import Cells
package import Configuration
internal import NIOCore
package import Node
internal import Paths

/// Fetches a log's files over the client's own circuits, on which nothing else goes: the exit sees that somebody reads the log, not who.
package struct ClientLogTransport: LogTransport {
    private let client: ClientRole

    /// A transport over a client.
    package init(client: ClientRole) { self.client = client }

    package func fetch(_ path: String, of url: LogURL, limit: Int) async throws(LogFetchError) -> [UInt8] {
        let client = client
        let future: EventLoopFuture<HTTPResponse>?
        do {
            future = try await client.onCircuits { circuits in
                let user = LogStream(
                    url.request(for: path), limit: limit, loop: circuits.eventLoop)
                let isolation = IsolationKey(
                    fields: .always, destinationPort: url.port, destinationHost: url.host, clientProtocol: "PLUGINLOG",
                    // No SocksPort has this one, and every stream minds it.
                    sessionGroup: .min)
                let demand = StreamDemand(.connect(host: url.host, port: url.port), isolation: isolation)
                user.begin(circuits.open(demand, user: user))
                return user.response
            }
        } catch {
            throw .connectionFailed
        }
        guard let future else { throw .connectionFailed }
        do {
            return try await future.get().contents()
        } catch let error as LogFetchError {
            throw error
        } catch {
            throw .connectionFailed
        }
    }
}

/// One request over a stream.
private final class LogStream: ClientStreamUser {
    private let promise: EventLoopPromise<HTTPResponse>
    private let loop: any EventLoop
    private var request: ArraySlice<UInt8>
    private var machine: HTTPResponseMachine
    private var stream: ClientStream?
    private var timer: Scheduled<Void>?
    private var isDone = false

    var response: EventLoopFuture<HTTPResponse> { promise.futureResult }

    init(_ request: [UInt8], limit: Int, loop: any EventLoop) {
        self.loop = loop
        self.request = request[...]
        promise = loop.makePromise()
        machine = HTTPResponseMachine(bodyLimit: limit)
    }

    func begin(_ stream: ClientStream) {
        self.stream = stream
        // A first circuit may have to be built for it.
        restartTimer(seconds: 4 * NodeLimits.logStall)
    }

    func streamOpened(_ stream: ClientStream, address: IPAddress?) {
        restartTimer(seconds: NodeLimits.logStall)
        send()
    }

    func streamMaySend(_ stream: ClientStream) { send() }

    func streamReceived(_ stream: ClientStream, _ bytes: ByteBuffer) {
        guard !isDone else { return }
        restartTimer(seconds: NodeLimits.logStall)
        take(bytes.withUnsafeReadableBytes { machine.receive($0.bytes) })
    }

    func streamEnded(_ stream: ClientStream, _ reason: EndReason) {
        self.stream = nil
        guard !isDone else { return }
        take(machine.receiveEnd())
        finish(.failure(.connectionFailed))
    }

    func streamResolved(_ stream: ClientStream, _ resolution: Resolution) { fail() }

    func streamFailed(_ stream: ClientStream, _ failure: StreamFailure) { fail() }

    private func fail() {
        stream = nil
        finish(.failure(.connectionFailed))
    }

    private func send() {
        guard let stream, !request.isEmpty else { return }
        let sent = request.withUnsafeBytes {
            stream.send(UnsafeRawBufferPointer(rebasing: $0.prefix(stream.sendableBytes)))
        }
        request = request.dropFirst(sent)
    }

    private func take(_ action: HTTPResponseMachine.ReceiveAction) {
        switch action {
        case .wait, .ignore: break
        case .fail: finish(.failure(.badAnswer))
        case .handle(let response): finish(.success(response))
        }
    }

    private func finish(_ result: Result<HTTPResponse, LogFetchError>) {
        guard !isDone else { return }
        isDone = true
        timer?.cancel()
        switch result {
        case .success(let response): promise.succeed(response)
        case .failure(let error): promise.fail(error)
        }
        let stream = stream
        self.stream = nil
        // Not while it is telling us something.
        loop.assumeIsolated().execute { stream?.end() }
    }

    private func restartTimer(seconds: Int64) {
        timer?.cancel()
        timer = loop.assumeIsolated().scheduleTask(in: .seconds(seconds)) { [self] in
            finish(.failure(.timedOut))
        }
    }
}
