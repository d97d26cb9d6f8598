internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto
internal import Transport

/// The side door: streams at either end of a circuit.
extension Corridor {
    /// An endpoint without streams, at an address of its own.
    func makeEndpoint(
        _ role: EndpointMachine.Role, congestion: UInt8? = nil
    ) -> UnsafeMutablePointer<CircuitEndpoint> {
        let endpoint = UnsafeMutablePointer<CircuitEndpoint>.allocate(capacity: 1)
        var random = self.random
        var parameters = settings.endpoint
        // Strictness is a client's own choice: a relay that is stricter than others would tell circuits apart.
        if role == .relay { parameters.isStrict = false }
        endpoint.initialize(
            to: CircuitEndpoint(
                machine: EndpointMachine(
                    role: role, parameters: parameters, congestion: congestion, using: &random)))
        return endpoint
    }

    /// Ends an endpoint with its circuit; all streams hear DESTROY.
    func closeEndpoint(_ endpoint: UnsafeMutablePointer<CircuitEndpoint>) {
        for stream in endpoint.pointee.takeAll() { stream.note(EndMessage(reason: .destroy)) }
        endpoint.deinitialize(count: 1)
        endpoint.deallocate()
    }

    /// Puts a stream on the list of those whose owners have something to hear.
    func touch(_ stream: CircuitStream) {
        guard !stream.isTouched else { return }
        stream.isTouched = true
        touchedStreams.append(stream)
        settleSoon()
    }

    /// Gives a DATA's bytes to their stream.
    @inline(__always)
    func deliver(_ data: RawSpan, to handle: StreamHandle, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>) {
        endpoint.pointee.stream(at: handle)?._withUnsafeGuaranteedRef { $0.receive(data) }
    }

    // MARK: Waking

    /// Tells a stream that it may send.
    func wake(_ handle: StreamHandle, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>) {
        endpoint.pointee.stream(at: handle)?._withUnsafeGuaranteedRef { $0.noteRoom() }
    }

    /// Tells those in line that they may send, unless the queue is too long anyway. The circuit may be gone afterwards.
    func wakeStreams(
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>, _ reference: CircuitReference, hop: Int
    ) {
        guard !endpoint.pointee.isQueueFull else { return }
        var flow = flow(of: reference, endpoint)
        while let handle = endpoint.pointee.machine.nextWaiting(hop: hop, by: &flow) { wake(handle, endpoint) }
        _ = settle(flow, reference)
    }

    /// The same for all hops.
    ///
    /// - Returns: false if the circuit is gone.
    @discardableResult
    func wakeStreams(_ endpoint: UnsafeMutablePointer<CircuitEndpoint>, _ reference: CircuitReference) -> Bool {
        guard !endpoint.pointee.isQueueFull else { return true }
        var flow = flow(of: reference, endpoint)
        for hop in 0..<endpoint.pointee.machine.hopCount {
            while let handle = endpoint.pointee.machine.nextWaiting(hop: hop, by: &flow) { wake(handle, endpoint) }
        }
        return settle(flow, reference)
    }

    /// A circuit's queue has become shorter. The circuit may be gone afterwards.
    @inline(__always)
    func queueDrained(
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>, to count: UInt32, _ reference: CircuitReference
    ) {
        guard endpoint.pointee.isQueueFull, Int(count) <= settings.streamQueueLow else { return }
        endpoint.pointee.isQueueFull = false
        wakeStreams(endpoint, reference)
    }

    // MARK: What ports ask

    private struct Place {
        let endpoint: UnsafeMutablePointer<CircuitEndpoint>
        let handle: StreamHandle
        /// Cells that streams may still put into the queue.
        let room: Int
        let attended: DoorSet
        let reference: CircuitReference
    }

    private func room(_ count: UInt32) -> Int { max(0, settings.streamQueueHigh - Int(count)) }

    private func place(of stream: CircuitStream) -> Place? {
        guard let handle = stream.handle else { return nil }
        switch stream.site {
        case .relay(let place):
            guard let circuit = circuits.pointer(place), let endpoint = circuit.pointee.endpoint else { return nil }
            let slot = place.slot
            return Place(
                endpoint: endpoint, handle: handle, room: room(circuit.pointee.queue.count),
                attended: circuit.pointee.attended, reference: CircuitReference(.relay, slot))
        case .origin(let place):
            guard let origin = origins.pointer(place), let endpoint = origin.pointee.endpoint else { return nil }
            let slot = place.slot
            return Place(
                endpoint: endpoint, handle: handle, room: room(origin.pointee.queue.count),
                attended: origin.pointee.attended, reference: CircuitReference(.origin, slot))
        }
    }

    /// How many bytes a stream may send. Who hears 0 is told when it is more.
    func sendableBytes(of stream: CircuitStream) -> Int {
        guard let place = place(of: stream) else { return 0 }
        var flow = flow(of: place.reference, place.endpoint)
        let windows = place.endpoint.pointee.machine.sendableBytes(place.handle, by: &flow)
        guard settle(flow, place.reference) else { return 0 }
        let bytes = min(windows, place.room * CellsSpec.relayDataLength)
        if bytes == 0 { wait(place) }
        return paced(bytes, stream)
    }

    /// Where a stream's circuit comes from; nil where it starts here, or is gone.
    func clientward(of stream: CircuitStream) -> (address: IPAddress, isFirstHop: Bool)? {
        guard case .relay(let handle) = stream.site, let circuit = circuits.pointer(handle),
            let remote = channels.pointer(circuit.pointee.channel).pointee.driver.tls.remoteAddress,
            let endpoint = SocketEndpoint(remote)
        else { return nil }
        return (endpoint.address, circuit.pointee.isFirstHop)
    }

    private func wait(_ place: Place) {
        if place.room == 0 { place.endpoint.pointee.isQueueFull = true }
        place.endpoint.pointee.machine.wait(place.handle)
    }

    /// Packages bytes into DATA cells, as many as windows and queue take.
    func send(_ bytes: UnsafeRawBufferPointer, from stream: CircuitStream) -> Int {
        var taken = 0
        var random = self.random
        let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<paced(bytes.count, stream)])
        defer { stream.pace?.spend(taken) }
        while taken < bytes.count, let place = place(of: stream) {
            guard place.room > 0, let base = bytes.baseAddress else {
                wait(place)
                break
            }
            var flow = flow(of: place.reference, place.endpoint)
            var available = bytes.count - taken
            if place.attended.takesBytes, place.endpoint.pointee.machine.canPackage(place.handle, by: &flow) {
                let asked = askBytes(
                    UnsafeRawBufferPointer(rebasing: bytes[taken...]), of: place.handle, place.reference,
                    place.endpoint)
                switch asked {
                case .package(let length): available = length
                case .taken(let length):
                    taken += length
                    guard settle(flow, place.reference) else { return taken }
                    continue
                case .gone: return taken
                }
            }
            let length = place.endpoint.pointee.machine.package(
                place.handle, available: available, using: &random, by: &flow)
            guard settle(flow, place.reference) else { break }
            guard length > 0 else {
                wait(place)
                break
            }
            guard var cell = pool.makeCell(), let id = place.endpoint.pointee.machine.streamID(of: place.handle) else {
                shed(stream)
                break
            }
            var body = cell.body
            RelayCellFormat.v0.encodeHeader(.data, streamID: id, length: length, into: &body, using: &random)
            let start = RelayCellFormat.v0.dataOffset(of: .data)
            // Safe: `package` gives no more than a cell holds, nor than there is.
            body.withUnsafeMutableBytes { body in
                if let room = body.baseAddress { (room + start).copyMemory(from: base + taken, byteCount: length) }
            }
            taken += length
            counters.originated &+= 1
            switch stream.site {
            case .relay(let circuit):
                cell.command = .relay
                cell.mark = CellMark.originatedData
                enqueue(cell, circuit: circuit.slot)
            case .origin(let origin):
                enqueueData(cell, hop: place.endpoint.pointee.machine.hop(of: place.handle) ?? 0, origin: origin.slot)
            }
        }
        return taken
    }

    /// There is no memory for a stream's cell: its circuit goes.
    private func shed(_ stream: CircuitStream) {
        counters.droppedMemory &+= 1
        counters.circuitsShed &+= 1
        switch stream.site {
        case .relay(let circuit): closeCircuit(circuit.slot, .resourceLimit)
        case .origin(let origin): closeOrigin(origin.slot, ending(of: origin.slot, .resourceLimit))
        }
    }

    /// A stream's owner has taken what came: acknowledge what is due.
    func acknowledge(_ stream: CircuitStream) {
        guard let place = place(of: stream), let id = place.endpoint.pointee.machine.streamID(of: place.handle) else {
            return
        }
        let hop = place.endpoint.pointee.machine.hop(of: place.handle) ?? 0
        var flow = flow(of: place.reference, place.endpoint)
        let count = place.endpoint.pointee.machine.acknowledge(place.handle, by: &flow)
        guard settle(flow, place.reference) else { return }
        guard let count else { return closeForFlow(place.reference) }
        for _ in 0..<count { sendStreamSendme(id, hop: hop, site: stream.site) }
    }

    /// Flow control does not go on.
    func closeForFlow(_ reference: CircuitReference) {
        counters.protocolViolations &+= 1
        switch reference.kind {
        case .relay: closeCircuit(reference.slot, .torProtocol)
        case .origin: closeOrigin(reference.slot, ending(of: reference.slot, .torProtocol))
        case .leg: break
        }
    }

    /// Acknowledges a stream's DATA.
    func sendStreamSendme(_ id: StreamID, hop: Int, site: CircuitStream.Site) {
        switch site {
        case .relay(let circuit):
            guard circuits.pointer(circuit) != nil else { return }
            send(SendmeMessage.v0, streamID: id, circuit: circuit.slot)
        case .origin(let origin):
            guard origins.pointer(origin) != nil else { return }
            send(SendmeMessage.v0, streamID: id, hop: hop, origin: origin.slot)
        }
    }

    /// Answers BEGIN.
    func sendConnected(_ message: ConnectedMessage, from stream: CircuitStream) {
        guard case .relay(let circuit) = stream.site, let place = place(of: stream),
            let id = place.endpoint.pointee.machine.sendConnected(place.handle)
        else { return }
        let isWanted =
            !place.attended.contains(.stream)
            || askStream(.connected, message, id, place.reference)
        if isWanted { send(message, streamID: id, circuit: circuit.slot) }
        // Bytes that came before CONNECTED are acknowledged after it.
        if !stream.isBacklogged { acknowledge(stream) }
    }

    /// Answers RESOLVE; the stream has ended.
    func sendResolved(_ message: ResolvedMessage, from stream: CircuitStream) {
        guard case .relay(let circuit) = stream.site, let place = place(of: stream),
            let id = place.endpoint.pointee.machine.sendResolved(place.handle)
        else { return }
        stream.handle = nil
        _ = place.endpoint.pointee.take(place.handle)
        if place.attended.contains(.stream) {
            guard askStream(.closed, message, id, place.reference) else { return }
        }
        send(message, streamID: id, circuit: circuit.slot)
    }

    /// Ends a stream from this side.
    func end(_ stream: CircuitStream, _ message: EndMessage) {
        guard let place = place(of: stream) else { return }
        stream.handle = nil
        guard let (id, hop) = place.endpoint.pointee.machine.endStream(place.handle) else { return }
        _ = place.endpoint.pointee.take(place.handle)
        if place.attended.contains(.stream) {
            let isWanted = askStream(
                .closed, message, id, place.reference, hop: hop, reason: UInt32(message.reason.rawValue))
            guard isWanted else {
                if case .origin(let origin) = stream.site { origins.pointer(origin)?.pointee.object.streamsChanged() }
                return
            }
        }
        switch stream.site {
        case .relay(let circuit):
            send(message, streamID: id, circuit: circuit.slot)
        case .origin(let origin):
            // tor-spec §6.3: a client says MISC whatever the reason, since it would tell the exit something.
            send(EndMessage(reason: .misc), streamID: id, hop: hop, origin: origin.slot)
            origins.pointer(origin.slot).pointee.object.streamsChanged()
        }
    }
}
