internal import Circuits
internal import Hooks
internal import PluginHost

/// Who comes first on a channel, where a plugin in the host's scope says so.
extension Corridor {
    /// How long a circuit may go on sending.
    struct Turn {
        /// Where it begins; far above the limit where a plugin ranks, whose quantum alone counts then.
        let sum: EWMASum
        /// Up to what the circuit may go on after its quantum.
        let limit: EWMABurden
        /// Cells that it may send in any case.
        let quantum: Int
    }

    /// The turn of a channel's first circuit.
    @inline(__always)
    func turn(of state: ScheduleState, _ record: UnsafeMutablePointer<ChannelRecord>) -> Turn {
        guard !isRanked else {
            return Turn(
                sum: EWMASum(.infinite, weight: clock.weight), limit: .none, quantum: Int(state.quantum))
        }
        return Turn(
            sum: EWMASum(state.burden, weight: clock.weight), limit: record.pointee.scheduler.secondBurden,
            quantum: CellPathLimits.quantum)
    }

    /// Asks for a circuit's place.
    @inline(never)
    func rank(
        _ event: RankEvent, _ state: inout ScheduleState, _ member: ScheduledCircuit, sent: Int, queue: UInt32
    ) {
        var context = RankContext()
        context.parameter = event.rawValue
        context.sent = UInt32(clamping: sent)
        context.queue = queue
        // A place and its use: nothing else shows.
        context.circuit =
            UInt64(member.generation) << 32 | UInt64(member.reference.slot) << 2
            | UInt64(member.reference.kind.rawValue)
        context.state0 = state.scratch.0
        context.state1 = state.scratch.1
        context.key = state.burden.bits
        if member.reference.kind != .leg, let doors = doors(of: member.reference) {
            context.suggestedClass = UInt32(doors.pointee.doors.suggestedClass)
        }
        // Who has failed is noticed when the clock is next read; until then places stay as they are.
        guard case .verdict(let verdict) = hostDoors.rank(&context) else { return }
        state.burden = EWMABurden(bits: context.key)
        state.scratch = (context.state0, context.state1)
        state.quantum = UInt8(verdict.quantum)
    }

    /// A circuit has cells again.
    @inline(never)
    func rankReady(_ reference: CircuitReference, _ generation: UInt32) -> EWMABurden {
        var state = schedule(of: reference)
        rank(
            .ready, &state, ScheduledCircuit(reference: reference, generation: generation), sent: 0,
            queue: queueCount(of: reference))
        setSchedule(state, of: reference)
        return state.burden
    }

    /// Notes whether a plugin ranks; when that changes, all circuits begin anew, since one's keys mean nothing to the other.
    func setRanked() {
        let isRanked = hostDoors.attended.contains(.rank)
        guard isRanked != self.isRanked else { return }
        self.isRanked = isRanked
        for slot in channels.slots { channels.pointer(slot).pointee.scheduler.reset() }
        for slot in circuits.slots { reset(&circuits.pointer(slot).pointee.schedule) }
        for slot in legs.slots { reset(&legs.pointer(slot).pointee.schedule) }
        for slot in origins.slots { reset(&origins.pointer(slot).pointee.schedule) }
    }

    private func reset(_ state: inout ScheduleState) {
        let isScheduled = state.isScheduled
        state = ScheduleState()
        state.isScheduled = isScheduled
    }
}
