internal import Cells
internal import EBPF
internal import Hooks

/// How plugins come to a circuit's doors and go: at any moment between two questions.
extension Doors {
    /// Attaches a plugin: its `init` is called with the bringer's bytes.
    ///
    /// - Returns: up to 64 bytes of answer.
    @discardableResult
    package mutating func attach(
        _ plugin: Plugin, arguments: [UInt8] = [], isNegotiated: Bool = false, onlyHop: UInt32? = nil
    ) throws(PluginFailure) -> [UInt8] {
        do throws(PluginFailure) {
            guard plugin.metadata.scope == scope, !plugin.metadata.roles.isDisjoint(with: role) else {
                throw .wrongPlace
            }
            guard count < PluginLimits.perCircuit else { throw .tooManyPlugins }
            try checkRoom(for: plugin, instead: nil)
            var attendant = try Attendant(
                plugin, host: host.takeUnretainedValue(), isNegotiated: isNegotiated,
                onlyHop: onlyHop ?? Attendant.anyHop)
            let answer = try initialise(&attendant, arguments: arguments, replacing: nil)
            (attendants + count).initialize(to: attendant)
            count += 1
            note(.attached, plugin)
            refresh()
            settleCall(count - 1)
            sweep()
            return answer
        } catch {
            note(error, plugin)
            throw error
        }
    }

    /// Puts a newer version in the place of the one that is there, between two cells. If that fails, the old one stays.
    ///
    /// - Parameter isNegotiated: whether it takes over from one that was negotiated, not from one of the operator's.
    @discardableResult
    package mutating func upgrade(
        to plugin: Plugin, arguments: [UInt8] = [], isNegotiated: Bool = false
    ) throws(PluginFailure) -> [UInt8] {
        do throws(PluginFailure) {
            let old = (0..<count).first {
                attendants[$0].isNegotiated == isNegotiated && plugin.canReplace(attendants[$0].plugin)
            }
            guard let place = old else {
                throw .nothingToReplace
            }
            guard !plugin.metadata.roles.isDisjoint(with: role) else { throw .wrongPlace }
            try checkRoom(for: plugin, instead: place)
            var attendant = try Attendant(
                plugin, host: host.takeUnretainedValue(), isNegotiated: isNegotiated,
                onlyHop: attendants[place].onlyHop)
            let answer = try initialise(&attendant, arguments: arguments, replacing: place)
            callExit(place, reason: 2)
            note(.upgraded, attendants[place].plugin)
            note(.detached, attendants[place].plugin)
            (attendants + place).deinitialize(count: 1)
            (attendants + place).initialize(to: attendant)
            note(.attached, plugin)
            refresh()
            settleCall(place)
            sweep()
            return answer
        } catch {
            note(error, plugin)
            throw error
        }
    }

    /// Detaches a plugin, by identity; its `exit` is called.
    ///
    /// - Parameter isNegotiated: whether the one that was negotiated is meant, not the operator's.
    /// - Returns: whether it was there.
    @discardableResult
    package mutating func detach(_ identity: [UInt8], isNegotiated: Bool = false) -> Bool {
        guard let place = place(of: identity, isNegotiated: isNegotiated) else { return false }
        detach(place)
        sweep()
        return true
    }

    /// The circuit is gone: everybody's `exit` is called, and everybody goes.
    package mutating func close() {
        for place in 0..<count where !attendants[place].isGone {
            callExit(place, reason: 0)
            attendants[place].isGone = true
            needsSweep = true
        }
        sweep()
        requests = []
        firstRequest = 0
    }

    private mutating func detach(_ place: Int) {
        guard !attendants[place].isGone else { return }
        callExit(place, reason: 1)
        attendants[place].isGone = true
        needsSweep = true
    }

    func place(of identity: [UInt8], isNegotiated: Bool) -> Int? {
        (0..<count).first {
            attendants[$0].plugin.file.identity == identity && attendants[$0].isNegotiated == isNegotiated
        }
    }

    private func checkRoom(for plugin: Plugin, instead place: Int?) throws(PluginFailure) {
        // Local commands are between the two halves of one plugin: others may use the same numbers.
        for placing in plugin.file.placings where !placing.point.hook.isObserving && !placing.point.isLocal {
            for index in 0..<count where index != place {
                let others = attendants[index].plugin.file.placings
                guard !others.contains(where: { !$0.point.isLocal && $0.point.overlaps(placing.point) })
                else { throw .doorTaken(placing.point) }
            }
        }
    }

    private mutating func initialise(
        _ attendant: inout Attendant, arguments: [UInt8], replacing place: Int?
    ) throws(PluginFailure) -> [UInt8] {
        attendant.desk.pointee.flow = flow
        for program in attendant.places(at: .initialise) {
            var context = InitContext()
            let shown = attendant.place(Array(arguments.prefix(PluginLimits.argumentBytes)).span.bytes)
            context.argument = shown.address
            context.argumentLength = shown.length
            context.answer = UInt32(attendant.answer)
            context.role = role.contains(.relay) ? 1 : 0
            if let place {
                let old = attendants[place].plugin.file
                context.isUpgrade = 1
                context.oldState = UInt32(old.state.lowerBound)
                context.oldStateLength = UInt32(old.state.count)
                context.oldVersion = old.metadata.version.packed
                attendant.desk.pointee.oldMemory = attendants[place].instance.read(
                    0..<attendants[place].plugin.module.layout.size)
            }
            defer { attendant.desk.pointee.oldMemory = nil }
            let answer: UInt64
            do throws(Fault) {
                answer = try attendant.call(program, &context, now: now).answer
            } catch {
                throw .fault(error)
            }
            if let overrun = attendant.desk.pointee.overrun { throw overrun }
            switch InitVerdict(answer: answer) {
            case nil: throw .badVerdict(.initialise, answer)
            case .refuse?: throw .refused
            case .ready?: break
            }
            guard context.answerLength <= HooksLimits.answerBytes else {
                throw .badOutput(.initialise, field: "answer_length")
            }
            let start = attendant.answer
            return attendant.instance.read(start..<start + Int(context.answerLength))
        }
        return []
    }

    private func callExit(_ place: Int, reason: UInt32) {
        guard attendants[place].doors.contains(.exit) else { return }
        for program in attendants[place].places(at: .exit) {
            var context = ExitContext()
            context.reason = reason
            // Who faults now is going anyway; and nothing that it asks for is done any more.
            _ = try? attendants[place].call(program, &context, now: now)
        }
    }

    /// Takes away who is gone.
    mutating func sweep() {
        guard needsSweep else { return }
        needsSweep = false
        var kept = 0
        for place in 0..<count {
            if attendants[place].isGone {
                if attendants[place].isPeers { noteUse(place) }
                note(.detached, attendants[place].plugin)
                if attendants[place].doors.contains(.padding) { paddingTimers = PaddingTimers() }
                (attendants + place).deinitialize(count: 1)
            } else {
                if kept != place { (attendants + kept).moveInitialize(from: attendants + place, count: 1) }
                kept += 1
            }
        }
        count = kept
        if count == 0 { suggestedClass = 0 }
        refresh()
    }

    private mutating func refresh() {
        hasChanged = true
        var doors: DoorSet = []
        for place in 0..<count { doors.formUnion(attendants[place].doors) }
        attended = doors
    }

    private func noteUse(_ place: Int) {
        let used = attendants[place].counters.suffix(2)
        guard let calls = used.first, let fuel = used.last else { return }
        host._withUnsafeGuaranteedRef { $0.notePeer(calls: calls, fuel: fuel) }
    }

    private mutating func noteDeparture(_ place: Int, _ reason: PluginDetachReason) {
        guard attendants[place].isNegotiated, !mustDestroy else { return }
        departures.append(
            PluginDeparture(
                identity: attendants[place].plugin.file.identity, reason: reason, counters: attendants[place].counters))
    }

    // MARK: During a question

    /// Who has failed goes without another call, and takes the circuit along if it must.
    @inline(never)
    mutating func fail(_ place: Int, _ failure: PluginFailure) {
        guard !attendants[place].isGone else { return }
        hasChanged = true
        note(failure, attendants[place].plugin)
        attendants[place].isGone = true
        needsSweep = true
        noteDeparture(place, failure.kind == .overBudget ? .budget : .fault)
        if attendants[place].plugin.metadata.failure == .closed { mustDestroy = true }
    }

    /// Takes what a call has left on the desk.
    ///
    /// - Returns: false if that was a failure.
    @inline(__always)
    @discardableResult
    mutating func settleCall(_ place: Int) -> Bool {
        attendants[place].desk.pointee.hasNews ? takeNews(place) : true
    }

    @inline(never)
    private mutating func takeNews(_ place: Int) -> Bool {
        let desk = attendants[place].desk
        desk.pointee.hasNews = false
        hasChanged = true
        requests += desk.pointee.requests
        desk.pointee.requests.removeAll(keepingCapacity: true)
        suggestedClass = desk.pointee.suggestedClass
        if attendants[place].capabilities.contains(.flow) {
            flow.dataLimit = desk.pointee.flow.dataLimit
            flow.ackInterval = desk.pointee.flow.ackInterval
        }
        if let overrun = desk.pointee.overrun {
            fail(place, overrun)
            return false
        }
        if desk.pointee.wantsDetach {
            noteDeparture(place, .plugin)
            detach(place)
        }
        return true
    }
}
