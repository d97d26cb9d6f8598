internal import Cells
internal import Circuits
internal import Hooks
internal import NIOCore

/// Padding machines at a relay: clients start and stop them; they send DROPs towards the client.
extension Corridor {
    /// PADDING_NEGOTIATE came. What cannot be read is dropped, as in C Tor.
    func receivePaddingNegotiate(_ data: RawSpan, circuit slot: UInt32) {
        guard let request = try? PaddingNegotiateMessage(data: data) else {
            counters.droppedPadding &+= 1
            return
        }
        let circuit = circuits.pointer(slot)
        switch request.machineCommand {
        case .start:
            // A plugin that pads this circuit does so in the machines' place.
            let kind = circuit.pointee.attended.contains(.padding) ? nil : HidingMachine.Kind(rawValue: request.machine)
            if let kind { startMachine(kind, circuit) }
            answer(request, isAccepted: kind != nil, circuit: slot)
        case .stop:
            // A machine that is gone, or of which we never heard: C Tor answers neither.
            guard let machine = circuit.pointee.padder?.pointee.policy?.machine,
                machine.kind.rawValue == request.machine, request.counter == 0 || request.counter == machine.counter
            else { return }
            stopMachine(circuit)
            answer(request, isAccepted: true, circuit: slot)
        }
    }

    private func answer(_ request: PaddingNegotiateMessage, isAccepted: Bool, circuit slot: UInt32) {
        sendFromMachine(
            PaddingNegotiatedMessage(
                request.machineCommand, isAccepted: isAccepted, machine: request.machine, counter: request.counter),
            circuit: slot)
    }

    /// Sends a message that is no padding itself, so that the machine hears of it.
    private func sendFromMachine(_ message: PaddingNegotiatedMessage, circuit slot: UInt32) {
        let handle = circuits.handle(slot)
        send(message, streamID: .zero, circuit: slot)
        guard let circuit = circuits.pointer(handle), circuit.pointee.padder != nil else { return }
        noteForMachine(.cellSent, circuit: slot)
    }

    private func startMachine(_ kind: HidingMachine.Kind, _ circuit: UnsafeMutablePointer<RelayCircuit>) {
        let padder: UnsafeMutablePointer<CircuitPadder>
        if let there = circuit.pointee.padder {
            padder = there
        } else {
            padder = .allocate(capacity: 1)
            padder.initialize(to: CircuitPadder())
            circuit.pointee.padder = padder
        }
        // C Tor leaves alone what runs.
        guard padder.pointee.policy.map({ $0.machine.isOver }) ?? true else { return }
        // Wraps on purpose, past 0, which means any.
        padder.pointee.count = max(1, padder.pointee.count &+ 1)
        padder.pointee.policy = HidingPolicy(
            machine: HidingMachine(kind, counter: padder.pointee.count), random: random)
    }

    private func stopMachine(_ circuit: UnsafeMutablePointer<RelayCircuit>) {
        guard let padder = circuit.pointee.padder else { return }
        padder.pointee.policy = nil
        padder.pointee.timer &+= 1
    }

    /// The circuit is gone.
    func closePadder(_ circuit: UnsafeMutablePointer<RelayCircuit>) {
        guard let padder = circuit.pointee.padder else { return }
        circuit.pointee.padder = nil
        padder.deinitialize(count: 1)
        padder.deallocate()
    }

    /// Tells a circuit's machine of an event, and sets its timer.
    func noteForMachine(_ event: PaddingEvent, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        guard let padder = circuit.pointee.padder, padder.pointee.policy != nil else { return }
        var context = PaddingContext()
        context.parameter = CellDirection.backward.rawValue
        context.event = event.rawValue
        context.queue = circuit.pointee.queue.count
        let verdict = padder.pointee.policy?.padding(&context)
        if let machine = padder.pointee.policy?.machine, machine.isOver, machine.announcesEnd {
            stopMachine(circuit)
            return send(
                PaddingNegotiatedMessage(
                    .stop, isAccepted: true, machine: machine.kind.rawValue, counter: machine.counter),
                streamID: .zero, circuit: slot)
        }
        let limits = settings.circuitPadding
        guard case .verdict(.schedule(_, let delay, _)) = verdict, limits.isAllowed,
            limits.admits(padding: counters.sentCircuitPadding, of: counters.sent)
        else { return }
        padder.pointee.timer &+= 1
        let (handle, timer) = (circuits.handle(slot), padder.pointee.timer)
        eventLoop.assumeIsolated().scheduleTask(in: .microseconds(Int64(delay))) { [weak self] in
            self?.machineTimerFired(handle, timer)
        }
    }

    private func machineTimerFired(_ handle: SlabHandle, _ timer: UInt32) {
        guard let circuit = circuits.pointer(handle), circuit.pointee.padder?.pointee.timer == timer else { return }
        readClock()
        if circuit.pointee.queue.count <= settings.circuitPadding.queueLimit {
            counters.sentCircuitPadding &+= 1
            guard sendDrop(circuit: handle.slot) else { return }
        }
        noteForMachine(.paddingSent, circuit: handle.slot)
    }

    private func sendDrop(circuit slot: UInt32) -> Bool {
        let handle = circuits.handle(slot)
        guard var cell = pool.makeCell(circuitID: circuits.pointer(slot).pointee.circuitID, command: .relay) else {
            counters.droppedMemory &+= 1
            closeCircuit(slot, .resourceLimit)
            return false
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encodeHeader(.drop, streamID: .zero, length: 0, into: &body, using: &random)
        cell.mark = CellMark.originated
        counters.originated &+= 1
        enqueue(cell, circuit: slot)
        return circuits.pointer(handle) != nil
    }
}
