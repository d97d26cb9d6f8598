internal import Cells
internal import Circuits
package import Hooks
internal import NIOCore
package import PluginHost

/// The doors: where the corridor asks a circuit's plugins, and what it does with their answers.
///
/// A circuit without plugins costs the test of one word at each door.
extension Corridor {
    /// Where this corridor asks: a plugin at another door would wait for ever.
    package static let askedDoors: DoorSet = [
        DoorSet(.initialise), DoorSet(.exit), DoorSet(.timer), DoorSet(.circuitOpened), DoorSet(.circuitClosed),
        DoorSet(.cellReceived), DoorSet(.cellSent), DoorSet(.departure), DoorSet(.padding), DoorSet(.rank),
        DoorSet(.relayMessage), DoorSet(.messagePackaging), DoorSet(.stream), DoorSet(.choosePath),
        DoorSet(.consensusChanged), DoorSet(.maySend), DoorSet(.ackDue), DoorSet(.onAck),
    ]
    /// What a plugin here can have: what needs a door that is not asked is withheld.
    package static let grantedCapabilities: Capabilities = [
        .log, .time, .random, .heap, .timers, .read, .rewrite, .padding, .deliver, .close, .scheduling, .flow, .path,
    ]

    /// Puts other plugins in place, at the doors of circuits that are open too; call on its loop.
    package func apply(_ plugins: PluginSet) {
        readClock()
        self.plugins = plugins
        congestedPlugins = plugins.filtered { !$0.file.hasFixedFlow }
        hostDoors.follow(plugins)
        setRanked()
        for slot in circuits.slots where circuits.pointer(slot).pointee.phase != .handshaking {
            attend(CircuitReference(.relay, slot))
        }
        for slot in origins.slots where origins.pointer(slot).pointee.object.isOpen {
            attend(CircuitReference(.origin, slot))
        }
        settleSoon()
    }

    /// What plugins have counted on this loop; call on its loop.
    package var pluginCounters: [PluginCounters] { pluginHost.counters }

    /// Makes a circuit's doors attended as the installed plugins say; a circuit that was not attended is opened.
    func attend(_ reference: CircuitReference) {
        let isRelay = reference.kind == .relay
        let role = isRelay ? PluginRoles.relay : .client
        let doors: UnsafeMutablePointer<CircuitDoors>
        if let there = self.doors(of: reference) {
            doors = there
            doors.pointee.doors.follow(plugins(for: reference))
        } else {
            guard plugins(for: reference).isWanted(.circuit, role) else { return }
            doors = makeDoors(reference)
            doors.pointee.doors.follow(plugins(for: reference))
            var context = CircuitOpenedContext()
            context.role = isRelay ? 1 : 0
            if !isRelay {
                let origin = origins.pointer(reference.slot)
                context.hops = UInt32(origin.pointee.machine.hopCount)
                context.setHandshakes(origin.pointee.handshakes.microseconds)
            }
            _ = doors.pointee.doors.circuitOpened(&context)
            notePadding(.opened, doors, queue: 0)
        }
        _ = finishAsking(reference, doors)
    }

    /// Makes doors that nobody attends yet.
    private func makeDoors(_ reference: CircuitReference) -> UnsafeMutablePointer<CircuitDoors> {
        let isRelay = reference.kind == .relay
        let doors = UnsafeMutablePointer<CircuitDoors>.allocate(capacity: 1)
        doors.initialize(
            to: CircuitDoors(
                doors: Doors(role: isRelay ? .relay : .client, host: pluginHost, budget: plugins.budget),
                direction: isRelay ? .backward : .forward))
        setDoors(doors, of: reference)
        if let interval = ackInterval(of: reference) { doors.pointee.doors.flow.ackInterval = interval }
        return doors
    }

    // MARK: Finding

    /// The doors of a circuit for a plugin that was negotiated; made if they are not there.
    func negotiatedDoors(of reference: CircuitReference) -> UnsafeMutablePointer<CircuitDoors> {
        doors(of: reference) ?? makeDoors(reference)
    }

    /// Notes who attends a circuit's doors now.
    func noteAttended(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) {
        let attended = doors.pointee.doors.attended
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.attended = attended
        case .origin: origins.pointer(reference.slot).pointee.attended = attended
        case .leg: break
        }
        // Who held the cells may be gone.
        if doors.pointee.holdUntil != 0, !attended.contains(.departure) { endHold(reference, doors) }
    }

    /// The doors of a circuit; nil if it has no plugins.
    func doors(of reference: CircuitReference) -> UnsafeMutablePointer<CircuitDoors>? {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.doors
        case .origin: origins.pointer(reference.slot).pointee.doors
        case .leg: nil
        }
    }

    private func setDoors(_ doors: UnsafeMutablePointer<CircuitDoors>?, of reference: CircuitReference) {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.doors = doors
        case .origin: origins.pointer(reference.slot).pointee.doors = doors
        case .leg: break
        }
    }

    /// The circuit is gone: so are its plugins.
    func closeDoors(_ doors: UnsafeMutablePointer<CircuitDoors>, reason: UInt8, isRemote: Bool) {
        var context = CircuitClosedContext()
        context.reason = UInt32(reason)
        context.isRemote = isRemote ? 1 : 0
        _ = doors.pointee.doors.circuitClosed(&context)
        doors.pointee.doors.close()
        doors.deinitialize(count: 1)
        doors.deallocate()
    }

    /// After a question: does what was asked for, notes who attends now and when to look again.
    ///
    /// - Returns: false if the circuit is gone.
    func finishAsking(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) -> Bool {
        if doors.pointee.doors.mustDestroy {
            destroyAttended(reference)
            return false
        }
        // A plugin that delivers is asked again, from within: the outermost call does what all of them asked for.
        guard !doors.pointee.isFinishing else { return true }
        doors.pointee.isFinishing = true
        doors.pointee.doors.hasChanged = false
        while let request = doors.pointee.doors.takeRequest() {
            guard perform(request, reference, doors) else { return false }
        }
        if doors.pointee.doors.hasDepartures {
            guard noteDepartures(reference, doors) else { return false }
        }
        doors.pointee.isFinishing = false
        endpoint(of: reference)?.pointee.follow(doors)
        noteAttended(reference, doors)
        setClock(reference, doors)
        return true
    }

    /// After a question to those who mostly only look.
    ///
    /// - Returns: false if the circuit is gone.
    @inline(__always)
    private func finishLooking(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) -> Bool {
        doors.pointee.doors.hasChanged ? finishAsking(reference, doors) : true
    }

    /// Does what a program asked for.
    ///
    /// - Returns: false if the circuit is gone.
    private func perform(
        _ request: PluginRequest, _ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>
    ) -> Bool {
        switch request {
        case .padding(let hop, let cells):
            for _ in 0..<cells {
                guard queuePadding(reference, doors, hop: hop) else { return false }
            }
            return true
        case .deliver(let hop, let command, let stream, let bytes):
            let generation = generation(of: reference)
            deliver(bytes, RelayCommand(rawValue: command), StreamID(rawValue: stream), hop: hop, reference)
            guard isThere(reference, generation) else { return false }
            // It may have failed meanwhile.
            guard doors.pointee.doors.mustDestroy else { return true }
            destroyAttended(reference)
            return false
        case .closeCircuit:
            destroyAttended(reference)
            return false
        case .message(let identity, let hop, let command, let bytes):
            return speak(of: identity, hop: hop, command, bytes, reference)
        }
    }

    /// Whether a circuit is still the one that it was.
    func isThere(_ reference: CircuitReference, _ generation: UInt32) -> Bool {
        let handle = SlabHandle(slot: reference.slot, generation: generation)
        return switch reference.kind {
        case .relay: circuits.pointer(handle) != nil
        case .origin: origins.pointer(handle) != nil
        case .leg: legs.pointer(handle) != nil
        }
    }

    /// A plugin wants the circuit gone, or it cannot go on without one.
    func destroyAttended(_ reference: CircuitReference) {
        counters.destroyedByPlugins &+= 1
        switch reference.kind {
        case .relay: closeCircuit(reference.slot, .internal)
        case .origin: closeOrigin(reference.slot, ending(of: reference.slot, .internal))
        case .leg: break
        }
    }

    // MARK: Cells that come

    /// Asks at `cell_received`.
    ///
    /// - Returns: false if the circuit is gone.
    @inline(never)
    func askReceived(
        _ cell: borrowing Cell, _ direction: CellDirection, _ reference: CircuitReference, kind: UInt32,
        queue: UInt32, hop: Int = 0
    ) -> Bool {
        guard let doors = doors(of: reference) else { return true }
        if doors.pointee.doors.attended.contains(.cellReceived) {
            var context = CellReceivedContext()
            context.parameter = direction.rawValue
            context.hop = UInt32(hop)
            context.command = UInt32(cell.command.rawValue)
            context.kind = kind
            context.queue = queue
            if doors.pointee.doors.cellReceived(&context, body: cell.bodyBytes) == .verdict(.destroyCircuit) {
                destroyAttended(reference)
                return false
            }
        }
        if doors.pointee.doors.attended.contains(.padding) { notePadding(.cellReceived, doors, queue: queue) }
        return finishLooking(reference, doors)
    }

    /// Asks at `cell_sent`.
    ///
    /// - Returns: false if a plugin wants the circuit gone.
    @inline(never)
    func askSent(
        _ cell: borrowing Cell, _ direction: CellDirection, _ doors: UnsafeMutablePointer<CircuitDoors>, kind: UInt32,
        queue: UInt32, isQueued: Bool, hop: Int = 0
    ) -> Bool {
        var context = CellSentContext()
        context.parameter = direction.rawValue
        context.hop = UInt32(hop)
        context.command = UInt32(cell.command.rawValue)
        context.kind = kind
        context.queue = queue
        // Wraps with the coarse clock, after 49 days.
        if isQueued { context.waited = UInt64(coarseNow &- cell.enqueuedAt) * 1000 }
        return doors.pointee.doors.cellSent(&context, body: cell.bodyBytes) != .verdict(.destroyCircuit)
    }

    /// A forward cell leaves a relay's circuit for its leg.
    ///
    /// - Returns: false if the circuit is gone.
    @inline(never)
    func askForwarded(_ cell: borrowing Cell, circuit slot: UInt32) -> Bool {
        let reference = CircuitReference(.relay, slot)
        guard let doors = doors(of: reference) else { return true }
        guard askSent(cell, .forward, doors, kind: 0, queue: 0, isQueued: false) else {
            destroyAttended(reference)
            return false
        }
        return finishLooking(reference, doors)
    }

    /// Tells `padding` of an event; its timers are set there.
    func notePadding(
        _ event: PaddingEvent, _ doors: UnsafeMutablePointer<CircuitDoors>, timer: UInt8 = 0, queue: UInt32
    ) {
        guard doors.pointee.doors.attended.contains(.padding) else { return }
        var context = PaddingContext()
        context.parameter = doors.pointee.direction.rawValue
        context.event = event.rawValue
        context.timer = UInt32(timer)
        context.queue = queue
        context.isHeld = doors.pointee.holdUntil == 0 ? 0 : 1
        _ = doors.pointee.doors.padding(&context)
    }
}
