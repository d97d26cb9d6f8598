internal import Cells
internal import Circuits

/// How circuits and legs end: who is told, and what comes back.
extension Corridor {
    /// Closes a circuit of somebody else's that broke the protocol.
    func closeForViolation(_ slot: UInt32) {
        counters.protocolViolations &+= 1
        closeCircuit(slot, .torProtocol)
    }

    /// Closes a circuit of somebody else's, whole: its streams, its queue, its ID, its leg.
    ///
    /// - Parameters:
    ///   - reason: What DESTROY says, both ways.
    ///   - tellsClientward: False if the peer said it first, or its channel is gone.
    func closeCircuit(_ slot: UInt32, _ reason: DestroyReason, tellsClientward: Bool = true) {
        let circuit = circuits.pointer(slot)
        if let endpoint = circuit.pointee.endpoint {
            circuit.pointee.endpoint = nil
            closeEndpoint(endpoint)
        }
        if let doors = circuit.pointee.doors {
            circuit.pointee.doors = nil
            closeDoors(doors, reason: reason.rawValue, isRemote: !tellsClientward)
        }
        if let exchange = circuit.pointee.exchange.take() { forget(exchange) }
        closePadder(circuit)
        counters.droppedWithCircuit &+= Int(circuit.pointee.queue.count)
        circuit.pointee.queue.removeAll(from: pool)
        channels.pointer(circuit.pointee.channel).pointee.table.remove(circuit.pointee.circuitID)
        if tellsClientward { sendDestroy(circuit.pointee.circuitID, reason, on: circuit.pointee.channel) }
        if circuit.pointee.leg != .none {
            tell(circuit.pointee.legLoop, .destroyLeg(leg: circuit.pointee.leg, reason: reason))
        }
        channels.pointer(circuit.pointee.channel).pointee.lastUsed = now
        _ = circuits.remove(slot)
    }

    /// Ends a leg; its owner closes the circuit.
    ///
    /// - Parameters:
    ///   - tellsPeer: False if the next relay said it first, or its channel is gone.
    ///   - tellsOwner: False if the owner said it first.
    func endLeg(_ slot: UInt32, _ reason: DestroyReason, tellsPeer: Bool, tellsOwner: Bool = true) {
        let leg = legs.pointer(slot)
        counters.droppedWithCircuit &+= Int(leg.pointee.queue.count)
        leg.pointee.queue.removeAll(from: pool)
        channels.pointer(leg.pointee.channel).pointee.table.remove(leg.pointee.circuitID)
        if tellsPeer { sendDestroy(leg.pointee.circuitID, reason, on: leg.pointee.channel) }
        channels.pointer(leg.pointee.channel).pointee.lastUsed = now
        let ended = legs.remove(slot)
        if tellsOwner { tell(ended.ownerLoop, .legEnded(owner: ended.owner, reason: reason)) }
    }

    /// Queues DESTROY, before all cells of circuits.
    func sendDestroy(_ circuitID: CircuitID, _ reason: DestroyReason, on channel: UInt32) {
        guard var cell = pool.makeCell(circuitID: circuitID, command: .destroy) else {
            // Without memory for one cell nothing on this channel can go well.
            counters.droppedMemory &+= 1
            return channels.pointer(channel).pointee.driver.abort()
        }
        DestroyCell(reason: reason).encode(into: &cell)
        queueControl(cell, on: channel)
    }

    /// Whether the total is about to be reached: a slab for each loop is all that is left.
    var isMemoryShort: Bool {
        environment.memory.used + environment.loops.count * CellsLimits.slabBytes > environment.memory.limit
    }

    /// Closes circuits, oldest queued cell first, until this loop's cells fit again into the total.
    func relieveMemory() {
        let goal = Int(Double(environment.memory.limit) * CellPathLimits.memoryRelief)
        pool.trim()
        guard environment.memory.used > goal else { return }
        var queues: [(age: UInt32, reference: CircuitReference)] = []
        for slot in circuits.slots {
            guard let oldest = circuits.pointer(slot).pointee.queue.oldest(in: pool) else { continue }
            queues.append((coarseNow &- oldest, CircuitReference(.relay, slot)))
        }
        for slot in legs.slots {
            guard let oldest = legs.pointer(slot).pointee.queue.oldest(in: pool) else { continue }
            queues.append((coarseNow &- oldest, CircuitReference(.leg, slot)))
        }
        queues.sort { $0.age > $1.age }
        for queue in queues {
            counters.circuitsShed &+= 1
            switch queue.reference.kind {
            case .relay: closeCircuit(queue.reference.slot, .resourceLimit)
            default: endLeg(queue.reference.slot, .resourceLimit, tellsPeer: true)
            }
            pool.trim()
            if environment.memory.used <= goal { break }
        }
    }

    /// Once a second: channels that nobody uses close, silent ones send padding.
    func tick() {
        readClock()
        for slot in channels.slots {
            let record = channels.pointer(slot)
            let isUsed = record.pointee.table.count > 0
            if isUsed { record.pointee.lastUsed = now }
            if !isUsed, now - record.pointee.lastUsed > record.pointee.idleTime {
                record.pointee.driver.close()
            } else if now - record.pointee.lastSent > settings.keepalive,
                let cell = pool.makeCell(circuitID: .zero, command: .padding)
            {
                queueControl(cell, on: slot)
            } else {
                planPadding(on: slot)
            }
        }
        expireExchanges()
        if isMemoryShort { relieveMemory() }
    }
}
