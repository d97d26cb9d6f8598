package import Cells
package import CellPath
package import NIOCore

/// The directory's end of a stream that BEGIN_DIR opened: a request in, the response out as the windows let it, END.
///
/// Confined to the port's loop.
package final class DirectoryStreamServer: StreamOwner {
    private let port: any StreamPort
    private let server: DirectoryServer
    private let peer: DirectoryPeer
    private let clock: @Sendable () -> WallTime
    private var machine = HTTPRequestMachine()
    private var output: DirectoryOutput?
    private var timer: Scheduled<Void>?
    private var hasEnded = false

    /// Takes a stream that a client opened to our directory, and answers CONNECTED.
    ///
    /// - Parameters:
    ///   - port: our end of the stream.
    ///   - server: who has the answers.
    ///   - peer: what is known of the client.
    ///   - stall: how long nothing may move.
    ///   - clock: the time.
    package init(
        port: any StreamPort, server: DirectoryServer, peer: DirectoryPeer, stall: TimeAmount = .minutes(5),
        clock: @escaping @Sendable () -> WallTime = WallTime.now
    ) {
        self.port = port
        self.server = server
        self.peer = peer
        self.clock = clock
        self.stall = stall
        port.sendConnected(ConnectedMessage())
        restartTimer()
    }

    private let stall: TimeAmount

    package func streamConnected(_ message: ConnectedMessage) {}

    package func streamResolved(_ message: ResolvedMessage) {}

    package func streamReceived(_ bytes: ByteBuffer) {
        guard !hasEnded else { return }
        restartTimer()
        switch bytes.withUnsafeReadableBytes({ machine.receive($0.bytes) }) {
        case .wait, .ignore: break
        case .handle(let request):
            let loop = port.eventLoop
            let owner = NIOLoopBound(self, eventLoop: loop)
            server.answer(request, from: peer, now: clock()) { response in
                // Uploads are answered from the authority's own thread.
                if loop.inEventLoop { return owner.value.respond(response) }
                loop.execute { owner.value.respond(response) }
            }
        case .refuse: respond(server.badRequest(now: clock()))
        case .close: finish(.torProtocol)
        }
    }

    package func streamMaySend() {
        guard !hasEnded else { return }
        restartTimer()
        pump()
    }

    package func streamEnded(_ message: EndMessage) {
        hasEnded = true
        output = nil
        timer?.cancel()
    }

    private func respond(_ response: HTTPResponse) {
        guard !hasEnded else { return }
        output = DirectoryOutput(response)
        pump()
    }

    private func pump() {
        while var current = output, !hasEnded {
            guard !current.isEmpty else {
                finish(.done)
                return
            }
            let sent = current.withNext { port.send($0) }
            current.advance(by: sent)
            output = current
            // `streamMaySend` comes when there is room.
            if sent == 0 { return }
        }
    }

    private func finish(_ reason: EndReason) {
        guard !hasEnded else { return }
        hasEnded = true
        output = nil
        timer?.cancel()
        port.end(EndMessage(reason: reason))
    }

    private func restartTimer() {
        timer?.cancel()
        timer = port.eventLoop.assumeIsolated().scheduleTask(in: stall) { [weak self] in self?.finish(.timeout) }
    }
}

/// What remains to be sent of a response: the head, then the body, neither of them copied.
struct DirectoryOutput {
    private var pieces: [[UInt8]]
    private var offset = 0

    init(_ response: HTTPResponse) {
        pieces = [response.body, response.encodeHead()].filter { !$0.isEmpty }
    }

    var isEmpty: Bool { pieces.isEmpty }

    /// Shows the next bytes that are to be sent.
    func withNext<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        guard let piece = pieces.last else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        return piece.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    /// So many of them were sent.
    mutating func advance(by count: Int) {
        offset += count
        guard let piece = pieces.last, offset >= piece.count else { return }
        pieces.removeLast()
        offset = 0
    }
}
