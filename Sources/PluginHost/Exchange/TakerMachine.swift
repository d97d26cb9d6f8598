package import Cells

/// The taker's side of a link: the plugins that the other end offers to this one (docs/plugin-protocol.md §7).
///
///     (0xF0) promised --first cell--> running              needed --OFFER--> judged
///     OFFER -> judged --ready--> checking --> running      --need code--> receiving --last fragment--> checking
///     running --DETACH--> over                             --our DETACH--> detaching --DETACH--> over
///
/// and to refused from promised, judged and checking. Knows slots and counts bytes; holds no code, asks no policy.
package struct TakerMachine: ~Copyable {
    /// How far an attachment has come.
    package enum Phase: Equatable, Sendable {
        /// 0xF1 said ready; the instance is made at the first recognised cell.
        case promised
        /// 0xF1 said that code is needed.
        case needed
        /// An offer waits for our answer.
        case judged
        /// So many bytes have come.
        case receiving(Int)
        /// All is there, or was here; it is checked, compiled and attached.
        case checking
        /// In force; and whether the bringer has said so.
        case running(isHeard: Bool)
        /// Our PLUGIN_DETACH is under way.
        case detaching
        /// Refused: what crosses that is dropped.
        case refused
        /// Nothing more may come.
        case over
    }

    private struct Place {
        let slot: UInt8
        var size: UInt32 = 0
        var replaces: UInt8 = 0
        var phase: Phase
        /// Whether the bringer confirms with READY: not where the extension said ready.
        var isConfirmed = false
        var deadline: ContinuousClock.Instant?
        var lastAnswer: ContinuousClock.Instant?
    }

    private var places: [Place] = []
    private let bit: UInt8

    /// Nothing offered yet.
    ///
    /// - Parameter isHop: whether this end is the hop: its bringers' slots are a client's.
    package init(isHop: Bool) { bit = isHop ? 0 : PluginWire.hopSlots }

    // MARK: What the extension asked for

    /// Notes what 0xF1 said of an entry.
    package mutating func note(_ slot: UInt8, _ status: PluginAnswerExtension.Status) {
        switch status {
        case .ready: places.append(Place(slot: slot, phase: .promised))
        case .needCode: places.append(Place(slot: slot, phase: .needed))
        case .refused: places.append(Place(slot: slot, phase: .over))
        }
    }

    // MARK: Offers

    /// What a PLUGIN_OFFER brings about.
    package enum ReceiveOfferAction: Equatable, Sendable {
        /// Ask policy, then `answer`.
        case judge
        /// Refuse at once.
        case refuse(PluginRefusal)
        /// Out of turn.
        case destroyCircuit
    }

    /// PLUGIN_OFFER has come.
    package mutating func receive(_ offer: PluginOfferMessage) -> ReceiveOfferAction {
        guard offer.slot & PluginWire.hopSlots == bit, !hasOpenOffer else { return .destroyCircuit }
        let place: Int
        if let there = self.index(of: offer.slot) {
            guard places[there].phase == .needed else { return .destroyCircuit }
            place = there
        } else {
            guard places.count < PluginWire.slotsPerLink else { return .destroyCircuit }
            place = places.count
            places.append(Place(slot: offer.slot, phase: .needed))
        }
        places[place].size = offer.size
        places[place].replaces = offer.replaces
        places[place].isConfirmed = true
        guard PluginWire.transferSizes.contains(offer.size) else {
            places[place].phase = .refused
            return .refuse(.size)
        }
        if offer.replaces != 0 {
            guard case .running = phase(offer.replaces) else {
                places[place].phase = .refused
                return .refuse(.nothingToReplace)
            }
        }
        places[place].phase = .judged
        return .judge
    }

    /// Whether an offer is neither refused nor running.
    package var hasOpenOffer: Bool {
        places.contains {
            switch $0.phase {
            case .judged, .receiving: true
            case .checking: $0.isConfirmed
            case .promised, .needed, .running, .detaching, .refused, .over: false
            }
        }
    }

    /// Policy has spoken: the code is here, or shall come.
    package mutating func accept(_ slot: UInt8, needsCode: Bool, now: ContinuousClock.Instant) -> PluginAnswerMessage? {
        guard let place = index(of: slot), places[place].phase == .judged else { return nil }
        guard needsCode else {
            places[place].phase = .checking
            return PluginAnswerMessage(slot: slot, .ready)
        }
        places[place].phase = .receiving(0)
        places[place].deadline = now + ExchangeLimits.patience
        return PluginAnswerMessage(slot: slot, .needCode(credit: places[place].size))
    }

    /// It does not come about.
    package mutating func refuse(_ slot: UInt8, _ reason: PluginRefusal) -> PluginAnswerMessage {
        if let place = index(of: slot) {
            places[place].phase = .refused
            places[place].deadline = nil
        }
        return PluginAnswerMessage(slot: slot, .refused(reason))
    }

    // MARK: Code

    /// What a PLUGIN_CODE brings about.
    package enum ReceiveCodeAction: Equatable, Sendable {
        /// Keep the bytes.
        case keep
        /// Keep them; that was all: check it.
        case check
        /// Without credit, out of order, or too long.
        case destroyCircuit
    }

    /// PLUGIN_CODE has come.
    package mutating func receiveCode(_ slot: UInt8, offset: UInt32, count: Int) -> ReceiveCodeAction {
        guard let place = index(of: slot), case .receiving(let received) = places[place].phase, Int(offset) == received,
            count == min(PluginWire.fragmentLength, Int(places[place].size) - received)
        else { return .destroyCircuit }
        guard received + count == Int(places[place].size) else {
            places[place].phase = .receiving(received + count)
            return .keep
        }
        places[place].phase = .checking
        places[place].deadline = nil
        return .check
    }

    // MARK: Running

    /// The first cell was recognised: these are to be made now.
    package mutating func takePromised() -> [UInt8] {
        let slots = places.filter { $0.phase == .promised }.map(\.slot)
        for slot in slots {
            if let place = index(of: slot) { places[place].phase = .checking }
        }
        return slots
    }

    /// The instance runs: send PLUGIN_READY.
    package mutating func started(_ slot: UInt8) -> Bool {
        guard let place = index(of: slot), places[place].phase == .checking else { return false }
        places[place].phase = .running(isHeard: !places[place].isConfirmed)
        return true
    }

    /// PLUGIN_READY has come for one of the other end's slots: its direction is switched.
    package mutating func receiveReady(_ slot: UInt8) -> ReceiveHalfAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .running(isHeard: false):
            places[place].phase = .running(isHeard: true)
            let replaces = places[place].replaces
            if replaces != 0, let old = self.index(of: replaces) { places[old].phase = .over }
            return .deliver
        // It crossed our PLUGIN_DETACH.
        case .detaching, .refused: return .drop
        case .promised, .needed, .judged, .receiving, .checking, .running, .over: return .destroyCircuit
        }
    }

    /// A PLUGIN_MESSAGE has come for one of the other end's slots.
    package func receiveMessage(_ slot: UInt8) -> ReceiveHalfAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .running(let isHeard): return isHeard ? .deliver : .destroyCircuit
        case .detaching, .refused: return .drop
        case .promised, .needed, .judged, .receiving, .checking, .over: return .destroyCircuit
        }
    }

    /// A question for counters has come for one of the other end's slots.
    package mutating func receiveQuestion(_ slot: UInt8, now: ContinuousClock.Instant) -> ReceiveHalfAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .running:
            if let last = places[place].lastAnswer, now - last < ExchangeLimits.questionInterval { return .drop }
            places[place].lastAnswer = now
            return .deliver
        case .detaching, .refused: return .drop
        case .promised, .needed, .judged, .receiving, .checking, .over: return .destroyCircuit
        }
    }

    /// A newer version has taken a slot's place: what its bringer still says to it is dropped.
    package mutating func superseded(_ slot: UInt8) {
        if let place = index(of: slot) { places[place].phase = .refused }
    }

    /// We want it gone.
    ///
    /// - Returns: whether to send PLUGIN_DETACH.
    package mutating func detach(_ slot: UInt8) -> Bool {
        guard let place = index(of: slot), case .running = places[place].phase else { return false }
        places[place].phase = .detaching
        return true
    }

    /// PLUGIN_DETACH has come for one of the other end's slots.
    package mutating func receiveDetach(_ slot: UInt8) -> ReceiveDetachAction {
        guard let place = index(of: slot) else { return .destroyCircuit }
        switch places[place].phase {
        case .running:
            places[place].phase = .over
            return .detachAndEcho
        case .detaching:
            places[place].phase = .over
            return .over
        case .refused:
            return .drop
        case .promised, .needed, .judged, .receiving, .checking, .over: return .destroyCircuit
        }
    }

    // MARK: Finding

    /// How far a slot has come; nil if it was never used.
    package func phase(_ slot: UInt8) -> Phase? { index(of: slot).map { places[$0].phase } }

    /// The slot that this one takes over from; 0: none.
    package func replaced(by slot: UInt8) -> UInt8 { index(of: slot).map { places[$0].replaces } ?? 0 }

    /// When a transfer is too late: destroy the circuit then.
    package var nextDeadline: ContinuousClock.Instant? { places.compactMap(\.deadline).min() }

    private func index(of slot: UInt8) -> Int? { places.firstIndex { $0.slot == slot } }
}
