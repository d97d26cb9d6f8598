internal import Cells
internal import Channels
internal import Circuits
internal import NIOCore
internal import OnionCrypto

/// Circuits that others make: CREATE2 and CREATE_FAST in, CREATED2 and CREATED_FAST out (tor-spec §5.1).
extension Corridor {
    /// A CREATE of any kind.
    func receiveCreate(_ cell: consuming Cell, on channel: UInt32) {
        let record = channels.pointer(channel)
        let circuitID = cell.circuitID
        // What cannot be answered, since the answer would hit another circuit or none.
        guard circuitID != .zero, record.pointee.table[circuitID] == nil else {
            counters.droppedCreate &+= 1
            return
        }
        counters.recognised &+= 1
        let driver = record.pointee.driver
        // tor-spec §5.1.1: the side that opened the connection sets the top bit of its IDs, the other does not.
        guard let keys = settings.onionKeys, circuitID.hasTopBit != driver.isInitiator else {
            return refuseCreate(circuitID, on: channel, .torProtocol)
        }
        let isFirstHop = driver.peer?.isAuthenticated != true
        switch cell.command {
        case .createFast:
            guard let create = try? CreateFastCell(body: cell.bodyBytes),
                let reply = try? CreateFastHandshake.respond(to: create.clientRandom.span.bytes)
            else {
                counters.handshakesFailed &+= 1
                return refuseCreate(circuitID, on: channel, .torProtocol)
            }
            let handle = addCircuit(circuitID, on: channel, isFirstHop: isFirstHop)
            answer(handle.slot, reply, command: .createdFast)
        case .create2:
            guard let create = try? Create2Cell(body: cell.bodyBytes),
                create.handshakeType == .ntor || create.handshakeType == .ntorV3
            else {
                counters.handshakesFailed &+= 1
                return refuseCreate(circuitID, on: channel, .torProtocol)
            }
            let handle = addCircuit(circuitID, on: channel, isFirstHop: isFirstHop)
            let job = HandshakeWorkers.Job(
                circuit: handle, loop: index, create: create, keys: keys, plugins: environment.plugins,
                congestion: offersCongestion(isRelay: true), since: now)
            let corridor = NIOLoopBound(self, eventLoop: eventLoop)
            guard environment.workers.submit(job, deliver: { corridor.value.collectHandshakes() }) else {
                counters.handshakesRefused &+= 1
                return closeCircuit(handle.slot, .resourceLimit)
            }
        default:
            // tor-spec §5.1: CREATE carried TAP, which nobody answers any longer.
            refuseCreate(circuitID, on: channel, .torProtocol)
        }
    }

    private func refuseCreate(_ circuitID: CircuitID, on channel: UInt32, _ reason: DestroyReason) {
        sendDestroy(circuitID, reason, on: channel)
    }

    private func addCircuit(_ circuitID: CircuitID, on channel: UInt32, isFirstHop: Bool) -> SlabHandle {
        let handle = circuits.insert(
            RelayCircuit(id: makeID(), channel: channel, circuitID: circuitID, isFirstHop: isFirstHop))
        channels.pointer(channel).pointee.table.insert(circuitID, CircuitReference(.relay, handle.slot))
        counters.circuitsCreated &+= 1
        return handle
    }

    /// Takes what the workers have done.
    private func collectHandshakes() {
        beginBurst()
        for box in environment.workers.results(for: index) {
            guard let result = box.take() else { continue }
            let handle = result.circuit
            guard let circuit = circuits.pointer(handle), circuit.pointee.phase == .handshaking else { continue }
            switch consume result.outcome {
            case .answered(let reply, let plugins, let congestion):
                circuit.pointee.congestion = congestion
                if let plugins { beginTaking(plugins, circuit: handle.slot) }
                answer(handle.slot, reply, command: .created2)
            case .failed:
                counters.handshakesFailed &+= 1
                closeCircuit(handle.slot, .torProtocol)
            case .late:
                counters.handshakesRefused &+= 1
                closeCircuit(handle.slot, .resourceLimit)
            }
        }
        endBurst()
    }

    private func answer(_ slot: UInt32, _ reply: consuming HandshakeReply, command: CellCommand) {
        let circuit = circuits.pointer(slot)
        let keys = reply.keyStream.circuitKeys()
        circuit.pointee.forward = keys.makeForwardLayer()
        circuit.pointee.backward = keys.makeBackwardLayer()
        circuit.pointee.phase = .open
        guard var cell = pool.makeCell(circuitID: circuit.pointee.circuitID, command: command) else {
            counters.droppedMemory &+= 1
            return closeCircuit(slot, .resourceLimit)
        }
        var body: [UInt8] = []
        if command == .created2 {
            Created2Cell(handshakeData: reply.message).encode(into: &body)
        } else {
            body = reply.message
        }
        cell.setBody(body)
        cell.mark = CellMark.ready
        counters.originated &+= 1
        enqueue(cell, circuit: slot)
        attend(CircuitReference(.relay, slot))
    }
}
