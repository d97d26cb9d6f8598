internal import Cells
internal import Circuits
internal import Hooks
internal import PluginHost

/// What this end brings: offers, code, and our own half when the other end is ready.
extension Corridor {
    /// Makes the next offer, if none is open. The circuit may be gone afterwards.
    func offerNext(_ reference: CircuitReference) {
        guard let exchange = exchange(of: reference) else { return }
        while !exchange.pending.isEmpty, !exchange.hasOpenOffer {
            let next = exchange.pending.removeFirst()
            guard let link = exchange.link(next.hop),
                let offer = link.bringer.offer(
                    next.wish.identity, size: next.wish.size, slot: next.slot, replaces: next.replaces,
                    arguments: next.wish.arguments, now: now)
            else {
                guard wishFailed(next.wish, reference) else { return }
                continue
            }
            link.wishes[offer.slot] = next.wish
            watch(reference)
            guard sendPlugin(offer, hop: next.hop, reference) else { return }
        }
    }

    /// PLUGIN_ANSWER came for an offer of ours.
    func receive(_ message: PluginAnswerMessage, _ link: PluginLink, _ reference: CircuitReference) {
        guard isOurs(message.slot, reference) else { return violate(reference) }
        switch link.bringer.receive(message) {
        case .none: break
        case .sendCode: pumpPlugins(reference, hop: link.hop)
        case .refused(let reason, let wasRunning):
            guard let wish = link.wishes.removeValue(forKey: message.slot) else { return }
            noteRefusal(wish, reason)
            if wasRunning { detachHalf(wish.identity, reference) }
            guard wishFailed(wish, reference) else { return }
            offerNext(reference)
        case .destroyCircuit: violate(reference)
        }
    }

    /// PLUGIN_READY came for a slot of ours.
    func receiveReady(_ message: PluginReadyMessage, _ link: PluginLink, _ reference: CircuitReference) {
        switch link.bringer.receiveReady(message.slot) {
        case .confirmed: break
        case .destroyCircuit: violate(reference)
        case .attach(let replaces):
            guard let wish = link.wishes[message.slot] else { return violate(reference) }
            let old = link.wishes.removeValue(forKey: replaces)
            link.counters[replaces] = nil
            let generation = generation(of: reference)
            // Our half hears no message before it is there, and the other's hears none before this.
            guard sendPlugin(PluginReadyMessage(slot: message.slot), hop: link.hop, reference) else { return }
            attachHalf(wish, link, message.slot, reference, replacing: old)
            guard isThere(reference, generation) else { return }
            if wish.isRequired, replaces == 0 { requiredRuns(reference) }
            guard isThere(reference, generation) else { return }
            offerNext(reference)
        }
    }

    /// PLUGIN_DETACH came for a slot of ours.
    func receiveDetach(_ message: PluginDetachMessage, _ link: PluginLink, _ reference: CircuitReference) {
        switch link.bringer.receiveDetach(message.slot) {
        case .detachAndEcho:
            guard sendPlugin(message, hop: link.hop, reference),
                let wish = link.wishes[message.slot]
            else { return }
            detachHalf(wish.identity, reference)
            _ = wishFailed(wish, reference)
        case .over:
            if let wish = link.wishes[message.slot] { _ = wishFailed(wish, reference) }
        case .drop: break
        case .destroyCircuit: violate(reference)
        }
    }

    /// Our own half has gone: so must the other's.
    ///
    /// - Returns: false if the circuit is gone.
    func detachBrought(
        _ slot: UInt8, _ reason: PluginDetachReason, _ link: PluginLink, _ reference: CircuitReference
    ) -> Bool {
        guard link.bringer.detach(slot) else { return true }
        return sendPlugin(PluginDetachMessage(slot: slot, reason: reason), hop: link.hop, reference)
    }

    /// Attaches our half of what runs at the other end, unless it serves another hop already.
    func attachHalf(
        _ wish: PluginWish, _ link: PluginLink, _ slot: UInt8, _ reference: CircuitReference,
        replacing old: PluginWish? = nil
    ) {
        guard let half = wish.half else { return }
        let doors = negotiatedDoors(of: reference)
        guard !doors.pointee.doors.hasNegotiated(wish.identity) else { return }
        do throws(PluginFailure) {
            try admitsFlow(of: half, reference)
            if let old, doors.pointee.doors.hasNegotiated(old.identity) {
                try doors.pointee.doors.upgrade(to: half, arguments: wish.arguments, isNegotiated: true)
            } else {
                try doors.pointee.doors.attach(half, arguments: wish.arguments, isNegotiated: true)
            }
        } catch {
            guard detachBrought(slot, .fault, link, reference) else { return }
            return
        }
        _ = finishAsking(reference, doors)
    }

    /// Detaches our half, unless it still serves another hop. The doors stay.
    func detachHalf(_ identity: [UInt8], _ reference: CircuitReference) {
        let isUsed = exchange(of: reference)?.links.contains { $0?.bringer.runningSlot(of: identity) != nil } == true
        guard !isUsed, let doors = doors(of: reference) else { return }
        doors.pointee.doors.detach(identity, isNegotiated: true)
        noteAttended(reference, doors)
    }

    /// A wish does not come about, or has gone.
    ///
    /// - Returns: false if it was required, and the circuit is gone: it is built elsewhere.
    func wishFailed(_ wish: PluginWish, _ reference: CircuitReference) -> Bool {
        guard wish.isRequired, reference.kind == .origin else { return true }
        counters.pluginsMissed &+= 1
        closeOrigin(reference.slot, ending(of: reference.slot, .requested))
        return false
    }

    /// Something required runs: if it was the last, the circuit is built.
    private func requiredRuns(_ reference: CircuitReference) {
        guard reference.kind == .origin, let exchange = exchange(of: reference) else { return }
        exchange.missing -= 1
        guard exchange.missing <= 0, exchange.holdsBuilt else { return }
        exchange.holdsBuilt = false
        let origin = origins.pointer(reference.slot)
        origin.pointee.object.noteHops(origin.pointee.machine.hopCount, isBuilt: true)
    }

    /// Offers higher versions of what runs, and detaches what is wished for no longer. The circuit may be gone afterwards.
    func reviewBrought(_ reference: CircuitReference) {
        guard let exchange = exchange(of: reference) else { return }
        for link in exchange.links {
            guard let link else { continue }
            for slot in link.bringer.running {
                guard let old = link.wishes[slot] else { continue }
                let same = wishes.filter { $0.file.metadata.name == old.file.metadata.name && $0.place == old.place }
                if same.isEmpty {
                    // Nobody misses it any longer.
                    link.wishes[slot]?.isRequired = false
                    guard detachBrought(slot, .wish, link, reference) else { return }
                    detachHalf(old.identity, reference)
                } else if let new = same.first(where: { $0.file.metadata.version > old.file.metadata.version }),
                    !exchange.pending.contains(where: { $0.replaces == slot && $0.hop == link.hop })
                {
                    exchange.pending.append(PendingOffer(hop: link.hop, wish: new, replaces: slot))
                }
            }
        }
        offerNext(reference)
    }
}
