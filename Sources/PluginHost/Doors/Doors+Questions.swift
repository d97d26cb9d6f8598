internal import EBPF
package import Hooks

/// Padding that is due: a timer of `padding` has run out.
package struct DuePadding: Equatable, Sendable {
    /// Which way.
    package let direction: CellDirection
    /// Which timer, to be told back.
    package let timer: UInt8
    /// It leaves although cells are held.
    package let isBypassing: Bool
    /// A waiting cell leaves in its place, if there is one.
    package let isReplacing: Bool
}

/// Every question, one function each. Ask where `attended` says that somebody stands; asking elsewhere costs a little and
/// answers `builtIn`.
extension Doors: FlowControlPolicy, SchedulingPolicy, DeparturePolicy, PaddingPolicy, PathPolicy {
    // MARK: Observing

    /// The circuit can be used.
    package mutating func circuitOpened(_ context: inout CircuitOpenedContext) -> Answer<NoVerdict> {
        observe(&context, as: NoVerdict.self)
    }

    /// The circuit is gone. Followed by `close`.
    package mutating func circuitClosed(_ context: inout CircuitClosedContext) -> Answer<NoVerdict> {
        observe(&context, as: NoVerdict.self)
    }

    /// A cell has come in.
    package mutating func cellReceived(
        _ context: inout CellReceivedContext, body: RawSpan = RawSpan()
    ) -> Answer<CellVerdict> {
        observe(&context, as: CellVerdict.self, show: body)
    }

    /// A cell leaves.
    package mutating func cellSent(_ context: inout CellSentContext, body: RawSpan = RawSpan()) -> Answer<CellVerdict> {
        observe(&context, as: CellVerdict.self, show: body)
    }

    /// There is a new consensus.
    package mutating func consensusChanged(_ context: inout ConsensusChangedContext) -> Answer<NoVerdict> {
        observe(&context, as: NoVerdict.self)
    }

    // MARK: Messages

    /// A message was recognised here.
    ///
    /// - Parameter rewritten: what the plugin has made of the data, if it has.
    package mutating func relayMessage(
        _ context: inout RelayMessageContext, data: RawSpan, rewritten: inout [UInt8]?
    ) -> Answer<MessageVerdict> {
        var bytes: [UInt8]?
        let wasLength = context.payloadLength
        let answer = decide(&context, as: MessageVerdict.self, show: data) { attendant, context, _ in
            guard context.isRewritten != 0 else { return nil }
            guard context.isRewritten == 1, attendant.capabilities.isSuperset(of: [.read, .rewrite]),
                context.payloadLength <= 498
            else { return .badOutput(.relayMessage, field: "is_rewritten") }
            bytes = attendant.instance.read(attendant.payload..<attendant.payload + Int(context.payloadLength))
            return nil
        }
        context.payloadLength = wasLength
        rewritten = bytes
        return answer
    }

    /// A message is about to be packaged.
    package mutating func messagePackaging(
        _ context: inout MessagePackagingContext, data: RawSpan
    ) -> Answer<PackagingVerdict> {
        decide(&context, as: PackagingVerdict.self, show: data)
    }

    /// A stream changes, or has data.
    package mutating func stream(_ context: inout StreamContext, data: RawSpan = RawSpan()) -> Answer<StreamVerdict> {
        decide(&context, as: StreamVerdict.self, show: data)
    }

    // MARK: Flow control

    package mutating func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> {
        decide(&context, as: MaySendVerdict.self)
    }

    package mutating func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> {
        decide(&context, as: AckVerdict.self)
    }

    package mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> {
        decide(&context, as: OnAckVerdict.self)
    }

    // MARK: Timing

    package mutating func departure(_ context: inout DepartureContext) -> Answer<DepartureVerdict> {
        let now = now
        return decide(&context, as: DepartureVerdict.self) { attendant, _, verdict in
            switch verdict {
            case .go:
                if !attendant.doors.contains(.padding) { attendant.desk.pointee.padding.noteReal(now: now) }
                return nil
            case .hold: return nil
            case .paddingFirst: return attendant.desk.pointee.padding.takePadding(now: now) ? nil : .paddingBudget
            }
        }
    }

    /// Something that padding may follow; the timers are set here.
    package mutating func padding(_ context: inout PaddingContext) -> Answer<PaddingVerdict> {
        let now = now
        let isReal =
            context.event == PaddingEvent.cellSent.rawValue || context.event == PaddingEvent.cellReceived.rawValue
            || context.event == PaddingEvent.replaced.rawValue
        let answer = decide(&context, as: PaddingVerdict.self) { attendant, _, _ in
            if isReal { attendant.desk.pointee.padding.noteReal(now: now) }
            return nil
        }
        switch answer {
        case .verdict(.schedule(let timer, let delay, let flags)):
            hasChanged = true
            paddingTimers.set(timer, context.parameter, to: now + UInt64(delay), flags)
        case .verdict(.cancel(let timer)):
            paddingTimers.set(timer, context.parameter, to: .max, [])
        case .verdict(.nothing), .builtIn, .destroyCircuit: break
        }
        return answer
    }

    /// The next padding whose timer has run out; ask `admitPadding` before a padding cell is made of it.
    package mutating func takeDuePadding() -> DuePadding? { paddingTimers.take(now: now) }

    /// Takes a padding cell from the budget of who stands at `padding`.
    ///
    /// - Returns: false if there is none left: the plugin has failed and is gone; see `mustDestroy`.
    package mutating func admitPadding() -> Bool {
        for place in 0..<count where attendants[place].doors.contains(.padding) {
            // Apart from the subscript, which the thread sanitizer's compiler stumbles over.
            let desk = attendants[place].desk
            if desk.pointee.padding.takePadding(now: now) { return true }
            fail(place, .paddingBudget)
            sweep()
            return false
        }
        return false
    }

    // MARK: Timers

    /// When to call `runTimers` and `takeDuePadding`; `.max`: nothing is due.
    package var nextDeadline: UInt64 {
        var next = paddingTimers.next
        for place in 0..<count { next = min(next, attendants[place].desk.pointee.nextTimer) }
        return next
    }

    /// Calls `timer` for every timer of an instance that has run out, each once.
    package mutating func runTimers() -> Answer<NoVerdict> {
        for place in 0..<count {
            // At most as many as there are: a timer set to now runs at the next call.
            for _ in 0..<PluginLimits.timers {
                let desk = attendants[place].desk
                guard !attendants[place].isGone, let due = desk.pointee.takeTimer(now: now) else {
                    break
                }
                var context = TimerContext()
                context.timer = UInt32(due.timer)
                context.late = now - due.deadline
                runTimer(place, &context)
            }
        }
        sweep()
        return mustDestroy ? .destroyCircuit : .builtIn
    }

    // MARK: The host's

    package mutating func rank(_ context: inout RankContext) -> Answer<RankVerdict> {
        decide(&context, as: RankVerdict.self)
    }

    package mutating func choosePath(_ context: inout ChoosePathContext) -> Answer<PathVerdict> {
        decide(&context, as: PathVerdict.self)
    }
}
