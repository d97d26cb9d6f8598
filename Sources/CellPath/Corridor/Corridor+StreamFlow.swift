internal import Cells
internal import Circuits
internal import NIOCore

/// Streams under congestion control: XOFF and XON to the other end, and the pace that its XON asks of us.
extension Corridor {
    /// Microseconds since this corridor began, read now: what happens outside a burst may be long after the last one.
    var microseconds: UInt64 { Self.microseconds(since: epoch) }

    /// Microseconds since an instant.
    static func microseconds(since epoch: ContinuousClock.Instant) -> UInt64 {
        let passed = (.now - epoch).components
        return UInt64(max(0, passed.seconds)) &* 1_000_000 &+ UInt64(passed.attoseconds / 1_000_000_000_000)
    }

    /// How fast a new stream's reader is will be watched, if the stream has no windows.
    func watchDrain(
        of stream: CircuitStream, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>, hop: Int, isExit: Bool
    ) {
        guard !endpoint.pointee.machine.hasStreamWindows(hop: hop) else { return }
        stream.drain = StreamDrain(endpoint.pointee.machine.parameters.congestion, isExit: isExit)
    }

    /// A stream's owner was given bytes.
    func noteDelivered(_ count: Int, to stream: CircuitStream) {
        guard let action = stream.drain?.receive(count, now: microseconds, isOpen: isOpen(stream)) else { return }
        perform(action, stream)
    }

    /// A stream's owner cannot pass on what it gets, or can again.
    func noteBacklog(_ stream: CircuitStream) {
        guard stream.isBacklogged else {
            guard let action = stream.drain?.catchUp(now: microseconds) else { return }
            return perform(action, stream)
        }
        stream.drain?.fallBehind(now: microseconds)
    }

    private func perform(_ action: StreamDrain.Action, _ stream: CircuitStream) {
        switch action {
        case .none: break
        case .sendXoff: tell(XoffMessage(), stream)
        case .sendXon(let rate): tell(XonMessage(rate: rate), stream)
        case .destroyCircuit:
            switch stream.site {
            case .relay(let circuit):
                if circuits.pointer(circuit) != nil { closeForFlow(CircuitReference(.relay, circuit.slot)) }
            case .origin(let origin):
                if origins.pointer(origin) != nil { closeForFlow(CircuitReference(.origin, origin.slot)) }
            }
        }
    }

    private func isOpen(_ stream: CircuitStream) -> Bool {
        guard let handle = stream.handle, let endpoint = endpoint(of: stream) else { return false }
        return endpoint.pointee.machine.isOpen(handle)
    }

    private func endpoint(of stream: CircuitStream) -> UnsafeMutablePointer<CircuitEndpoint>? {
        switch stream.site {
        case .relay(let circuit): circuits.pointer(circuit)?.pointee.endpoint
        case .origin(let origin): origins.pointer(origin)?.pointee.endpoint
        }
    }

    private func tell(_ message: some RelayMessage, _ stream: CircuitStream) {
        guard let handle = stream.handle, let endpoint = endpoint(of: stream), endpoint.pointee.machine.isOpen(handle),
            let id = endpoint.pointee.machine.streamID(of: handle), let hop = endpoint.pointee.machine.hop(of: handle)
        else { return }
        switch stream.site {
        case .relay(let circuit): send(message, streamID: id, circuit: circuit.slot)
        case .origin(let origin): send(message, streamID: id, hop: hop, origin: origin.slot)
        }
    }

    // MARK: Our own pace

    /// XON has come: a stream goes on, so fast.
    func pace(
        _ handle: StreamHandle, rate: UInt32, maySend: Bool, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        let now = microseconds
        endpoint.pointee.stream(at: handle)?._withUnsafeGuaranteedRef { stream in
            stream.pace = StreamPace(rate: rate, now: now)
            if maySend { stream.noteRoom() }
        }
    }

    /// How many of so many bytes a stream's pace lets through, in cells that are full. Who hears of less is told when it is more.
    func paced(_ count: Int, _ stream: CircuitStream) -> Int {
        guard count > 0, let room = stream.pace?.room(now: microseconds), room < count else { return count }
        stream.wakeLater()
        return room < CellsSpec.relayDataLength ? 0 : room
    }
}
