internal import Cells
internal import Paths

/// Which stream goes where, and what is built for those that have nowhere to go.
extension CircuitPool {
    /// Attaches what waits, or builds for it.
    mutating func serve(_ now: Moment) {
        guard isNetworkUsable, selector != nil, !waiting.isEmpty else { return }
        for id in waiting.sorted() {
            guard let stream = streams[id], case .waiting = stream.phase else { continue }
            if let circuit = best(for: stream, now, isOpen: true) {
                attach(id, stream, to: circuit, now)
            } else if let selector, !selector.canExit(stream.demand.exitDemand) {
                // A new consensus has come, and not yet what its exits say: the stream waits, up to `SocksTimeout`.
                guard !selector.mayYetExit(stream.demand.exitDemand) else { continue }
                fail(id, stream.lastFailure ?? .cannotAttach)
            } else if let coming = best(for: stream, now, isOpen: false) {
                // As if it were on it already, so that others from whom it is isolated get a circuit of their own.
                circuits[coming]?.isolation.add(stream.demand.isolation)
            } else if let launched = launch(for: stream.demand, now) {
                circuits[launched]?.isolation.add(stream.demand.isolation)
            }
        }
    }

    private mutating func attach(_ id: UInt64, _ stream: PooledStream, to key: UInt64, _ now: Moment) {
        guard var circuit = circuits[key], let exit = circuit.path.last else { return }
        let isRefreshed = stream.demand.keepsCircuitAlive && stream.demand.isolation.username != nil
        if circuit.firstUsed == nil || isRefreshed { circuit.firstUsed = now.steady }
        circuit.isolation.add(stream.demand.isolation)
        circuit.streams.insert(id)
        circuits[key] = circuit
        streams[id]?.phase = .attached(circuit: key)
        waiting.remove(id)
        streams[id]?.attached = now.steady
        predicted.note(stream.demand.port, now: now.steady)
        actions.append(.attach(stream: id, circuit: key, stream.demand.opening(at: exit)))
    }

    private func needsStable(_ demand: StreamDemand) -> Bool {
        settings.rules.longLivedPorts.contains(demand.port)
    }

    /// The best circuit that a stream may take: open ones, or those under way.
    private func best(for stream: PooledStream, _ now: Moment, isOpen: Bool) -> UInt64? {
        var best: PooledCircuit?
        for circuit in circuits.values where isAcceptable(circuit, for: stream, now, isOpen: isOpen) {
            guard let other = best else {
                best = circuit
                continue
            }
            if isBetter(circuit, than: other, for: stream.demand.isolation) { best = circuit }
        }
        return best?.key
    }

    private func isAcceptable(
        _ circuit: PooledCircuit, for stream: PooledStream, _ now: Moment, isOpen: Bool
    ) -> Bool {
        guard (circuit.phase == .open) == isOpen, !circuit.isUnusable, !circuit.isMeasurement,
            circuit.isYoung(now, settings.maxDirtiness), circuit.needsStable || !needsStable(stream.demand),
            circuit.isolation.accepts(stream.demand.isolation), let exit = circuit.path.last, let selector
        else { return false }
        return selector.isExit(exit, for: stream.demand.exitDemand)
    }

    /// Used ones before clean ones, the last used first; of clean ones the youngest; then what mixes least.
    private func isBetter(_ circuit: PooledCircuit, than other: PooledCircuit, for key: IsolationKey) -> Bool {
        if circuit.isRelaxed != other.isRelaxed { return other.isRelaxed }
        switch (circuit.firstUsed, other.firstUsed) {
        case (let mine?, let theirs?) where mine != theirs: return mine > theirs
        case (_?, nil): return true
        case (nil, _?): return false
        case (nil, nil) where circuit.begun.steady != other.begun.steady:
            return circuit.begun.steady > other.begun.steady
        default: break
        }
        let costs = (circuit.isolation.cost(of: key), other.isolation.cost(of: key))
        switch costs {
        case (let mine?, let theirs?) where mine != theirs: return mine < theirs
        case (_?, nil): return true
        case (nil, _?): return false
        default: return circuit.key > other.key
        }
    }

    /// Begins a circuit for a stream, or, without one, for predicted ports.
    ///
    /// - Returns: its number; nil if no path can be chosen now, or too many circuits are under way or have just failed.
    @discardableResult
    mutating func launch(for demand: StreamDemand?, ports: [UInt16] = [], _ now: Moment) -> UInt64? {
        guard var selector, circuits.values.count(where: { $0.phase == .building }) < settings.maxPending else {
            return nil
        }
        failures.removeAll { $0 + PoolLimits.failureWindow <= now.steady }
        guard failures.count < PoolLimits.failuresInWindow else { return nil }
        unreachable.removeAll { $0.since + PoolLimits.unreachableFor <= now.steady }
        selector.avoided = Set(unreachable.map(\.identity))
        let isStable = demand.map { needsStable($0) } ?? ports.contains { settings.rules.longLivedPorts.contains($0) }
        let demands = demand.map { [$0.exitDemand] } ?? []
        switch choosePath(selector, demands, ports, isStable, now) {
        case .success(let choice):
            let key = newKey()
            circuits[key] = PooledCircuit(
                key: key, path: choice.path, ticket: choice.ticket, begun: now, needsStable: isStable)
            actions.append(.launch(circuit: key, path: choice.path))
            lastPathFailure = nil
            return key
        case .failure(let failure):
            lastPathFailure = failure
            return nil
        }
    }

    /// Exit, then guard, then middle: each is chosen so that those before it stay.
    private mutating func choosePath(
        _ selector: PathSelector, _ demands: [ExitDemand], _ ports: [UInt16], _ isStable: Bool, _ now: Moment
    ) -> Result<(path: [RelayFacts], ticket: GuardTicket?), PathFailure> {
        var ticket: GuardTicket?
        let path = Result { () throws(PathFailure) -> [RelayFacts] in
            let exit = try selector.exit(
                for: demands, predictedPorts: ports, needsStable: isStable, using: &generator)
            let first: RelayFacts
            if settings.rules.usesGuards {
                let choice = guards.choose(
                    for: .traffic, restriction: .exit(exit), now: now.wall, using: &generator)
                guard let choice else {
                    throw PathFailure(
                        position: .guard, constraint: .guards, candidateCount: guards.current.guards.count)
                }
                first = choice.relay
                ticket = choice.ticket
            } else {
                first = try selector.entry(avoiding: [exit], needsStable: isStable, using: &generator)
            }
            let middle = try selector.middle(between: [first, exit], needsStable: isStable, using: &generator)
            return [first, middle, exit]
        }
        if case .failure = path, let ticket { guards.release(ticket) }
        return path.map { ($0, ticket) }
    }
}
