internal import CellPath
package import Cells
package import NIOCore

/// Who wanted a stream. Called on the circuits' loop.
package protocol ClientStreamUser: AnyObject {
    /// The stream is open. Bytes may be sent.
    func streamOpened(_ stream: ClientStream, address: IPAddress?)
    /// The look-up is done. Nothing follows.
    func streamResolved(_ stream: ClientStream, _ resolution: Resolution)
    /// The stream cannot be had. Nothing follows.
    func streamFailed(_ stream: ClientStream, _ failure: StreamFailure)
    /// Bytes came: those of one read burst.
    func streamReceived(_ stream: ClientStream, _ bytes: ByteBuffer)
    /// More bytes can be sent again.
    func streamMaySend(_ stream: ClientStream)
    /// The open stream has ended. Nothing follows.
    func streamEnded(_ stream: ClientStream, _ reason: EndReason)
}

/// A stream that somebody here wants, from the wish until its end, over as many circuits as it takes.
///
/// The port that carries it changes until it is open; whoever uses it sees only this. Confined to its loop.
package final class ClientStream {
    /// How far it is.
    private enum Phase {
        case waiting
        case attached(any StreamPort)
        case open(any StreamPort)
        case finished
    }

    /// Its number, as the control port has it.
    package let id: UInt64
    /// What was asked for.
    package let demand: StreamDemand
    private var phase = Phase.waiting
    private var user: (any ClientStreamUser)?
    private weak var circuits: ClientCircuits?

    init(id: UInt64, demand: StreamDemand, user: any ClientStreamUser, circuits: ClientCircuits) {
        self.id = id
        self.demand = demand
        self.user = user
        self.circuits = circuits
    }

    /// How many bytes `send` would take now.
    package var sendableBytes: Int {
        if case .open(let port) = phase { port.sendableBytes } else { 0 }
    }

    /// True while its user cannot pass on what it gets.
    package var isBacklogged: Bool {
        get { if case .open(let port) = phase { port.isBacklogged } else { false } }
        set { if case .open(let port) = phase, port.isBacklogged != newValue { port.isBacklogged = newValue } }
    }

    /// Sends bytes, at most `sendableBytes`; says how many were taken, from the front.
    package func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        if case .open(let port) = phase { port.send(bytes) } else { 0 }
    }

    /// Its user is done with it; the user hears nothing more.
    package func end(_ reason: EndReason = .done) {
        guard let port = finish() else { return }
        port?.end(EndMessage(reason: reason))
        circuits?.streamGone(self, reason)
    }

    // MARK: What the circuits tell

    /// Whether it still waits for a circuit.
    var isWaiting: Bool {
        if case .waiting = phase { true } else { false }
    }

    func attached(to port: any StreamPort) {
        phase = .attached(port)
    }

    func detach(_ reason: EndReason) {
        guard case .attached(let port) = phase else { return }
        phase = .waiting
        port.end(EndMessage(reason: reason))
    }

    func accept(_ address: IPAddress?) {
        guard case .attached(let port) = phase else { return }
        phase = .open(port)
        user?.streamOpened(self, address: address)
    }

    func resolve(_ resolution: Resolution) {
        let user = user
        guard finish() != nil else { return }
        user?.streamResolved(self, resolution)
    }

    func fail(_ failure: StreamFailure) {
        let user = user
        guard let port = finish() else { return }
        port?.end(EndMessage(reason: failure == .torProtocol ? .torProtocol : .misc))
        user?.streamFailed(self, failure)
    }

    /// Ends it here; nil if it had ended, else its port, if it has one.
    private func finish() -> (any StreamPort)?? {
        defer {
            phase = .finished
            user = nil
        }
        switch phase {
        case .waiting: return .some(nil)
        case .attached(let port), .open(let port): return .some(port)
        case .finished: return nil
        }
    }
}

extension ClientStream: StreamOwner {
    package func streamConnected(_ message: ConnectedMessage) {
        circuits?.streamConnected(self, message)
    }

    package func streamResolved(_ message: ResolvedMessage) {
        circuits?.streamResolved(self, message)
    }

    package func streamReceived(_ bytes: ByteBuffer) {
        user?.streamReceived(self, bytes)
    }

    package func streamMaySend() {
        user?.streamMaySend(self)
    }

    package func streamEnded(_ message: EndMessage) {
        switch phase {
        case .attached:
            phase = .waiting
            circuits?.streamEnded(self, message)
        case .open:
            let user = user
            _ = finish()
            circuits?.streamGone(self, message.reason, isRemote: true)
            user?.streamEnded(self, message.reason)
        case .waiting, .finished: break
        }
    }
}
