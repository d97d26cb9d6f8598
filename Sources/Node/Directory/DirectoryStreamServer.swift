package import CellPath
package import Cells
package import NIOCore
internal import Transport

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
        clock: @escaping @Sendable () -> WallTime = { .now }
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
