internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto

/// The way of a cell away from the client: peeled on arrival, answered here or passed on to the exitward leg.
extension Corridor {
    /// A RELAY or RELAY_EARLY cell from a circuit's client side.
    func receiveForward(_ cell: consuming Cell, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        // tor-spec §5.6: "If they receive more than 8, they SHOULD close the circuit."
        if cell.command == .relayEarly {
            guard circuit.pointee.relayEarlyLeft > 0 else { return closeForViolation(slot) }
            circuit.pointee.relayEarlyLeft -= 1
        }
        if circuit.pointee.attended.hearsArrivals {
            let isThere = askReceived(
                cell, .forward, CircuitReference(.relay, slot), kind: 0, queue: circuit.pointee.queue.count)
            guard isThere else { return }
        }
        // Onion room.
        guard circuit.pointee.phase != .handshaking else { return closeForViolation(slot) }
        let command = cell.command.rawValue
        var body = cell.body
        if let tag = circuit.pointee.forward?.receive(command: command, &body) {
            // Desk.
            counters.recognised &+= 1
            return receiveAtEndpoint(cell, tag: tag, circuit: slot)
        }
        guard circuit.pointee.phase == .extended else {
            // Meant for a hop that is not there.
            return closeForViolation(slot)
        }
        notePassing(cell.command, on: circuit.pointee.channel)
        if circuit.pointee.attended.contains(.cellSent) {
            guard askForwarded(cell, circuit: slot) else { return }
        }
        // Waiting room, here or on the loop of the next channel.
        if circuit.pointee.legLoop == index {
            queueForward(cell, leg: circuit.pointee.leg)
        } else {
            handOver(.forward, circuit.pointee.leg, cell, to: circuit.pointee.legLoop)
        }
    }

    /// Puts a cell that is ready for the wire into a leg's queue.
    func queueForward(_ cell: consuming Cell, leg handle: SlabHandle) {
        guard let leg = legs.pointer(handle) else {
            counters.droppedStale &+= 1
            return
        }
        guard leg.pointee.queue.count < settings.circuitQueueLimit else {
            counters.circuitsShed &+= 1
            counters.droppedWithCircuit &+= 1
            return endLeg(handle.slot, .resourceLimit, tellsPeer: true)
        }
        cell.circuitID = leg.pointee.circuitID
        cell.enqueuedAt = coarseNow
        leg.pointee.queue.append(cell, in: pool)
        guard !leg.pointee.schedule.isScheduled else { return }
        leg.pointee.schedule.isScheduled = true
        schedule(
            CircuitReference(.leg, handle.slot), generation: handle.generation, burden: leg.pointee.schedule.burden,
            on: leg.pointee.channel)
    }
}
