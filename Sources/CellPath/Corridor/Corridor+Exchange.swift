internal import Cells
internal import Circuits
internal import NIOCore

/// Between loops: one way per pair, cells and messages in order.
extension Corridor {
    /// Gives a cell to another loop; the slot stays here.
    func handOver(_ kind: LoopBatch.Kind, _ handle: SlabHandle, _ cell: consuming Cell, to loop: Int) {
        counters.handedOver &+= 1
        batch(for: loop)._withUnsafeGuaranteedRef { $0.append(kind, handle, cell) }
        settleSoon()
    }

    /// Gives a message to a loop: another, or this one.
    func tell(_ loop: Int, _ message: LoopMessage) {
        guard loop != index else { return receive(message) }
        batch(for: loop)._withUnsafeGuaranteedRef { $0.append(message) }
        settleSoon()
    }

    private func batch(for loop: Int) -> Unmanaged<LoopBatch> {
        if let batch = outgoing[loop] {
            if batch._withUnsafeGuaranteedRef({ !$0.isFull }) { return batch }
            post(batch, to: loop)
        }
        let batch = Unmanaged.passRetained(environment.exchange.mailbox(from: index, to: loop).takeSpare())
        outgoing[loop] = batch
        return batch
    }

    private func post(_ batch: Unmanaged<LoopBatch>, to loop: Int) {
        outgoing[loop] = nil
        if environment.exchange.mailbox(from: index, to: loop).post(batch.takeRetainedValue()) {
            environment.loops[loop].execute(wakeTasks[loop])
        }
    }

    /// Sends what has been collected.
    func postBatches() {
        // By index, here and below: a debug build's iterators allocate, and a test counts.
        var loop = 0
        while loop < outgoing.count {
            // There is one only once something is in it.
            if let batch = outgoing[loop] { post(batch, to: loop) }
            loop += 1
        }
    }

    /// Takes what another loop has sent.
    func receiveBatches(from sender: Int) {
        let mailbox = environment.exchange.mailbox(from: sender, to: index)
        mailbox.receive(into: &incoming)
        beginBurst()
        var next = 0
        while next < incoming.count {
            receive(incoming[next])
            next += 1
        }
        mailbox.giveBack(&incoming)
        endBurst()
    }

    private func receive(_ batch: LoopBatch) {
        var record = 0
        var message = 0
        while record < batch.count {
            switch batch.kind(record) {
            case .message:
                receive(batch.messages[message])
                message += 1
            case .forward:
                counters.handedOver &+= 1
                if let cell = batch.cell(record, in: pool) {
                    queueForward(cell, leg: batch.handle(record))
                } else {
                    shedLeg(batch.handle(record))
                }
            case .backward:
                counters.handedOver &+= 1
                if let cell = batch.cell(record, in: pool) {
                    queueBackward(cell, circuit: batch.handle(record))
                } else {
                    shedCircuit(batch.handle(record))
                }
            }
            record += 1
        }
    }

    // A circuit that loses a cell is broken, so it is closed.
    private func shedLeg(_ handle: SlabHandle) {
        counters.droppedMemory &+= 1
        if legs.pointer(handle) != nil { endLeg(handle.slot, .resourceLimit, tellsPeer: true) }
    }

    private func shedCircuit(_ handle: SlabHandle) {
        counters.droppedMemory &+= 1
        if circuits.pointer(handle) != nil { closeCircuit(handle.slot, .resourceLimit) }
    }

    private func receive(_ message: LoopMessage) {
        switch message {
        case .makeLeg(let owner, let ownerLoop, let channel, let create):
            makeLeg(owner: owner, ownerLoop: ownerLoop, channel: channel, create: create)
        case .legMade(let owner, let legLoop, let leg):
            legMade(owner, legLoop: legLoop, leg: leg)
        case .legAnswered(let owner, let answer):
            legAnswered(owner, answer)
        case .legEnded(let owner, let reason):
            legEnded(owner, reason)
        case .destroyLeg(let leg, let reason):
            if legs.pointer(leg) != nil { endLeg(leg.slot, reason, tellsPeer: true, tellsOwner: false) }
        case .channelReady(let waiter, let loop, let channel):
            channelReady(waiter, loop: loop, channel: channel)
        case .channelFailed(let waiter, let reason):
            channelFailed(waiter, reason)
        case .dial(let target):
            dial(target)
        }
    }
}
