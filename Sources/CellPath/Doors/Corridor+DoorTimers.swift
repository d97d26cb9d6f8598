internal import Cells
internal import Circuits
internal import Hooks
internal import NIOCore
internal import PluginHost

/// Holds, padding and timers of plugins: one timer of the loop serves them all.
extension Corridor {
    /// Notes when to look at a circuit's doors again.
    func setClock(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) {
        let deadline = doors.pointee.deadline
        guard deadline < doors.pointee.clockedFor else { return }
        doors.pointee.clockedFor = deadline
        let generation =
            reference.kind == .relay
            ? circuits.handle(reference.slot).generation : origins.handle(reference.slot).generation
        doorClock.insert(DoorClock.Entry(deadline: deadline, reference: reference, generation: generation))
        armDoorClock()
    }

    private func armDoorClock() {
        let next = doorClock.next
        guard next < doorClock.armedFor else { return }
        doorClock.armedFor = next
        let delay = next > pluginHost.now ? next - pluginHost.now : 0
        let corridor = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .microseconds(Int64(clamping: delay))) { corridor.value.runDoorClock() }
    }

    /// The timer has run out: whoever is due is looked at.
    private func runDoorClock() {
        readClock()
        doorClock.armedFor = .max
        while let entry = doorClock.take(now: pluginHost.now) {
            let handle = SlabHandle(slot: entry.reference.slot, generation: entry.generation)
            let isThere =
                entry.reference.kind == .relay ? circuits.pointer(handle) != nil : origins.pointer(handle) != nil
            guard isThere, let doors = doors(of: entry.reference), doors.pointee.clockedFor == entry.deadline else {
                continue
            }
            doors.pointee.clockedFor = .max
            doors.pointee.lastClocked = pluginHost.now
            runDoors(entry.reference, doors)
        }
        armDoorClock()
        if !isInBurst, !isSettling { settle() }
    }

    private func runDoors(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) {
        _ = doors.pointee.doors.runTimers()
        if !doors.pointee.doors.mustDestroy, doors.pointee.doors.attended.contains(.maySend) {
            guard askFlowAgain(reference) else { return }
        }
        while let due = doors.pointee.doors.takeDuePadding() {
            guard due.direction == doors.pointee.direction else { continue }
            let waiting = queueCount(of: reference)
            if due.isReplacing, waiting > 0 {
                // Who is there leaves instead; never more than one slot is owed.
                if doors.pointee.passes == 0 { doors.pointee.passes = 1 }
                reschedule(reference)
                notePadding(.replaced, doors, timer: due.timer, queue: waiting)
            } else {
                guard doors.pointee.doors.admitPadding() else { break }
                if due.isBypassing, doors.pointee.passes == 0 { doors.pointee.passes = 1 }
                guard queuePadding(reference, doors) else { return }
                reschedule(reference)
                notePadding(.paddingSent, doors, timer: due.timer, queue: waiting)
            }
        }
        if doors.pointee.holdUntil != 0, doors.pointee.holdUntil <= pluginHost.now { endHold(reference, doors) }
        _ = finishAsking(reference, doors)
    }

    /// The circuit's cells may leave again: the scheduler hears of them.
    func endHold(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) {
        doors.pointee.holdUntil = 0
        doors.pointee.holdIsOver = true
        notePadding(.holdEnds, doors, queue: queueCount(of: reference))
        reschedule(reference)
    }

    /// Cells of a circuit that wait.
    func queueCount(of reference: CircuitReference) -> UInt32 {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.queue.count
        case .origin: origins.pointer(reference.slot).pointee.queue.count
        case .leg: legs.pointer(reference.slot).pointee.queue.count
        }
    }

    /// Puts a circuit that was held, or that has padding to send, back into its channel's scheduler.
    private func reschedule(_ reference: CircuitReference) {
        switch reference.kind {
        case .relay:
            let circuit = circuits.pointer(reference.slot)
            guard circuit.pointee.isParked, !circuit.pointee.queue.isEmpty else { return }
            circuit.pointee.isParked = false
            schedule(
                reference, generation: circuits.handle(reference.slot).generation,
                burden: circuit.pointee.schedule.burden, on: circuit.pointee.channel)
        case .origin:
            let origin = origins.pointer(reference.slot)
            guard origin.pointee.isParked, !origin.pointee.queue.isEmpty, origin.pointee.channel != .none else {
                return
            }
            origin.pointee.isParked = false
            schedule(
                reference, generation: origins.handle(reference.slot).generation,
                burden: origin.pointee.schedule.burden, on: origin.pointee.channel.slot)
        case .leg: break
        }
    }

    /// Puts a padding cell at the front of a circuit's queue: it gets its layer when it leaves, like all others.
    ///
    /// - Parameter hop: whom it is for, at a client; nil: the last.
    /// - Returns: false if there was no memory, and the circuit is gone.
    func queuePadding(
        _ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>, hop: UInt32? = nil
    ) -> Bool {
        guard var cell = pool.makeCell(circuitID: .zero, command: .relay) else {
            counters.droppedMemory &+= 1
            destroyAttended(reference)
            return false
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encodeHeader(.drop, streamID: .zero, length: 0, into: &body, using: &random)
        cell.enqueuedAt = coarseNow
        counters.originated &+= 1
        switch reference.kind {
        case .relay:
            let circuit = circuits.pointer(reference.slot)
            guard circuit.pointee.queue.count < settings.circuitQueueLimit else { return true }
            cell.circuitID = circuit.pointee.circuitID
            cell.mark = CellMark.padding
            circuit.pointee.queue.prepend(cell, in: pool)
            guard !circuit.pointee.schedule.isScheduled else { return true }
            circuit.pointee.schedule.isScheduled = true
            schedule(
                reference, generation: circuits.handle(reference.slot).generation,
                burden: circuit.pointee.schedule.burden, on: circuit.pointee.channel)
        case .origin:
            let origin = origins.pointer(reference.slot)
            let last = origin.pointee.machine.hopCount - 1
            let hop = hop.map(Int.init) ?? last
            guard (0...max(0, last)).contains(hop), last >= 0, origin.pointee.channel != .none,
                origin.pointee.queue.count < settings.circuitQueueLimit
            else {
                return true
            }
            cell.circuitID = origin.pointee.circuitID
            cell.mark = UInt8(truncatingIfNeeded: hop) & OriginMark.hop | OriginMark.padding
            origin.pointee.queue.prepend(cell, in: pool)
            guard !origin.pointee.schedule.isScheduled else { return true }
            origin.pointee.schedule.isScheduled = true
            schedule(
                reference, generation: origins.handle(reference.slot).generation,
                burden: origin.pointee.schedule.burden, on: origin.pointee.channel.slot)
        case .leg: break
        }
        return true
    }
}
