internal import CellPath
internal import Cells
internal import NIOCore

/// A client's question that waits for its answer.
final class ResolveStream: StreamOwner {
    private var port: (any StreamPort)?

    /// A question on a port.
    init(port: any StreamPort) {
        self.port = port
    }

    /// Answers, if the client still waits.
    func answer(_ message: ResolvedMessage) {
        port?.sendResolved(message)
        port = nil
    }

    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) {}
    func streamReceived(_ bytes: ByteBuffer) {}
    func streamMaySend() {}
    func streamEnded(_ message: EndMessage) { port = nil }
}
