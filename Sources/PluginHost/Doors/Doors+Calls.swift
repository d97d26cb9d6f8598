internal import EBPF
internal import Hooks

/// How a question becomes calls, and answers one verdict.
extension Doors {
    /// Asks everybody at an observing door, in order. Whoever ends the circuit is heard last.
    @inline(__always)
    mutating func observe<Context: HookContext, Verdict: HookVerdict>(
        _ context: inout Context, as verdict: Verdict.Type, show payload: RawSpan = RawSpan()
    ) -> Answer<Verdict> {
        var result = Answer<Verdict>.builtIn
        for place in 0..<count where attendants[place].doors.contains(Context.hook) {
            for program in attendants[place].places(at: Context.hook)
            where attendants[place].answers(program, context.parameter) && !attendants[place].isGone
                && attendants[place].hears(context.hop)
            {
                guard let verdict = ask(place, program, &context, as: Verdict.self, show: payload) else { continue }
                if case .verdict(let other) = result, other.endsCircuit { continue }
                result = .verdict(verdict)
            }
        }
        return finish(result)
    }

    /// Asks who stands at a deciding door.
    @inline(__always)
    mutating func decide<Context: HookContext, Verdict: HookVerdict>(
        _ context: inout Context, as verdict: Verdict.Type, show payload: RawSpan = RawSpan(),
        then check: (borrowing Attendant, Context, Verdict) -> PluginFailure? = { _, _, _ in nil }
    ) -> Answer<Verdict> {
        for place in 0..<count where attendants[place].doors.contains(Context.hook) {
            for program in attendants[place].places(at: Context.hook)
            where attendants[place].answers(program, context.parameter) && attendants[place].hears(context.hop) {
                guard let verdict = ask(place, program, &context, as: Verdict.self, show: payload) else {
                    return finish(.builtIn)
                }
                if let failure = check(attendants[place], context, verdict) {
                    fail(place, failure)
                    return finish(.builtIn)
                }
                return finish(.verdict(verdict))
            }
        }
        return .builtIn
    }

    /// Asks one instance at `relay_message` with a command of its own; others' commands of that number are others' affair.
    mutating func decide(
        at place: Int, _ context: inout RelayMessageContext, show payload: RawSpan
    ) -> Answer<MessageVerdict> {
        for program in attendants[place].places(at: .relayMessage)
        where attendants[place].answers(program, context.parameter) {
            // Whatever its capabilities: what its other half says to it is its own.
            let shown = (attendants + place).pointee.place(payload)
            context.setPayload(address: shown.address, length: shown.length)
            guard let verdict = ask(place, program, &context, as: MessageVerdict.self, show: RawSpan()) else { break }
            return finish(.verdict(verdict))
        }
        return finish(.builtIn)
    }

    /// Calls one instance's programs at `timer`.
    mutating func runTimer(_ place: Int, _ context: inout TimerContext) {
        for program in attendants[place].places(at: .timer) where !attendants[place].isGone {
            _ = ask(place, program, &context, as: NoVerdict.self, show: RawSpan())
        }
    }

    @inline(__always)
    private mutating func finish<Verdict>(_ answer: Answer<Verdict>) -> Answer<Verdict> {
        guard needsSweep else { return answer }
        sweep()
        return mustDestroy ? .destroyCircuit : answer
    }

    /// One call; nil if the plugin has failed.
    @inline(__always)
    private mutating func ask<Context: HookContext, Verdict: HookVerdict>(
        _ place: Int, _ program: Int, _ context: inout Context, as verdict: Verdict.Type, show payload: RawSpan
    ) -> Verdict? {
        if payload.byteCount > 0 {
            // By `pointee`, here and below: the thread sanitizer's compiler stumbles over the subscript.
            let shown = (attendants + place).pointee.show(payload)
            context.setPayload(address: shown.address, length: shown.length)
        }
        if !attendants[place].capabilities.isDisjoint(with: [.flow, .messages, .deliver]) { lendFlow(place) }
        let result: (answer: UInt64, fuel: UInt64)
        do throws(Fault) {
            result = try (attendants + place).pointee.call(program, &context, now: now)
        } catch {
            fail(place, .fault(error))
            return nil
        }
        guard charge(place, result.fuel) else {
            fail(place, .cpuBudget)
            return nil
        }
        guard let verdict = Verdict(answer: result.answer),
            !verdict.endsCircuit || attendants[place].capabilities.contains(.close),
            !verdict.pads || attendants[place].capabilities.contains(.padding)
        else {
            fail(place, .badVerdict(Context.hook, result.answer))
            return nil
        }
        return settleCall(place) ? verdict : nil
    }

    @inline(never)
    private func lendFlow(_ place: Int) {
        attendants[place].desk.pointee.flow = flow
        attendants[place].desk.pointee.waiting = requests.count - firstRequest
    }

    @inline(__always)
    private mutating func charge(_ place: Int, _ used: UInt64) -> Bool {
        // Far from overflow: a call has no more than its limit.
        let cost = used <= PluginLimits.quickCall ? used : 3 &* used &- 2 &* PluginLimits.quickCall
        guard fuel.take(cost, now: now) else { return false }
        return attendants[place].isPeers ? host._withUnsafeGuaranteedRef { $0.takePeerFuel(cost) } : true
    }
}
