internal import Cells
internal import Circuits
internal import Hooks
internal import PluginHost
internal import Transport

/// Dispatch for a circuit whose plugins have a say in it: one question before each cell leaves, one when it does.
extension Corridor {
    /// Sends cells of a circuit that is first in its channel's scheduler.
    @inline(never)
    func sendAttended(
        _ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>,
        _ record: UnsafeMutablePointer<ChannelRecord>, _ connection: TLSHandler
    ) {
        let turn = turn(of: schedule(of: reference), record)
        var sum = turn.sum
        var sent = 0
        while sent < turn.quantum || sum.burden <= turn.limit, connection.canTakeCells,
            var cell = popFirst(reference)
        {
            let isRelay = reference.kind == .relay
            let mark = cell.mark
            let isReady = isRelay ? mark == CellMark.ready : mark == OriginMark.ready
            if isReady {
                // An answer to CREATE2, or one of our own: no plugin's affair.
                seal(&cell, reference)
                connection.append(cell)
                sum.addCell()
                sent &+= 1
                continue
            }
            if doors.pointee.passes > 0 {
                doors.pointee.passes -= 1
            } else if doors.pointee.doors.attended.contains(.departure) {
                let waited = UInt64(coarseNow &- cell.enqueuedAt) * 1000
                switch departure(doors, queue: queueCount(of: reference) + 1, waited: waited) {
                case .verdict(.go), .builtIn: break
                case .verdict(.hold(let delay)):
                    prepend(cell, reference)
                    counters.sent &+= sent
                    endTurn(reference, sum, sent: sent, isScheduled: true)
                    hold(reference, doors, for: delay, record)
                    _ = finishAsking(reference, doors)
                    return
                case .verdict(.paddingFirst):
                    prepend(cell, reference)
                    guard queuePadding(reference, doors) else { return }
                    doors.pointee.passes = 1
                    continue
                case .destroyCircuit:
                    prepend(cell, reference)
                    counters.sent &+= sent
                    return destroyAttended(reference)
                }
            }
            let isPadding = isRelay ? mark == CellMark.padding : mark & OriginMark.padding != 0
            let kind: UInt32 = isPadding ? 2 : isRelay && mark == CellMark.passing ? 0 : 1
            let isWanted =
                !doors.pointee.doors.attended.contains(.cellSent)
                || askSent(
                    cell, doors.pointee.direction, doors, kind: kind, queue: queueCount(of: reference), isQueued: true,
                    hop: isRelay ? 0 : Int(mark & OriginMark.hop))
            guard isWanted, !doors.pointee.doors.mustDestroy else {
                prepend(cell, reference)
                counters.sent &+= sent
                return destroyAttended(reference)
            }
            seal(&cell, reference)
            connection.append(cell)
            sum.addCell()
            sent &+= 1
            if !isPadding { notePadding(.cellSent, doors, queue: queueCount(of: reference)) }
        }
        counters.sent &+= sent
        let isEmpty = queueCount(of: reference) == 0
        endTurn(reference, sum, sent: sent, isScheduled: !isEmpty)
        if isEmpty {
            record.pointee.scheduler.removeFirst()
        } else {
            record.pointee.scheduler.updateFirst(burden: schedule(of: reference).burden)
        }
        _ = finishAsking(reference, doors)
    }

    private func departure(
        _ doors: UnsafeMutablePointer<CircuitDoors>, queue: UInt32, waited: UInt64
    ) -> Answer<DepartureVerdict> {
        var context = DepartureContext()
        context.parameter = doors.pointee.direction.rawValue
        context.event = doors.pointee.holdIsOver ? 1 : 0
        context.queue = queue
        context.waited = waited
        doors.pointee.holdIsOver = false
        return doors.pointee.doors.departure(&context)
    }

    /// Takes a circuit out of its channel's scheduler for a while; it stays marked as scheduled, so that no new cell puts it
    /// back.
    private func hold(
        _ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>, for delay: UInt32,
        _ record: UnsafeMutablePointer<ChannelRecord>
    ) {
        let wasHeld = doors.pointee.holdUntil != 0
        doors.pointee.holdUntil = pluginHost.now + UInt64(delay)
        record.pointee.scheduler.removeFirst()
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.isParked = true
        case .origin: origins.pointer(reference.slot).pointee.isParked = true
        case .leg: break
        }
        if !wasHeld { notePadding(.holdBegins, doors, queue: queueCount(of: reference)) }
    }

    // MARK: Either kind of circuit

    private func popFirst(_ reference: CircuitReference) -> Cell? {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.queue.popFirst(from: pool)
        case .origin: origins.pointer(reference.slot).pointee.queue.popFirst(from: pool)
        case .leg: nil
        }
    }

    private func prepend(_ cell: consuming Cell, _ reference: CircuitReference) {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.queue.prepend(cell, in: pool)
        case .origin: origins.pointer(reference.slot).pointee.queue.prepend(cell, in: pool)
        case .leg: break
        }
    }

    private func seal(_ cell: inout Cell, _ reference: CircuitReference) {
        switch reference.kind {
        case .relay: seal(&cell, circuit: circuits.pointer(reference.slot))
        case .origin: seal(&cell, origin: origins.pointer(reference.slot))
        case .leg: break
        }
    }

    func schedule(of reference: CircuitReference) -> ScheduleState {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.schedule
        case .origin: origins.pointer(reference.slot).pointee.schedule
        case .leg: legs.pointer(reference.slot).pointee.schedule
        }
    }

    /// Notes what a circuit has sent, and its place from now on.
    private func endTurn(_ reference: CircuitReference, _ sum: EWMASum, sent: Int, isScheduled: Bool) {
        var state = schedule(of: reference)
        state.isScheduled = isScheduled
        if isRanked {
            let member = ScheduledCircuit(reference: reference, generation: generation(of: reference))
            rank(.sent, &state, member, sent: sent, queue: queueCount(of: reference))
        } else {
            state.burden = sum.burden
        }
        setSchedule(state, of: reference)
    }

    func setSchedule(_ state: ScheduleState, of reference: CircuitReference) {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.schedule = state
        case .origin: origins.pointer(reference.slot).pointee.schedule = state
        case .leg: legs.pointer(reference.slot).pointee.schedule = state
        }
    }

    func generation(of reference: CircuitReference) -> UInt32 {
        switch reference.kind {
        case .relay: circuits.handle(reference.slot).generation
        case .origin: origins.handle(reference.slot).generation
        case .leg: legs.handle(reference.slot).generation
        }
    }
}
