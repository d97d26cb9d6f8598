internal import Cells

/// A guard chosen for a circuit.
package struct GuardChoice: Hashable, Sendable {
    /// What to report with.
    package let ticket: GuardTicket
    /// The relay.
    package let relay: RelayFacts
    /// What the circuit may be used for once it is built.
    package let state: GuardCircuitState
}

extension GuardSample {
    /// A guard for a circuit (guard-spec §4.6, "select_entry_guard_for_circuit"); nil if none may be tried: all are then
    /// marked for another try, as in C Tor.
    mutating func choose(
        _ usage: GuardUsage, _ restriction: GuardRestriction?, id: UInt64, now: WallTime,
        using generator: inout some RandomNumberGenerator
    ) -> GuardChoice? {
        guard setting != nil else { return nil }
        for index in guards.indices { guards[index].considerRetry(at: now) }
        if let index = choosePrimary(usage, restriction, &generator) {
            return use(index, .usableOnCompletion, restriction, id, now)
        }
        if let index = chooseConfirmed(usage, restriction) ?? chooseSampled(usage, restriction, now, &generator) {
            guards[index].isPending = true
            return use(index, .usableIfNoBetterGuard, restriction, id, now)
        }
        for index in guards.indices where guards[index].reachability == .no { guards[index].reachability = .maybe }
        return nil
    }

    private mutating func use(
        _ index: Int, _ state: GuardCircuitState, _ restriction: GuardRestriction?, _ id: UInt64, _ now: WallTime
    ) -> GuardChoice? {
        guard let relay = setting?.view[guards[index].identity] else { return nil }
        guards[index].lastTried = now
        circuits[id] = Circuit(identity: relay.rsaIdentity, restriction: restriction, state: state, since: now)
        return GuardChoice(ticket: GuardTicket(id: id, identity: relay.rsaIdentity), relay: relay, state: state)
    }

    private func choosePrimary(
        _ usage: GuardUsage, _ restriction: GuardRestriction?, _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        guard let setting else { return nil }
        let wanted =
            usage == .traffic ? setting.parameters.primariesForTraffic : setting.parameters.primariesForDirectory
        var usable: [Int] = []
        var considered = 0
        for identity in primaries {
            guard let index = index(of: identity) else { continue }
            if obeys(guards[index].identity, restriction) {
                guard guards[index].reachability != .no, hasWhat(usage, needs: guards[index].identity) else { continue }
                usable.append(index)
                considered += 1
            } else if restriction?.isAboutPath == true {
                considered += 1
            } else {
                continue
            }
            if considered >= wanted, !usable.isEmpty { break }
        }
        return usable.randomElement(using: &generator)
    }

    private func chooseConfirmed(_ usage: GuardUsage, _ restriction: GuardRestriction?) -> Int? {
        guards.indices.first { index in
            let sampled = guards[index]
            return sampled.confirmedIndex != nil && !sampled.isPrimary && !sampled.isPending && sampled.isUsable
                && obeys(sampled.identity, restriction) && hasWhat(usage, needs: sampled.identity)
        }
    }

    private mutating func chooseSampled(
        _ usage: GuardUsage, _ restriction: GuardRestriction?, _ now: WallTime,
        _ generator: inout some RandomNumberGenerator
    ) -> Int? {
        expand(now, &generator)
        return guards.indices.first { index in
            let sampled = guards[index]
            return sampled.confirmedIndex == nil && !sampled.isPrimary && !sampled.isPending && sampled.isUsable
                && obeys(sampled.identity, restriction) && hasWhat(usage, needs: sampled.identity)
        }
    }

    private func hasWhat(_ usage: GuardUsage, needs identity: RSAIdentity) -> Bool {
        usage == .directory || setting?.view[identity]?.hasDescriptor == true
    }

    func obeys(_ identity: RSAIdentity, _ restriction: GuardRestriction?) -> Bool {
        switch restriction {
        case nil: return true
        case .excluding(let identities): return !identities.contains(identity)
        case .exit(let exit):
            guard identity != exit.rsaIdentity, let setting else { return false }
            guard let relay = setting.view[identity] else { return true }
            return !relay.isRelated(to: exit, bySubnet: setting.rules.distinctSubnets)
        }
    }
}

// MARK: - How it went

extension GuardSample {
    /// The circuit is built (guard-spec §4.7): nil if the ticket is unknown.
    mutating func succeeded(
        _ ticket: GuardTicket, now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> GuardCircuitState? {
        guard var circuit = circuits[ticket.id] else { return nil }
        guard let index = index(of: ticket.identity) else {
            // Forgotten meanwhile: the circuit is as good as any.
            circuits[ticket.id] = nil
            return .complete
        }
        let lastOnInternet = lastOnInternet
        self.lastOnInternet = now
        guards[index].reachability = .yes
        guards[index].failingSince = nil
        guards[index].isPending = false
        if guards[index].confirmedIndex == nil {
            guards[index].confirmedIndex = nextConfirmedIndex
            guards[index].confirmedOn = Self.blur(now, by: (setting?.parameters.lifetime ?? 0) / 10, &generator)
            nextConfirmedIndex += 1
            updatePrimaries(now, &generator)
        }
        switch circuit.state {
        case .complete, .usableOnCompletion: circuit.state = .complete
        case .usableIfNoBetterGuard, .waitingForBetterGuard:
            circuit.state = guards[index].isPrimary ? .complete : .waitingForBetterGuard
        }
        circuit.since = now
        circuits[ticket.id] = circuit
        if !guards[index].isPrimary, let setting,
            lastOnInternet + setting.parameters.internetLikelyDownInterval < now
        {
            // Nothing worked for long, and now something does: it was the network, so the primary guards deserve a try.
            for identity in primaries {
                guard let index = self.index(of: identity), guards[index].reachability == .no else { continue }
                guards[index].reachability = .maybe
            }
        }
        return circuit.state
    }

    /// The guard did not answer.
    mutating func failed(_ ticket: GuardTicket, now: WallTime) {
        guard circuits.removeValue(forKey: ticket.id) != nil, let index = index(of: ticket.identity) else { return }
        guards[index].reachability = .no
        guards[index].isPending = false
        if guards[index].failingSince == nil { guards[index].failingSince = now }
    }

    /// The circuit is gone, or will not be built, without telling anything about the guard.
    mutating func release(_ ticket: GuardTicket) {
        guard let circuit = circuits.removeValue(forKey: ticket.id) else { return }
        guard circuit.state == .usableIfNoBetterGuard, let index = index(of: ticket.identity) else { return }
        guards[index].isPending = false
    }

    /// Circuits that waited for a better guard and need not wait any longer (guard-spec §4.9).
    mutating func upgradeWaiting(now: WallTime) -> [UInt64] {
        guard let setting else { return [] }
        let waiting = circuits.filter { $0.value.state == .waitingForBetterGuard }
        guard var best = waiting.first else { return [] }
        for candidate in waiting where isBetter(candidate.value, than: best.value, nil) { best = candidate }
        let restriction = best.value.restriction
        let cutoff = now - setting.parameters.nonprimaryConnectTimeout
        for circuit in circuits.values {
            let mayBlock =
                circuit.state == .complete || (circuit.state == .usableIfNoBetterGuard && circuit.since > cutoff)
            if mayBlock, isBetter(circuit, than: best.value, restriction) { return [] }
        }
        var upgraded: [UInt64] = []
        for (id, circuit) in waiting {
            // With a restriction on the best one, others of its rank may be blocked still.
            if id != best.key, restriction != nil || isBetter(best.value, than: circuit, nil) { continue }
            circuits[id]?.state = .complete
            circuits[id]?.since = now
            upgraded.append(id)
        }
        return upgraded.sorted()
    }

    /// Circuits that have waited for a better guard too long.
    func expiredWaiting(now: WallTime) -> [UInt64] {
        guard let setting else { return [] }
        let cutoff = now - setting.parameters.nonprimaryIdleTimeout
        return circuits.filter { $0.value.state == .waitingForBetterGuard && $0.value.since < cutoff }.keys.sorted()
    }

    private func isBetter(_ circuit: Circuit, than other: Circuit, _ restriction: GuardRestriction?) -> Bool {
        guard let mine = index(of: circuit.identity) else { return false }
        guard let theirs = index(of: other.identity) else { return true }
        return obeys(circuit.identity, restriction) && guards[mine].isBetter(than: guards[theirs])
    }
}
