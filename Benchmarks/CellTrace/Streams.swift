import CellPath
import Cells
import Circuits
import NIOCore

/// A stream's end that sends so many bytes, all zeros, as fast as it may.
final class Source: StreamOwner {
    var port: (any StreamPort)?
    private var left: Int
    private let bytes = [UInt8](repeating: 0, count: 65_536)
    private(set) var received = 0
    private(set) var isConnected = false

    init(count: Int) { left = count }

    func streamConnected(_ message: ConnectedMessage) { isConnected = true }
    func streamResolved(_ message: ResolvedMessage) {}
    func streamReceived(_ bytes: ByteBuffer) { received += bytes.readableBytes }
    func streamMaySend() { pump() }
    func streamEnded(_ message: EndMessage) { fatalError("a stream has ended") }

    func pump() {
        guard let port else { return }
        while left > 0, port.sendableBytes > 0 {
            let taken = bytes.withUnsafeBytes {
                port.send(UnsafeRawBufferPointer(rebasing: $0[..<min(left, $0.count, port.sendableBytes)]))
            }
            left -= taken
            if taken == 0 { return }
        }
    }
}

/// Exits' side: swallows what comes; sends as many bytes as the port's number says, in thousands of cells.
final class SinkAcceptor: StreamAcceptor {
    /// Bytes that all of them have got.
    private(set) var received = 0

    func accept(_ request: StreamRequest, port: any StreamPort, isFirstHop: Bool) -> (any StreamOwner)? {
        var cells = 0
        if case .begin(let message) = request { cells = Int(message.port - 1) * 1_000 }
        port.sendConnected(ConnectedMessage())
        let source = SinkOwner(self, count: cells * 498)
        source.port = port
        source.pump()
        return source
    }

    fileprivate func note(_ bytes: Int) { received += bytes }
}

private final class SinkOwner: StreamOwner {
    private let acceptor: SinkAcceptor
    private let source: Source

    init(_ acceptor: SinkAcceptor, count: Int) {
        self.acceptor = acceptor
        source = Source(count: count)
    }

    var port: (any StreamPort)? {
        get { source.port }
        set { source.port = newValue }
    }

    func pump() { source.pump() }
    func streamConnected(_ message: ConnectedMessage) {}
    func streamResolved(_ message: ResolvedMessage) {}
    func streamReceived(_ bytes: ByteBuffer) { acceptor.note(bytes.readableBytes) }
    func streamMaySend() { source.pump() }
    func streamEnded(_ message: EndMessage) {}
}
