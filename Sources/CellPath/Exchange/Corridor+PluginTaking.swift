internal import Cells
internal import Circuits
internal import Hooks
internal import NIOCore
internal import PluginHost

/// What the other end brings: judged, received, compiled on a worker, attached.
extension Corridor {
    /// PLUGIN_OFFER came.
    func receive(_ offer: PluginOfferMessage, _ link: PluginLink, _ reference: CircuitReference) {
        let isBusy = exchange(of: reference)?.isTaking == true && !link.taker.hasOpenOffer
        switch link.taker.receive(offer) {
        case .destroyCircuit: return violate(reference)
        case .refuse(let reason): return refuse(offer.slot, reason, link, reference)
        case .judge: break
        }
        guard !isBusy, let shelf = environment.plugins else {
            return refuse(offer.slot, environment.plugins == nil ? .policy : .busy, link, reference)
        }
        let bringer: PluginRoles = reference.kind == .relay ? .client : .relay
        link.taken[offer.slot] = PluginLink.Taken(identity: offer.identity, arguments: offer.arguments)
        switch shelf.judge(offer.identity, bringer: bringer) {
        case .refused(let reason):
            refuse(offer.slot, reason, link, reference)
        case .ready(let plugin):
            guard let answer = link.taker.accept(offer.slot, needsCode: false, now: now),
                sendPlugin(answer, hop: link.hop, reference)
            else { return }
            attachTaken(plugin, link, offer.slot, reference)
        case .needCode:
            guard shelf.reserve(Int(offer.size)) else { return refuse(offer.slot, .busy, link, reference) }
            link.receiving = PluginLink.Receiving(slot: offer.slot, size: Int(offer.size))
            guard let answer = link.taker.accept(offer.slot, needsCode: true, now: now) else { return }
            watch(reference)
            sendPlugin(answer, hop: link.hop, reference)
        }
    }

    /// PLUGIN_CODE came.
    func receive(_ message: PluginCodeMessage, _ link: PluginLink, _ reference: CircuitReference) {
        guard !isOurs(message.slot, reference), link.receiving?.slot == message.slot else { return violate(reference) }
        let action = link.taker.receiveCode(message.slot, offset: message.offset, count: message.bytes.count)
        guard action != .destroyCircuit else { return violate(reference) }
        link.receiving?.bytes += message.bytes
        guard action == .check, let receiving = link.receiving, let taken = link.taken[message.slot],
            let shelf = environment.plugins
        else { return }
        link.receiving?.bytes = []
        guard shelf.beginCompiling() else {
            link.receiving = nil
            shelf.release(receiving.size)
            return refuse(message.slot, .busy, link, reference)
        }
        let bringer: PluginRoles = reference.kind == .relay ? .client : .relay
        let generation = generation(of: reference)
        let corridor = NIOLoopBound(self, eventLoop: eventLoop)
        let (loop, hop, slot) = (eventLoop, link.hop, message.slot)
        environment.workers.run {
            let outcome = shelf.compile(receiving.bytes, identity: taken.identity, bringer: bringer)
            loop.execute { corridor.value.compiled(outcome, hop: hop, slot, reference, generation) }
        }
    }

    /// A worker has checked what came.
    private func compiled(
        _ outcome: PluginShelf.Outcome, hop: Int, _ slot: UInt8, _ reference: CircuitReference, _ generation: UInt32
    ) {
        beginBurst()
        defer { endBurst() }
        guard isThere(reference, generation), let link = exchange(of: reference)?.link(hop) else { return }
        if let receiving = link.receiving.take() { environment.plugins?.release(receiving.size) }
        switch outcome {
        case .violation: violate(reference)
        case .refused(let reason): refuse(slot, reason, link, reference)
        case .accepted(let plugin): attachTaken(plugin, link, slot, reference)
        }
    }

    private func refuse(_ slot: UInt8, _ reason: PluginRefusal, _ link: PluginLink, _ reference: CircuitReference) {
        link.taken[slot] = nil
        sendPlugin(link.taker.refuse(slot, reason), hop: link.hop, reference)
    }

    /// Makes the instance, and says so. The circuit may be gone afterwards.
    func attachTaken(_ plugin: Plugin, _ link: PluginLink, _ slot: UInt8, _ reference: CircuitReference) {
        guard let taken = link.taken[slot] else { return }
        let doors = negotiatedDoors(of: reference)
        let replaces = link.taker.replaced(by: slot)
        guard !doors.pointee.doors.hasNegotiated(plugin.file.identity) else {
            return refuse(slot, .noRoom, link, reference)
        }
        let answer: [UInt8]
        do throws(PluginFailure) {
            try admitsFlow(of: plugin, reference)
            if replaces != 0 {
                guard let old = link.taken[replaces]?.plugin, plugin.canReplace(old) else {
                    return refuse(slot, .nothingToReplace, link, reference)
                }
                answer = try doors.pointee.doors.upgrade(
                    to: plugin, arguments: taken.arguments, isNegotiated: true)
                link.taker.superseded(replaces)
                link.taken[replaces] = nil
            } else {
                answer = try doors.pointee.doors.attach(
                    plugin, arguments: taken.arguments, isNegotiated: true,
                    onlyHop: reference.kind == .origin ? UInt32(link.hop) : nil)
            }
        } catch {
            noteAttended(reference, doors)
            return refuse(slot, error.refusal, link, reference)
        }
        link.taken[slot]?.plugin = plugin
        guard link.taker.started(slot),
            sendPlugin(PluginReadyMessage(slot: slot, answer: answer), hop: link.hop, reference)
        else { return }
        _ = finishAsking(reference, doors)
    }

    /// PLUGIN_DETACH came for what runs here.
    func receiveTakenDetach(_ message: PluginDetachMessage, _ link: PluginLink, _ reference: CircuitReference) {
        switch link.taker.receiveDetach(message.slot) {
        case .drop: return
        case .destroyCircuit: return violate(reference)
        case .over: link.taken[message.slot] = nil
        case .detachAndEcho:
            guard let taken = link.taken.removeValue(forKey: message.slot), let doors = doors(of: reference) else {
                return
            }
            let values = doors.pointee.doors.negotiatedCounters(of: taken.identity)
            doors.pointee.doors.detach(taken.identity, isNegotiated: true)
            noteAttended(reference, doors)
            guard sendPlugin(PluginCountersMessage(slot: message.slot, values: values ?? []), hop: link.hop, reference)
            else { return }
            sendPlugin(message, hop: link.hop, reference)
        }
    }

    /// PLUGIN_COUNTERS came: a question about what runs here, or what was counted elsewhere.
    func receive(_ message: PluginCountersMessage, _ link: PluginLink, _ reference: CircuitReference) {
        if isOurs(message.slot, reference) {
            guard let values = message.values, link.bringer.receiveCounters(message.slot) == .deliver,
                let wish = link.wishes[message.slot]
            else { return violate(reference) }
            guard values.count == wish.file.metadata.counters.count + 2 else { return violate(reference) }
            link.counters[message.slot] = values
            questions.remove(Question(circuit: generation(of: reference), place: reference, slot: message.slot))
            return
        }
        guard message.values == nil else { return violate(reference) }
        switch link.taker.receiveQuestion(message.slot, now: now) {
        case .destroyCircuit: violate(reference)
        case .drop: break
        case .deliver:
            guard let identity = link.taken[message.slot]?.identity,
                let values = doors(of: reference)?.pointee.doors.negotiatedCounters(of: identity)
            else { return }
            sendPlugin(PluginCountersMessage(slot: message.slot, values: values), hop: link.hop, reference)
        }
    }
}

extension PluginFailure {
    /// As PLUGIN_ANSWER says it.
    var refusal: PluginRefusal {
        switch self {
        case .noMemory, .doorTaken, .tooManyPlugins: .noRoom
        case .wrongPlace: .place
        case .cpuBudget, .paddingBudget, .messageBudget: .budget
        case .nothingToReplace: .nothingToReplace
        case .fault, .badVerdict, .badOutput, .refused: .initialise
        }
    }
}
