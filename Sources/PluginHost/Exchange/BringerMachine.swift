package import Cells

/// The bringer's side of a link: the plugins that this end offers to the other (docs/plugin-protocol.md §7).
///
///     asked --ready--> running           --need code--> askedOffer --offer--> offered
///     offered --ready--> starting        --need code--> sending --last fragment--> starting --READY--> running
///     running --DETACH--> over           --our DETACH--> detaching --DETACH--> over
///
/// and to over by a refusal from asked, offered, starting, and from running until the other end's READY was heard. At most
/// one offer is open. Knows slots and counts bytes; holds no code and sends nothing.
package struct BringerMachine: ~Copyable {
    /// How far an attachment has come.
    package enum Phase: Equatable, Sendable {
        /// In an extension; not answered yet.
        case asked
        /// The other end wants the code: to be offered under the same slot.
        case askedOffer
        /// PLUGIN_OFFER is under way.
        case offered
        /// So many bytes have been packaged.
        case sending(Int)
        /// All is there; PLUGIN_READY is awaited.
        case starting
        /// In force; and whether the other end has said so.
        case running(isHeard: Bool)
        /// Our PLUGIN_DETACH is under way.
        case detaching
        /// Nothing more may come.
        case over
    }

    /// An attachment.
    private struct Place {
        let slot: UInt8
        let identity: [UInt8]
        let size: UInt32
        let replaces: UInt8
        var phase: Phase
        /// When an open offer is given up.
        var deadline: ContinuousClock.Instant?
        var lastQuestion: ContinuousClock.Instant?

        var isRunning: Bool {
            if case .running = phase { true } else { false }
        }
    }

    private var places: [Place] = []
    private var nextSlot: UInt8

    /// Nothing offered yet.
    ///
    /// - Parameter isHop: whether this end is the hop, whose slots have the upper half of numbers.
    package init(isHop: Bool) { nextSlot = isHop ? PluginWire.hopSlots | 1 : 1 }

    // MARK: Asking and offering

    /// Takes a slot for an entry of the extension; nil if there is none left.
    package mutating func ask(_ identity: [UInt8], size: UInt32) -> UInt8? {
        guard let slot = takeSlot() else { return nil }
        places.append(Place(slot: slot, identity: identity, size: size, replaces: 0, phase: .asked))
        return slot
    }

    /// What an answer in an extension has changed.
    package enum ReceiveExtensionAction: Equatable, Sendable {
        /// These run, these want to be offered, these are over.
        case answered(ready: [UInt8], needed: [UInt8], refused: [UInt8])
        /// It answers something else than was asked.
        case destroyCircuit
    }

    /// 0xF1 has come.
    package mutating func receive(_ answer: PluginAnswerExtension) -> ReceiveExtensionAction {
        let asked = places.filter { $0.phase == .asked }.map(\.slot)
        guard answer.entries.map(\.slot) == asked else { return .destroyCircuit }
        var (ready, needed, refused): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
        for entry in answer.entries {
            switch entry.status {
            case .ready:
                set(entry.slot, .running(isHeard: false))
                ready.append(entry.slot)
            case .needCode:
                set(entry.slot, .askedOffer)
                needed.append(entry.slot)
            case .refused:
                set(entry.slot, .over)
                refused.append(entry.slot)
            }
        }
        return .answered(ready: ready, needed: needed, refused: refused)
    }

    /// Whether an offer is open: no other may be made.
    package var hasOpenOffer: Bool { places.contains { $0.deadline != nil } }

    /// Offers a plugin; nil if there is no slot, or another offer is open.
    ///
    /// - Parameters:
    ///   - slot: the one under which the other end has asked for the code.
    ///   - replaces: the slot of the older version.
    package mutating func offer(
        _ identity: [UInt8], size: UInt32, slot: UInt8? = nil, replaces: UInt8 = 0, arguments: [UInt8],
        now: ContinuousClock.Instant
    ) -> PluginOfferMessage? {
        guard !hasOpenOffer else { return nil }
        let taken: UInt8
        if let slot {
            guard let place = index(of: slot), places[place].phase == .askedOffer, places[place].identity == identity
            else {
                return nil
            }
            taken = slot
            places[place].phase = .offered
            places[place].deadline = now + ExchangeLimits.patience
        } else {
            guard let next = takeSlot() else { return nil }
            taken = next
            places.append(
                Place(
                    slot: taken, identity: identity, size: size, replaces: replaces, phase: .offered,
                    deadline: now + ExchangeLimits.patience))
        }
        return PluginOfferMessage(
            slot: taken, replaces: replaces, identity: identity, size: size, arguments: arguments)
    }

    // MARK: Answers

    /// What a PLUGIN_ANSWER brings about.
    package enum ReceiveAnswerAction: Equatable, Sendable {
        /// Wait for PLUGIN_READY.
        case none
        /// Ask `nextFragment` as long as the window allows.
        case sendCode
        /// It does not come about; what ran already goes.
        case refused(PluginRefusal, wasRunning: Bool)
        /// Out of turn.
        case destroyCircuit
    }

    /// PLUGIN_ANSWER has come.
    package mutating func receive(_ message: PluginAnswerMessage) -> ReceiveAnswerAction {
        guard let place = index(of: message.slot) else { return .destroyCircuit }
        switch (places[place].phase, message.answer) {
        case (.offered, .ready):
            places[place].phase = .starting
            return .none
        case (.offered, .needCode(let credit)):
            guard credit == places[place].size else { return .destroyCircuit }
            places[place].phase = .sending(0)
            return .sendCode
        case (.offered, .refused(let reason)), (.starting, .refused(let reason)):
            end(place)
            return .refused(reason, wasRunning: false)
        case (.running(isHeard: false), .refused(let reason)):
            end(place)
            return .refused(reason, wasRunning: true)
        case (.asked, _), (.askedOffer, _), (.offered, _), (.sending, _), (.starting, _), (.running, _),
            (.detaching, _), (.over, _):
            return .destroyCircuit
        }
    }

    /// The next fragment to package, which counts as sent; nil if nothing is to be sent.
    package mutating func nextFragment() -> (slot: UInt8, range: Range<Int>)? {
        for place in places.indices {
            guard case .sending(let sent) = places[place].phase else { continue }
            let end = min(sent + PluginWire.fragmentLength, Int(places[place].size))
            places[place].phase = end == Int(places[place].size) ? .starting : .sending(end)
            return (places[place].slot, sent..<end)
        }
        return nil
    }

    /// Whether there is a fragment to send.
    package var hasFragment: Bool {
        places.contains { if case .sending = $0.phase { true } else { false } }
    }

    /// What a PLUGIN_READY brings about.
    package enum ReceiveReadyAction: Equatable, Sendable {
        /// Attach our half and send PLUGIN_READY: our direction is switched from there.
        case attach(replaces: UInt8)
        /// What ran already was confirmed.
        case confirmed
        /// Out of turn.
        case destroyCircuit
    }

    /// PLUGIN_READY has come for one of our slots.
    package mutating func receiveReady(_ slot: UInt8) -> ReceiveReadyAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .starting:
            places[place].phase = .running(isHeard: true)
            places[place].deadline = nil
            let replaces = places[place].replaces
            if replaces != 0 { set(replaces, .over) }
            return .attach(replaces: replaces)
        case .running(isHeard: false):
            places[place].phase = .running(isHeard: true)
            return .confirmed
        case .asked, .askedOffer, .offered, .sending, .running, .detaching, .over:
            return .destroyCircuit
        }
    }

    // MARK: While it runs

    /// A PLUGIN_MESSAGE has come for one of our slots.
    package func receiveMessage(_ slot: UInt8) -> ReceiveHalfAction {
        switch phase(slot) {
        case .running: .deliver
        case .detaching: .drop
        case .asked, .askedOffer, .offered, .sending, .starting, .over, nil: .destroyCircuit
        }
    }

    /// PLUGIN_COUNTERS has come for one of our slots.
    package func receiveCounters(_ slot: UInt8) -> ReceiveHalfAction {
        switch phase(slot) {
        case .running, .detaching: .deliver
        case .asked, .askedOffer, .offered, .sending, .starting, .over, nil: .destroyCircuit
        }
    }

    /// Whether counters may be asked for now: once a second.
    package mutating func askCounters(_ slot: UInt8, now: ContinuousClock.Instant) -> Bool {
        guard let place = index(of: slot), case .running = places[place].phase else { return false }
        if let last = places[place].lastQuestion, now - last < ExchangeLimits.questionInterval { return false }
        places[place].lastQuestion = now
        return true
    }

    /// We want it gone.
    ///
    /// - Returns: whether to send PLUGIN_DETACH.
    package mutating func detach(_ slot: UInt8) -> Bool {
        guard let place = index(of: slot), case .running = places[place].phase else { return false }
        places[place].phase = .detaching
        return true
    }

    /// PLUGIN_DETACH has come for one of our slots.
    package mutating func receiveDetach(_ slot: UInt8) -> ReceiveDetachAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .running:
            end(place)
            return .detachAndEcho
        case .detaching:
            end(place)
            return .over
        case .asked, .askedOffer, .offered, .sending, .starting, .over:
            return .destroyCircuit
        }
    }

    // MARK: Finding

    /// How far a slot has come; nil if it was never used.
    package func phase(_ slot: UInt8) -> Phase? { index(of: slot).map { places[$0].phase } }

    /// The slot under which a plugin runs.
    package func runningSlot(of identity: [UInt8]) -> UInt8? {
        places.first { $0.identity == identity && $0.isRunning }?.slot
    }

    /// The plugin of a slot.
    package func identity(of slot: UInt8) -> [UInt8]? { index(of: slot).map { places[$0].identity } }

    /// All that run.
    package var running: [UInt8] { places.filter(\.isRunning).map(\.slot) }

    /// When an open offer must be given up: destroy the circuit then.
    package var nextDeadline: ContinuousClock.Instant? { places.compactMap(\.deadline).min() }

    private mutating func takeSlot() -> UInt8? {
        guard places.count < PluginWire.slotsPerLink else { return nil }
        defer { nextSlot += 1 }
        return nextSlot
    }

    private func index(of slot: UInt8) -> Int? { places.firstIndex { $0.slot == slot } }

    private mutating func set(_ slot: UInt8, _ phase: Phase) {
        if let place = index(of: slot) { places[place].phase = phase }
    }

    private mutating func end(_ place: Int) {
        places[place].phase = .over
        places[place].deadline = nil
    }
}

/// What to do with a message between two halves.
package enum ReceiveHalfAction: Equatable, Sendable {
    /// Give it to our half.
    case deliver
    /// It crossed a detach or a refusal.
    case drop
    /// Out of turn.
    case destroyCircuit
}

/// What a PLUGIN_DETACH brings about.
package enum ReceiveDetachAction: Equatable, Sendable {
    /// Detach our half, and echo.
    case detachAndEcho
    /// It was the echo: nothing more may come.
    case over
    /// It crossed a refusal.
    case drop
    /// Out of turn.
    case destroyCircuit
}
