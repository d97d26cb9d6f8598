internal import Cells
internal import Circuits
internal import NIOCore

/// A stream's port: collects what its owner has to hear until the corridor settles, and sends for it.
final class CircuitStream: StreamPort {
    /// Which circuit's.
    enum Site {
        /// At a relay.
        case relay(SlabHandle)
        /// At the client.
        case origin(SlabHandle)
    }

    let id: UInt64
    let circuit: UInt64
    let site: Site
    unowned let corridor: Corridor
    /// Nil once the stream has ended.
    var handle: StreamHandle?
    /// Held until the stream has ended.
    var owner: (any StreamOwner)?
    /// Whether the owner could not send all it had, or was told that there is no room.
    var wantsToSend = false
    var isTouched = false
    /// How fast the owner is, where streams have no windows.
    var drain: StreamDrain?
    /// How fast we may send, if the other end has said so.
    var pace: StreamPace?
    private var isWakeScheduled = false

    private var request: (request: StreamRequest, isFirstHop: Bool)?
    private var connected: ConnectedMessage?
    private var resolved: ResolvedMessage?
    private var received: ByteBuffer?
    private var maySend = false
    private var ended: EndMessage?

    init(id: UInt64, circuit: UInt64, site: Site, handle: StreamHandle, corridor: Corridor) {
        self.id = id
        self.circuit = circuit
        self.site = site
        self.handle = handle
        self.corridor = corridor
    }

    // MARK: What the corridor notes

    /// A client opens it, at this relay.
    func note(_ request: StreamRequest, isFirstHop: Bool) {
        self.request = (request, isFirstHop)
        corridor.touch(self)
    }

    /// CONNECTED came.
    func note(_ message: ConnectedMessage) {
        connected = message
        corridor.touch(self)
    }

    /// RESOLVED came; the stream has ended.
    func note(_ message: ResolvedMessage) {
        resolved = message
        handle = nil
        corridor.touch(self)
    }

    /// END came, or the circuit ended.
    func note(_ message: EndMessage) {
        if ended == nil { ended = message }
        handle = nil
        corridor.touch(self)
    }

    /// There is room to send.
    func noteRoom() {
        maySend = true
        corridor.touch(self)
    }

    /// Bytes came: the one copy from the cell into what its owner gets.
    func receive(_ bytes: RawSpan) {
        if received == nil { received = ByteBufferAllocator().buffer(capacity: bytes.byteCount) }
        bytes.withUnsafeBytes { _ = received?.writeBytes($0) }
        if !isTouched { corridor.touch(self) }
    }

    // MARK: What the owner hears

    /// Tells the owner all that is noted, in the order in which it can have happened.
    func tellOwner() {
        isTouched = false
        if let (request, isFirstHop) = request.take() {
            if let acceptor = corridor.streamAcceptor, handle != nil {
                owner = acceptor.accept(request, port: self, isFirstHop: isFirstHop)
            }
            if owner == nil, handle != nil { end(EndMessage(reason: .misc)) }
        }
        if let message = connected.take() { owner?.streamConnected(message) }
        if let bytes = received.take() {
            let count = bytes.readableBytes
            owner?.streamReceived(bytes)
            if drain != nil {
                corridor.noteDelivered(count, to: self)
            } else if !isBacklogged {
                corridor.acknowledge(self)
            }
        }
        if let message = resolved.take() {
            let owner = self.owner.take()
            owner?.streamResolved(message)
        }
        if maySend {
            maySend = false
            if handle != nil { owner?.streamMaySend() }
        }
        if let message = ended.take() {
            let owner = self.owner.take()
            owner?.streamEnded(message)
        }
    }

    // MARK: StreamPort

    var eventLoop: any EventLoop { corridor.eventLoop }

    var clientward: (address: IPAddress, isFirstHop: Bool)? { corridor.clientward(of: self) }

    var sendableBytes: Int { corridor.sendableBytes(of: self) }

    var isBacklogged = false {
        didSet {
            guard oldValue != isBacklogged else { return }
            if drain != nil {
                corridor.noteBacklog(self)
            } else if !isBacklogged {
                corridor.acknowledge(self)
            }
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int { corridor.send(bytes, from: self) }

    /// Tells the owner that there is room when the pace has let some in.
    func wakeLater() {
        guard !isWakeScheduled, let pace else { return }
        isWakeScheduled = true
        let stream = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .microseconds(Int64(pace.wait))) {
            stream.value.isWakeScheduled = false
            if stream.value.handle != nil { stream.value.noteRoom() }
        }
    }

    func sendConnected(_ message: ConnectedMessage) { corridor.sendConnected(message, from: self) }

    func sendResolved(_ message: ResolvedMessage) {
        corridor.sendResolved(message, from: self)
        owner = nil
    }

    func end(_ message: EndMessage) {
        corridor.end(self, message)
        forgetNotes()
        owner = nil
    }

    private func forgetNotes() {
        connected = nil
        resolved = nil
        received = nil
        maySend = false
        ended = nil
    }
}
