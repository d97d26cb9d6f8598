internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto

/// The desk: messages for this node, at the end of somebody's circuit.
extension Corridor {
    /// A message that was recognised here.
    func receiveAtEndpoint(_ cell: consuming Cell, tag: OnionTag, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        if circuit.pointee.owesPlugins {
            guard keepPromises(circuit: slot) else { return }
        }
        let endpoint = endpoint(of: slot)
        guard var header = try? RelayCellFormat.v0.decodeHeader(cell.bodyBytes) else { return closeForViolation(slot) }
        if circuit.pointee.attended.contains(.relayMessage) {
            guard askMessage(&cell, &header, tag, CircuitReference(.relay, slot), endpoint) else { return }
        }
        let data = cell.bodyBytes.extracting(header.dataRange)
        if header.command == .paddingNegotiate { return receivePaddingNegotiate(data, circuit: slot) }
        var flow = flow(of: circuit, endpoint)
        let received = endpoint.pointee.machine.receive(
            header, data: data, tag: tag, isEarly: cell.command == .relayEarly, by: &flow)
        guard settle(flow, CircuitReference(.relay, slot)) else { return }
        if let due = received.sendmeDue {
            let handle = circuits.handle(slot)
            sendCircuitSendme(quoting: due, circuit: slot)
            guard circuits.pointer(handle) != nil else { return }
        }
        perform(received.action, header.streamID, data, circuit: slot, endpoint)
    }

    /// Our end of a circuit, made if it is not there.
    @inline(__always)
    func endpoint(of slot: UInt32) -> UnsafeMutablePointer<CircuitEndpoint> {
        let circuit = circuits.pointer(slot)
        if let there = circuit.pointee.endpoint { return there }
        let endpoint = makeEndpoint(.relay, congestion: circuit.pointee.congestion)
        circuit.pointee.endpoint = endpoint
        if let doors = circuit.pointee.doors { endpoint.pointee.follow(doors) }
        return endpoint
    }

    /// Does what a message calls for.
    @inline(__always)
    func perform(
        _ action: ReceiveMessageAction, _ id: StreamID, _ data: RawSpan, circuit slot: UInt32,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        if circuits.pointer(slot).pointee.attended.contains(.stream) {
            guard askStream(of: action, id, data, CircuitReference(.relay, slot), endpoint) else { return }
        }
        switch action {
        case .deliverData(let handle):
            deliver(data, to: handle, endpoint)
        case .none, .drop, .ignore:
            break
        case .streamMaySend(let handle):
            wake(handle, endpoint)
        case .plugin(let command):
            receivePlugin(command, data, hop: 0, CircuitReference(.relay, slot))
        case .streamPaced(let handle, let rate, let maySend):
            pace(handle, rate: rate, maySend: maySend, endpoint)
        case .circuitMaySend(let hop):
            guard pumpPlugins(CircuitReference(.relay, slot), hop: hop) else { return }
            wakeStreams(endpoint, CircuitReference(.relay, slot), hop: hop)
        case .openStream(let handle, _, let opening):
            openStream(handle, opening, circuit: slot, endpoint)
            if circuits.pointer(slot).pointee.exchange != nil { bringAtExit(circuit: slot) }
        case .refuseStream(let id, .end(let message)):
            send(message, streamID: id, circuit: slot)
        case .refuseStream(let id, .resolved(let message)):
            send(message, streamID: id, circuit: slot)
        case .streamEnded(let handle, let message):
            endpoint.pointee.take(handle)?.note(message)
        case .extend(let message):
            extend(slot, message)
        case .truncate(let reason):
            truncate(slot, reason)
        case .destroyCircuit(let reason):
            counters.protocolViolations &+= 1
            closeCircuit(slot, reason)
        case .streamConnected, .streamResolved, .failStream, .extended, .truncated:
            // Messages for a client, which its machine gives no relay.
            break
        }
    }

    private func openStream(
        _ handle: StreamHandle, _ opening: StreamOpening, circuit slot: UInt32,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        let circuit = circuits.pointer(slot)
        let stream = CircuitStream(
            id: makeID(), circuit: circuit.pointee.id, site: .relay(circuits.handle(slot)), handle: handle,
            corridor: self)
        watchDrain(of: stream, endpoint, hop: 0, isExit: true)
        endpoint.pointee.put(stream, at: handle)
        let request: StreamRequest =
            switch opening {
            case .begin(let message): .begin(message)
            case .beginDirectory: .beginDirectory
            case .resolve(let message): .resolve(message)
            }
        stream.note(request, isFirstHop: circuit.pointee.isFirstHop)
    }

    /// Sends a message to the client.
    func send(_ message: some RelayMessage, streamID: StreamID, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        guard var cell = pool.makeCell(circuitID: circuit.pointee.circuitID, command: .relay) else {
            counters.droppedMemory &+= 1
            return closeCircuit(slot, .resourceLimit)
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encode(message, streamID: streamID, into: &body, using: &random)
        queueMessage(cell, circuit: slot)
    }

    /// Queues a message of ours, unless a plugin takes it.
    private func queueMessage(_ cell: consuming Cell, circuit slot: UInt32) {
        if circuits.pointer(slot).pointee.attended.contains(.messagePackaging) {
            guard askPackaging(cell, CircuitReference(.relay, slot)) else { return }
        }
        cell.mark = CellMark.originated
        counters.originated &+= 1
        enqueue(cell, circuit: slot)
    }

    /// Acknowledges DATA of the client's.
    func sendCircuitSendme(quoting tag: OnionTag, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        guard var cell = pool.makeCell(circuitID: circuit.pointee.circuitID, command: .relay) else {
            counters.droppedMemory &+= 1
            return closeCircuit(slot, .resourceLimit)
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encodeCircuitSendme(
            quoting: tag, version: settings.endpoint.sendmeEmitMinVersion, into: &body, using: &random)
        queueMessage(cell, circuit: slot)
    }
}
