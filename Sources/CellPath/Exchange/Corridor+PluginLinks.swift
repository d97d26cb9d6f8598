internal import Cells
internal import Circuits
internal import Hooks
internal import NIOCore
internal import OnionCrypto
package import PluginHost

/// Links: how the two ends of a circuit come to speak of plugins, what they say, and what a circuit's end leaves behind.
///
/// `docs/plugin-protocol.md` is the contract. A circuit without plugins costs the test of one pointer where a window opens.
extension Corridor {
    /// What plugins of circuits' other ends can have here.
    package static let negotiatedCapabilities: Capabilities = grantedCapabilities.union(.messages)

    /// Puts other wishes in force: what this node brings to the circuits that are made from now on. At those that are open,
    /// higher versions take over, and what is wished for no longer goes. Call on its loop.
    package func apply(_ wishes: [PluginWish]) {
        readClock()
        self.wishes = wishes
        for slot in origins.slots where origins.pointer(slot).pointee.object.isOpen {
            reviewBrought(CircuitReference(.origin, slot))
        }
        for slot in circuits.slots { reviewBrought(CircuitReference(.relay, slot)) }
        settleSoon()
    }

    // MARK: A client's handshakes

    /// What to put into the handshake with a hop; empty if it does not speak of plugins.
    func pluginExtensions(for target: HopTarget, _ link: PluginLink?, of count: Int) -> [HandshakeExtension] {
        guard let link else { return [] }
        var request = PluginRequestExtension()
        for wish in wishes where wish.concerns(hop: link.hop, of: count) {
            var probe = request
            // A slot is taken only for what fits.
            guard probe.add(.init(slot: 1, name: wish.request, arguments: wish.arguments)),
                let slot = link.bringer.ask(wish.identity, size: wish.size),
                request.add(.init(slot: slot, name: wish.request, arguments: wish.arguments))
            else { continue }
            link.wishes[slot] = wish
        }
        return [HandshakeExtension(type: PluginWire.requestExtension, body: request.body)]
    }

    /// Plans the links of a circuit that starts here.
    ///
    /// - Returns: false if a hop does not speak of plugins that must take one: the circuit is of no use.
    func planLinks(_ path: [HopTarget], origin slot: UInt32) -> Bool {
        let origin = origins.pointer(slot)
        guard path.contains(where: \.takesPlugins) else {
            return !path.indices.contains { hop in
                wishes.contains { $0.isRequired && $0.concerns(hop: hop, of: path.count) }
            }
        }
        let links = path.indices.map { path[$0].takesPlugins ? PluginLink(hop: $0, isHop: false) : nil }
        let exchange = CircuitExchange(links: links)
        origin.pointee.exchange = exchange
        for (hop, target) in path.enumerated() {
            let mine = wishes.filter { $0.concerns(hop: hop, of: path.count) }
            if links[hop] == nil, mine.contains(where: \.isRequired) { return false }
            exchange.missing += mine.count(where: \.isRequired)
            origin.pointee.machine.hopExtensions.append(pluginExtensions(for: target, links[hop], of: path.count))
        }
        return true
    }

    /// Plans the link of a hop that is added later, to which nothing is brought.
    func planLink(_ target: HopTarget, origin slot: UInt32) {
        let origin = origins.pointer(slot)
        let hop = origin.pointee.machine.path.count
        while origin.pointee.machine.hopExtensions.count < hop { origin.pointee.machine.hopExtensions.append([]) }
        let exchange = origin.pointee.exchange ?? CircuitExchange(links: [PluginLink?](repeating: nil, count: hop))
        origin.pointee.exchange = exchange
        let link = target.takesPlugins ? PluginLink(hop: hop, isHop: false) : nil
        exchange.append(link)
        let extensions =
            link == nil
            ? []
            : [HandshakeExtension(type: PluginWire.requestExtension, body: PluginRequestExtension().body)]
        origin.pointee.machine.hopExtensions.append(extensions)
    }

    /// A hop has answered the handshake.
    ///
    /// - Returns: false if what it says of plugins is a violation, or a refusal that cannot be done without; the circuit is gone.
    func receivePluginAnswer(hop: Int, origin slot: UInt32) -> Bool {
        let origin = origins.pointer(slot)
        let reference = CircuitReference(.origin, slot)
        let answers = origin.pointee.machine.lastHopExtensions.filter { $0.type == PluginWire.answerExtension }
        let link = origin.pointee.exchange?.link(hop)
        guard let exchange = origin.pointee.exchange, let link else {
            // An answer to what was not asked.
            guard answers.isEmpty else {
                violate(reference)
                return false
            }
            return true
        }
        let body = answers.first?.body ?? []
        guard answers.count == 1, let answer = try? PluginAnswerExtension(body: body.span.bytes) else {
            violate(reference)
            return false
        }
        origin.pointee.endpoint?.pointee.machine.allowPlugins(hop: hop)
        // Also what is refused: offered once more, it would only be named in other words.
        let asked = Set(link.wishes.values.map(\.identity))
        switch link.bringer.receive(answer) {
        case .destroyCircuit:
            violate(reference)
            return false
        case .answered(let ready, let needed, let refused):
            for slot in ready where link.wishes[slot]?.isRequired == true { exchange.missing -= 1 }
            for slot in needed {
                guard let wish = link.wishes[slot] else { continue }
                exchange.pending.append(PendingOffer(hop: hop, wish: wish, slot: slot))
            }
            for slot in refused {
                guard let wish = link.wishes.removeValue(forKey: slot) else { continue }
                noteRefusal(wish, nil)
                guard wishFailed(wish, reference) else { return false }
            }
        }
        let count = origin.pointee.machine.path.count
        for wish in wishes where wish.concerns(hop: hop, of: count) && !asked.contains(wish.identity) {
            exchange.pending.append(PendingOffer(hop: hop, wish: wish))
        }
        return true
    }

    /// All hops are there.
    ///
    /// - Returns: whether the circuit can be used now; if not, `circuitBuilt` comes when what is required runs.
    func beginBringing(origin slot: UInt32) -> Bool {
        guard let exchange = origins.pointer(slot).pointee.exchange, exchange.missing > 0 else { return true }
        exchange.holdsBuilt = true
        return false
    }

    /// The circuit is built: attaches our halves of what runs, and offers the rest.
    func startBringing(origin slot: UInt32) {
        let reference = CircuitReference(.origin, slot)
        guard let exchange = origins.pointer(slot).pointee.exchange else { return }
        let generation = generation(of: reference)
        for link in exchange.links {
            guard let link else { continue }
            for running in link.bringer.running {
                guard let wish = link.wishes[running] else { continue }
                attachHalf(wish, link, running, reference)
                guard isThere(reference, generation) else { return }
            }
        }
        offerNext(reference)
    }

    // MARK: A relay's handshakes

    /// A client's handshake spoke of plugins.
    func beginTaking(_ plugins: HandshakePlugins, circuit slot: UInt32) {
        let circuit = circuits.pointer(slot)
        let link = PluginLink(hop: 0, isHop: true)
        for entry in plugins.entries {
            link.taker.note(entry.slot, entry.status)
            guard entry.status != .refused else { continue }
            link.taken[entry.slot] = PluginLink.Taken(
                identity: entry.identity, arguments: entry.arguments, plugin: entry.plugin)
        }
        circuit.pointee.exchange = CircuitExchange(links: [link])
        circuit.pointee.owesPlugins = true
    }

    /// The first cell was recognised here: what was promised is made now.
    ///
    /// - Returns: false if the circuit is gone.
    func keepPromises(circuit slot: UInt32) -> Bool {
        let circuit = circuits.pointer(slot)
        let reference = CircuitReference(.relay, slot)
        circuit.pointee.owesPlugins = false
        guard let exchange = circuit.pointee.exchange, let link = exchange.link(0) else { return true }
        endpoint(of: slot).pointee.machine.allowPlugins(hop: 0)
        let generation = generation(of: reference)
        for promised in link.taker.takePromised() {
            guard let plugin = link.taken[promised]?.plugin else { continue }
            attachTaken(plugin, link, promised, reference)
            guard isThere(reference, generation) else { return false }
        }
        for wish in wishes where wish.bringer == .relay {
            switch wish.place {
            case .all: exchange.pending.append(PendingOffer(hop: 0, wish: wish))
            case .entry where circuit.pointee.isFirstHop: exchange.pending.append(PendingOffer(hop: 0, wish: wish))
            case .exit: exchange.waitsForStream = true
            case .entry, .middle: break
            }
        }
        offerNext(reference)
        return isThere(reference, generation)
    }

    /// A client opens a stream here: it is an exit that we are.
    func bringAtExit(circuit slot: UInt32) {
        guard let exchange = circuits.pointer(slot).pointee.exchange, exchange.waitsForStream else { return }
        exchange.waitsForStream = false
        for wish in wishes where wish.bringer == .relay && wish.place == .exit {
            exchange.pending.append(PendingOffer(hop: 0, wish: wish))
        }
        offerNext(CircuitReference(.relay, slot))
    }

    // MARK: What comes

    /// A message of the exchange, well framed and counted. The circuit may be gone afterwards.
    func receivePlugin(_ command: RelayCommand, _ data: RawSpan, hop: Int, _ reference: CircuitReference) {
        guard let link = exchange(of: reference)?.link(hop) else { return violate(reference) }
        pluginMessages.received[Int(command.rawValue & 7)] &+= 1
        do throws(WireError) {
            switch command {
            case .pluginOffer: receive(try PluginOfferMessage(data: data), link, reference)
            case .pluginAnswer: receive(try PluginAnswerMessage(data: data), link, reference)
            case .pluginCode: receive(try PluginCodeMessage(data: data), link, reference)
            case .pluginReady: receive(try PluginReadyMessage(data: data), link, reference)
            case .pluginDetach: receive(try PluginDetachMessage(data: data), link, reference)
            case .pluginMessage: receive(try PluginHalfMessage(data: data), link, reference)
            default: receive(try PluginCountersMessage(data: data), link, reference)
            }
        } catch {
            violate(reference)
        }
    }

    private func receive(_ message: PluginReadyMessage, _ link: PluginLink, _ reference: CircuitReference) {
        guard isOurs(message.slot, reference) else {
            // A bringer answers nothing.
            guard message.answer.isEmpty, link.taker.receiveReady(message.slot) != .destroyCircuit else {
                return violate(reference)
            }
            return
        }
        receiveReady(message, link, reference)
    }

    private func receive(_ message: PluginDetachMessage, _ link: PluginLink, _ reference: CircuitReference) {
        if isOurs(message.slot, reference) {
            receiveDetach(message, link, reference)
        } else {
            receiveTakenDetach(message, link, reference)
        }
    }

    private func receive(_ message: PluginHalfMessage, _ link: PluginLink, _ reference: CircuitReference) {
        let isOurs = isOurs(message.slot, reference)
        let action =
            isOurs ? link.bringer.receiveMessage(message.slot) : link.taker.receiveMessage(message.slot)
        switch action {
        case .destroyCircuit: return violate(reference)
        case .drop: return
        case .deliver: break
        }
        let identity = isOurs ? link.bringer.identity(of: message.slot) : link.taken[message.slot]?.identity
        guard let identity, let doors = doors(of: reference) else { return }
        let answer = doors.pointee.doors.pluginMessage(
            message.local, of: identity, hop: UInt32(link.hop), body: message.body.span.bytes)
        if answer == .verdict(.destroyCircuit) { return destroyAttended(reference) }
        _ = finishAsking(reference, doors)
    }

    // MARK: What goes

    /// Sends a message of the exchange that windows do not count.
    ///
    /// - Returns: false if the circuit is gone.
    @discardableResult
    func sendPlugin(_ message: some RelayMessage, hop: Int, _ reference: CircuitReference) -> Bool {
        pluginMessages.sent[Int(type(of: message).command.rawValue & 7)] &+= 1
        let generation = generation(of: reference)
        switch reference.kind {
        case .relay: send(message, streamID: .zero, circuit: reference.slot)
        case .origin: send(message, streamID: .zero, hop: hop, origin: reference.slot)
        case .leg: break
        }
        return isThere(reference, generation)
    }

    /// Sends a message that windows count; there must be one.
    ///
    /// - Returns: false if the circuit is gone.
    private func sendCounted(_ message: some RelayMessage, hop: Int, _ reference: CircuitReference) -> Bool {
        guard var cell = pool.makeCell(circuitID: .zero, command: .relay) else {
            counters.droppedMemory &+= 1
            destroyAttended(reference)
            return false
        }
        pluginMessages.sent[Int(type(of: message).command.rawValue & 7)] &+= 1
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encode(message, streamID: .zero, into: &body, using: &random)
        counters.originated &+= 1
        let generation = generation(of: reference)
        switch reference.kind {
        case .relay:
            cell.mark = CellMark.originatedData
            enqueue(cell, circuit: reference.slot)
        case .origin: enqueueData(cell, hop: hop, origin: reference.slot)
        case .leg: break
        }
        return isThere(reference, generation)
    }

    /// Sends fragments and messages as far as the window to a hop allows.
    ///
    /// - Returns: false if the circuit is gone.
    @discardableResult
    func pumpPlugins(_ reference: CircuitReference, hop: Int) -> Bool {
        guard let link = exchange(of: reference)?.link(hop) else { return true }
        while !link.outbox.isEmpty || link.bringer.hasFragment {
            guard let endpoint = endpoint(of: reference) else { return true }
            var flow = flow(of: reference, endpoint)
            let isPackaged = endpoint.pointee.machine.packageMessage(hop: hop, by: &flow)
            guard settle(flow, reference) else { return false }
            guard isPackaged else { return true }
            if !link.outbox.isEmpty {
                guard sendCounted(link.outbox.removeFirst(), hop: hop, reference) else { return false }
            } else if let fragment = link.bringer.nextFragment(), let wish = link.wishes[fragment.slot] {
                let message = PluginCodeMessage(
                    slot: fragment.slot, offset: UInt32(fragment.range.lowerBound),
                    bytes: Array(wish.bundle[fragment.range]))
                guard sendCounted(message, hop: hop, reference) else { return false }
            }
        }
        return true
    }

    /// A plugin speaks to its other half at a hop.
    ///
    /// - Returns: false if the circuit is gone.
    func speak(
        of identity: [UInt8], hop: UInt32, _ command: UInt16, _ bytes: [UInt8], _ reference: CircuitReference
    ) -> Bool {
        // Without a link, or before it runs there, nobody would hear.
        guard let link = exchange(of: reference)?.link(Int(hop)),
            let slot = link.bringer.runningSlot(of: identity) ?? takenSlot(of: identity, link),
            link.outbox.count < PluginLimits.queuedMessages
        else { return true }
        link.outbox.append(PluginHalfMessage(slot: slot, local: command, body: bytes))
        return pumpPlugins(reference, hop: Int(hop))
    }

    /// The slot of a plugin that runs for the other end.
    func takenSlot(of identity: [UInt8], _ link: PluginLink) -> UInt8? {
        link.taken.first {
            guard $0.value.identity == identity, case .running = link.taker.phase($0.key) else { return false }
            return true
        }?.key
    }

    /// Negotiated plugins have failed, or left: the other ends hear of it.
    ///
    /// - Returns: false if the circuit is gone.
    func noteDepartures(_ reference: CircuitReference, _ doors: UnsafeMutablePointer<CircuitDoors>) -> Bool {
        for departure in doors.pointee.doors.takeDepartures() {
            for link in exchange(of: reference)?.links ?? [] {
                guard let link else { continue }
                if let slot = link.bringer.runningSlot(of: departure.identity) {
                    guard detachBrought(slot, departure.reason, link, reference) else { return false }
                } else if let slot = takenSlot(of: departure.identity, link), link.taker.detach(slot) {
                    link.taken[slot] = nil
                    let values = PluginCountersMessage(slot: slot, values: departure.counters)
                    guard sendPlugin(values, hop: link.hop, reference),
                        sendPlugin(
                            PluginDetachMessage(slot: slot, reason: departure.reason), hop: link.hop, reference)
                    else { return false }
                }
            }
        }
        return true
    }

    // MARK: Finding, ending

    /// What a circuit's ends bring each other; nil where nobody speaks of plugins.
    func exchange(of reference: CircuitReference) -> CircuitExchange? {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.exchange
        case .origin: origins.pointer(reference.slot).pointee.exchange
        case .leg: nil
        }
    }

    /// Whether a slot is of those that this end gives.
    func isOurs(_ slot: UInt8, _ reference: CircuitReference) -> Bool {
        (slot & PluginWire.hopSlots != 0) == (reference.kind == .relay)
    }

    /// The other end broke the protocol.
    func violate(_ reference: CircuitReference) {
        switch reference.kind {
        case .relay: closeForViolation(reference.slot)
        case .origin:
            counters.protocolViolations &+= 1
            closeOrigin(reference.slot, ending(of: reference.slot, .torProtocol))
        case .leg: break
        }
    }

    /// A circuit is gone: nothing is left of what was half done.
    func forget(_ exchange: CircuitExchange) {
        for link in exchange.links {
            guard let link else { continue }
            if let receiving = link.receiving.take() { environment.plugins?.release(receiving.size) }
            keepCounters(of: link, hopCount: exchange.links.count)
        }
    }

    /// Once a second: transfers that take too long destroy their circuits.
    func expireExchanges() {
        guard !exchanging.isEmpty else { return }
        let watched = exchanging
        exchanging = []
        for entry in watched where isThere(entry.reference, entry.generation) {
            guard let deadline = exchange(of: entry.reference)?.nextDeadline else { continue }
            if deadline <= now { violate(entry.reference) } else { exchanging.append(entry) }
        }
    }

    /// Has the clock look at a circuit.
    func watch(_ reference: CircuitReference) {
        let generation = generation(of: reference)
        guard !exchanging.contains(where: { $0.reference == reference && $0.generation == generation }) else { return }
        exchanging.append(ExchangeWatch(reference: reference, generation: generation))
    }
}

/// A circuit whose exchange has a deadline.
struct ExchangeWatch {
    let reference: CircuitReference
    let generation: UInt32
}

/// Messages of the exchange on one loop, by the last bits of their command: offer, answer, code, ready, detach, message, counters.
package struct PluginMessageCounts: Equatable, Sendable {
    /// From other ends.
    package var received = [Int](repeating: 0, count: 8)
    /// From this end.
    package var sent = [Int](repeating: 0, count: 8)
}
