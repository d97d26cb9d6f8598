internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto

/// The way of a cell towards the client: raw from the leg to the circuit's owner, sealed when it leaves.
extension Corridor {
    /// A RELAY cell from the relay after us.
    func receiveFromLeg(_ cell: consuming Cell, leg slot: UInt32) {
        let leg = legs.pointer(slot)
        // RELAY_EARLY only goes forward; and nothing comes before CREATED2.
        guard cell.command == .relay, !leg.pointee.isWaiting else {
            counters.protocolViolations &+= 1
            return endLeg(slot, .torProtocol, tellsPeer: true)
        }
        if leg.pointee.ownerLoop == index {
            queueBackward(cell, circuit: leg.pointee.owner)
        } else {
            handOver(.backward, leg.pointee.owner, cell, to: leg.pointee.ownerLoop)
        }
    }

    /// Puts a passing cell into its circuit's backward queue; on the owner's loop.
    func queueBackward(_ cell: consuming Cell, circuit handle: SlabHandle) {
        guard circuits.pointer(handle) != nil else {
            counters.droppedStale &+= 1
            return
        }
        cell.mark = CellMark.passing
        let circuit = circuits.pointer(handle.slot)
        if circuit.pointee.attended.hearsArrivals {
            let isThere = askReceived(
                cell, .backward, CircuitReference(.relay, handle.slot), kind: 0, queue: circuit.pointee.queue.count)
            guard isThere else { return }
        }
        guard circuit.pointee.padder != nil else { return enqueue(cell, circuit: handle.slot) }
        enqueue(cell, circuit: handle.slot)
        if circuits.pointer(handle) != nil { noteForMachine(.cellSent, circuit: handle.slot) }
    }

    /// Puts any cell into a circuit's backward queue.
    func enqueue(_ cell: consuming Cell, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        guard circuit.pointee.queue.count < settings.circuitQueueLimit else {
            counters.circuitsShed &+= 1
            counters.droppedWithCircuit &+= 1
            return closeCircuit(slot, .resourceLimit)
        }
        cell.circuitID = circuit.pointee.circuitID
        cell.enqueuedAt = coarseNow
        circuit.pointee.queue.append(cell, in: pool)
        guard !circuit.pointee.schedule.isScheduled else { return }
        circuit.pointee.schedule.isScheduled = true
        let generation = circuits.handle(slot).generation
        schedule(
            CircuitReference(.relay, slot), generation: generation, burden: circuit.pointee.schedule.burden,
            on: circuit.pointee.channel)
    }

    /// The onion room on the way back: our layer, and our digest on what we have made.
    @inline(__always)
    func seal(_ cell: inout Cell, circuit: UnsafeMutablePointer<RelayCircuit>) {
        let mark = cell.mark
        guard mark != CellMark.ready else { return }
        let command = cell.command.rawValue
        var body = cell.body
        if mark == CellMark.passing {
            circuit.pointee.backward?.crypt(command: command, &body)
        } else {
            let tag = circuit.pointee.backward?.originate(command: command, &body)
            if mark == CellMark.originatedData, let tag, let endpoint = circuit.pointee.endpoint {
                endpoint.pointee.dataSealed(tag)
            }
        }
    }
}
