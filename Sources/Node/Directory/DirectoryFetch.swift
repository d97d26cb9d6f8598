internal import CellPath
internal import Cells
internal import NIOCore

/// One request on one stream, until it is answered. Confined to the circuit's loop.
final class DirectoryFetch: StreamOwner {
    /// What has come about.
    enum Stage {
        /// BEGIN_DIR is on its way.
        case asked
        /// The directory took the stream.
        case connected
    }

    private let request: DirectoryRequest
    private let host: String
    private let stall: TimeAmount
    private let stage: (Stage) -> Void
    private var completion: ((Result<DirectoryResponse, DirectoryFetchError>) -> Void)?
    private var machine: HTTPResponseMachine
    private var output: DirectoryOutput?
    private var port: (any StreamPort)?
    private var timer: Scheduled<Void>?

    /// A request that is not on a circuit yet.
    init(
        _ request: DirectoryRequest, host: String, stall: TimeAmount, stage: @escaping (Stage) -> Void,
        completion: @escaping (Result<DirectoryResponse, DirectoryFetchError>) -> Void
    ) {
        self.request = request
        self.host = host
        self.stall = stall
        self.stage = stage
        self.completion = completion
        // Compressed bytes are never more than what they stand for by much.
        machine = HTTPResponseMachine(bodyLimit: max(request.bodyLimit, HTTPLimits.downloadLength))
    }

    /// Opens a stream to the last hop's directory.
    func start(on circuit: any ClientCircuit) {
        guard completion != nil else { return }
        restartTimer(circuit.eventLoop)
        guard let port = circuit.openStream(.beginDirectory, owner: self) else {
            finish(.failure(.circuitClosed(isChannelFailure: false)))
            return
        }
        self.port = port
        // The stream may have ended while it was being opened.
        if completion == nil {
            port.end(EndMessage(reason: .done))
        } else {
            stage(.asked)
        }
    }

    /// Gives up.
    func fail(_ error: DirectoryFetchError) {
        finish(.failure(error))
    }

    func streamConnected(_ message: ConnectedMessage) {
        guard completion != nil else { return }
        stage(.connected)
        output = DirectoryOutput(bytes: request.encode(host: host))
        pump()
    }

    func streamResolved(_ message: ResolvedMessage) {}

    func streamReceived(_ bytes: ByteBuffer) {
        guard completion != nil, let port else { return }
        restartTimer(port.eventLoop)
        take(bytes.withUnsafeReadableBytes { machine.receive($0.bytes) })
    }

    func streamMaySend() {
        guard completion != nil, let port else { return }
        restartTimer(port.eventLoop)
        pump()
    }

    func streamEnded(_ message: EndMessage) {
        port = nil
        guard completion != nil else { return }
        switch machine.receiveEnd(allowsPartial: request.allowsPartial) {
        case .handle(let response) where message.reason == .done || request.allowsPartial:
            take(.handle(response))
        default:
            finish(.failure(.streamEnded(message.reason.rawValue)))
        }
    }

    private func take(_ action: HTTPResponseMachine.ReceiveAction) {
        switch action {
        case .wait, .ignore: break
        case .fail(let error): finish(.failure(.http(error)))
        case .handle(let response):
            do throws(DirectoryFetchError) {
                finish(.success(try DirectoryResponse(response, to: request)))
            } catch {
                finish(.failure(error))
            }
        }
    }

    private func pump() {
        while var current = output, let port {
            guard !current.isEmpty else {
                output = nil
                return
            }
            let sent = current.withNext { port.send($0) }
            current.advance(by: sent)
            output = current
            if sent == 0 { return }
        }
    }

    private func finish(_ result: Result<DirectoryResponse, DirectoryFetchError>) {
        guard let completion else { return }
        self.completion = nil
        output = nil
        timer?.cancel()
        timer = nil
        let port = port
        self.port = nil
        port?.end(EndMessage(reason: .done))
        completion(result)
    }

    private func restartTimer(_ loop: any EventLoop) {
        timer?.cancel()
        timer = loop.assumeIsolated().scheduleTask(in: stall) { [weak self] in self?.finish(.failure(.timedOut)) }
    }
}
