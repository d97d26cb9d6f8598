package import CellPath
internal import Cells
internal import Paths

/// What becomes of circuits.
extension CircuitPool {
    /// A hop was added, not the last one.
    package mutating func circuitGrew(_ key: UInt64, hopCount: Int, now: Moment) -> [Action] {
        circuits[key]?.hopCount = hopCount
        if let circuit = circuits[key] { measureIfLate(circuit, now) }
        serve(now)
        return take()
    }

    /// The whole path is there.
    package mutating func circuitBuilt(_ key: UInt64, now: Moment) -> [Action] {
        guard var circuit = circuits[key], circuit.phase == .building else { return take() }
        measureIfLate(circuit, now)
        circuit.isMeasurement = circuits[key]?.isMeasurement ?? false
        circuit.hopCount = circuit.path.count
        buildTimes.built(after: circuit.begun.steady.duration(to: now.steady))
        guard !circuit.isMeasurement else {
            close(key, .finished)
            serve(now)
            return take()
        }
        buildTimes.succeeded()
        failures = []
        var state = GuardCircuitState.complete
        if let ticket = circuit.ticket {
            state = guards.succeeded(ticket, now: now.wall, using: &generator)
        }
        circuit.phase = state == .complete ? .open : .waitingForGuard
        // Nobody has used it: what streams were promised no longer binds it.
        if circuit.firstUsed == nil { circuit.isolation = .init() }
        circuits[key] = circuit
        upgrade(now)
        serve(now)
        return take()
    }

    /// It is gone, or never came about. Its streams have been told of before.
    package mutating func circuitClosed(_ key: UInt64, _ ending: CircuitEnding, now: Moment) -> [Action] {
        guard let circuit = circuits.removeValue(forKey: key) else { return take() }
        if circuit.phase == .building {
            failures.append(now.steady)
            // A DESTROY from the first hop shows that the guard is there.
            let isGuardsFault = ending.isChannelFailure || (ending.hopCount == 0 && !ending.isRemote)
            settle(circuit, isGuardsFault: isGuardsFault, now)
            if ending.isRemote { noteUnreachable(circuit, now) }
        } else {
            settle(circuit, isGuardsFault: false, now)
        }
        for id in circuit.streams where streams[id]?.circuit == key {
            guard case .attached = streams[id]?.phase else { continue }
            streams[id]?.phase = .waiting
            waiting.insert(id)
        }
        upgrade(now)
        serve(now)
        return take()
    }

    /// The relay behind the last hop that there is did not come about.
    private mutating func noteUnreachable(_ circuit: PooledCircuit, _ now: Moment) {
        guard circuit.hopCount > 0, circuit.hopCount < circuit.path.count else { return }
        let identity = circuit.path[circuit.hopCount].rsaIdentity
        unreachable.removeAll { $0.identity == identity }
        if unreachable.count >= PoolLimits.unreachableRelays { unreachable.removeFirst() }
        unreachable.append((identity, now.steady))
    }

    /// Closes a circuit and forgets it.
    mutating func close(_ key: UInt64, _ reason: DestroyReason) {
        guard let circuit = circuits.removeValue(forKey: key) else { return }
        if let ticket = circuit.ticket { guards.release(ticket) }
        actions.append(.close(circuit: key, reason))
    }

    private mutating func settle(_ circuit: PooledCircuit, isGuardsFault: Bool, _ now: Moment) {
        guard let ticket = circuit.ticket else { return }
        if isGuardsFault {
            guards.failed(ticket, now: now.wall)
        } else {
            guards.release(ticket)
        }
    }

    /// Opens circuits that waited for a better guard in vain; closes those that waited too long.
    mutating func upgrade(_ now: Moment) {
        let upgraded = Set(guards.upgradeWaiting(now: now.wall))
        let expired = Set(guards.expiredWaiting(now: now.wall))
        guard !upgraded.isEmpty || !expired.isEmpty else { return }
        for (key, circuit) in circuits where circuit.phase == .waitingForGuard {
            guard let ticket = circuit.ticket else { continue }
            if upgraded.contains(ticket.id) {
                circuits[key]?.phase = .open
            } else if expired.contains(ticket.id) {
                close(key, .finished)
            }
        }
    }

    /// A circuit beyond the timeout serves only to learn from, if another is open.
    private mutating func measureIfLate(_ circuit: PooledCircuit, _ now: Moment) {
        guard buildTimes.hasEnough, !buildTimes.parameters.isDisabled, !circuit.isMeasurement, hasOpenCircuit,
            circuit.begun.steady.duration(to: now.steady) > buildTimes.timeout
        else { return }
        buildTimes.timedOut(passedFirstHop: circuit.hopCount > 0)
        circuits[circuit.key]?.isMeasurement = true
    }

    /// Gives up circuits that take too long to build (circuit_expire_building in C Tor).
    mutating func expireBuilding(_ now: Moment) {
        let anyOpen = hasOpenCircuit
        for circuit in circuits.values.sorted(by: { $0.key < $1.key }) where circuit.phase == .building {
            let age = circuit.begun.steady.duration(to: now.steady)
            // Before the first hop a channel may have to come about, which the learnt times know nothing of.
            let patience =
                circuit.hopCount == 0 ? max(buildTimes.timeout, PoolLimits.firstHopPatience) : buildTimes.timeout
            guard age > patience else { continue }
            if !anyOpen, age <= buildTimes.closeTimeout {
                // Nothing else works either: better late than never.
                if !circuit.isRelaxed {
                    buildTimes.timedOut(passedFirstHop: circuit.hopCount > 0)
                    circuits[circuit.key]?.isRelaxed = true
                }
                if circuit.hopCount > 0 { continue }
            } else if buildTimes.hasEnough, !buildTimes.parameters.isDisabled, circuit.hopCount > 0 {
                measureIfLate(circuit, now)
                guard age > buildTimes.closeTimeout else { continue }
                buildTimes.abandoned()
            } else if !circuit.isRelaxed {
                buildTimes.timedOut(passedFirstHop: circuit.hopCount > 0)
            }
            circuits[circuit.key] = nil
            failures.append(now.steady)
            settle(circuit, isGuardsFault: circuit.hopCount == 0, now)
            noteUnreachable(circuit, now)
            actions.append(.close(circuit: circuit.key, .timeout))
        }
    }

    /// Closes circuits that nobody will use any more.
    mutating func expireOld(_ now: Moment) {
        for circuit in circuits.values.sorted(by: { $0.key < $1.key })
        where circuit.phase != .building && circuit.streams.isEmpty {
            let isIdle = circuit.firstUsed == nil && circuit.begun.steady + idleTimeout <= now.steady
            if circuit.isUnusable || isIdle || !circuit.isYoung(now, settings.maxDirtiness) {
                close(circuit.key, .finished)
            }
        }
    }

    /// While timeouts are being learnt, unused circuits go soon, to make room for more (`cbtlearntimeout`).
    private var idleTimeout: Duration {
        buildTimes.wantsCircuits ? min(PoolLimits.idleWhileLearning, predicted.relevance) : predicted.relevance
    }

    /// Builds one circuit ahead, if ports that were used lately have fewer than two.
    mutating func predict(_ now: Moment) {
        guard settings.predicts, isNetworkUsable else { return }
        let clean = circuits.values.filter(\.isClean)
        guard clean.count < PoolLimits.unusedCircuits else { return }
        let ports = predicted.ports(at: now.steady).filter { port in
            clean.count { circuit in
                let isStableEnough = circuit.needsStable || !settings.rules.longLivedPorts.contains(port)
                return isStableEnough && circuit.isolation.first == nil
                    && (circuit.path.last?.serves(.connect(address: nil, port: port)) ?? false)
            } < PoolLimits.circuitsForPort
        }
        // A port that nobody serves would have circuits built for ever.
        let served = ports.filter { selector?.canExit(.connect(address: nil, port: $0)) == true }
        if !served.isEmpty {
            launch(for: nil, ports: served, now)
            return
        }
        guard buildTimes.wantsCircuits, clean.count < buildTimes.parameters.maxOpenCircuits else { return }
        if let last = lastTestCircuit, last + .seconds(buildTimes.parameters.testFrequency) > now.steady { return }
        lastTestCircuit = now.steady
        launch(for: nil, now)
    }
}
