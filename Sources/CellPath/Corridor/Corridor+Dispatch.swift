internal import Cells
internal import Circuits
internal import Hooks
internal import Transport

/// Dispatch and the way out: which circuit's cell goes next, sealed as it leaves its queue.
extension Corridor {
    /// Tells a channel's scheduler of a circuit that has cells again.
    func schedule(_ reference: CircuitReference, generation: UInt32, burden: EWMABurden, on channel: UInt32) {
        let burden = isRanked ? rankReady(reference, generation) : burden
        channels.pointer(channel).pointee.scheduler.insert(
            ScheduledCircuit(reference: reference, generation: generation), burden: burden)
        touch(channel)
    }

    /// Puts a channel on the list of those to dispatch.
    func touch(_ channel: UInt32) {
        let record = channels.pointer(channel)
        guard !record.pointee.isTouched else { return }
        record.pointee.isTouched = true
        touchedChannels.append(channel)
        settleSoon()
    }

    /// Queues one of the channel's own cells, before all circuits'.
    func queueControl(_ cell: consuming Cell, on channel: UInt32) {
        counters.originated &+= 1
        channels.pointer(channel).pointee.control.append(cell, in: pool)
        touch(channel)
    }

    /// Sends what the channel's connection takes now.
    func dispatch(_ channel: UInt32) {
        let record = channels.pointer(channel)
        let connection = record.pointee.driver.tls
        record.pointee.lastSent = now
        repeat {
            fill(record, connection)
            connection.flush()
        } while connection.canTakeCells && record.pointee.hasWaiting
    }

    /// Moves cells from queues to TLS records, as many as there are or are taken.
    func fill(_ record: UnsafeMutablePointer<ChannelRecord>, _ connection: TLSHandler) {
        while connection.canTakeCells {
            if let cell = record.pointee.control.popFirst(from: pool) {
                counters.sent &+= 1
                connection.append(cell)
            } else if let next = record.pointee.scheduler.first {
                sendQuantum(of: next, record, connection)
            } else {
                break
            }
        }
    }

    private func sendQuantum(
        of next: ScheduledCircuit, _ record: UnsafeMutablePointer<ChannelRecord>, _ connection: TLSHandler
    ) {
        let handle = SlabHandle(slot: next.reference.slot, generation: next.generation)
        switch next.reference.kind {
        case .relay:
            guard let circuit = circuits.pointer(handle) else { return record.pointee.scheduler.removeFirst() }
            if let doors = circuit.pointee.doors {
                sendAttended(next.reference, doors, record, connection)
                guard circuits.pointer(handle) != nil else { return }
            } else {
                sendQuantum(next, &circuit.pointee.queue, &circuit.pointee.schedule, record, connection) {
                    seal(&$0, circuit: circuit)
                }
            }
            if let endpoint = circuit.pointee.endpoint {
                queueDrained(endpoint, to: circuit.pointee.queue.count, next.reference)
            }
        case .leg:
            guard let leg = legs.pointer(handle) else { return record.pointee.scheduler.removeFirst() }
            sendQuantum(next, &leg.pointee.queue, &leg.pointee.schedule, record, connection) { _ in }
        case .origin:
            guard let origin = origins.pointer(handle) else { return record.pointee.scheduler.removeFirst() }
            if let doors = origin.pointee.doors {
                sendAttended(next.reference, doors, record, connection)
                guard origins.pointer(handle) != nil else { return }
            } else {
                sendQuantum(next, &origin.pointee.queue, &origin.pointee.schedule, record, connection) {
                    seal(&$0, origin: origin)
                }
            }
            if let endpoint = origin.pointee.endpoint {
                queueDrained(endpoint, to: origin.pointee.queue.count, next.reference)
            }
        }
    }

    @inline(__always)
    private func sendQuantum(
        _ member: ScheduledCircuit, _ queue: inout CircuitQueue, _ state: inout ScheduleState,
        _ record: UnsafeMutablePointer<ChannelRecord>, _ connection: TLSHandler, seal: (inout Cell) -> Void
    ) {
        let turn = turn(of: state, record)
        var sum = turn.sum
        var sent = 0
        while sent < turn.quantum || sum.burden <= turn.limit, connection.canTakeCells,
            var cell = queue.popFirst(from: pool)
        {
            seal(&cell)
            connection.append(cell)
            sum.addCell()
            sent &+= 1
        }
        counters.sent &+= sent
        if isRanked {
            rank(.sent, &state, member, sent: sent, queue: queue.count)
        } else {
            state.burden = sum.burden
        }
        if queue.isEmpty {
            state.isScheduled = false
            record.pointee.scheduler.removeFirst()
        } else {
            record.pointee.scheduler.updateFirst(burden: state.burden)
        }
    }
}
