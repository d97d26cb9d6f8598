package import Cells

/// The client's samples of guards, of which one is in use (guard-spec §4.1): the normal one, or one of its own for an
/// operator whose `EntryNodes` and `ExcludeNodes` leave few guards.
package struct GuardSelection: Sendable {
    /// What became of a guard, for the control port's GUARD events.
    package struct Event: Hashable, Sendable {
        /// What happened.
        package enum Kind: String, Hashable, Sendable {
            /// Sampled.
            case new = "NEW"
            /// It answered.
            case up = "UP"
            /// It did not.
            case down = "DOWN"
            /// Forgotten.
            case dropped = "DROPPED"
        }

        /// To which guard.
        package var identity: RSAIdentity
        /// What it was called.
        package var nickname: String
        /// What happened.
        package var kind: Kind
    }

    private var normal = GuardSample(name: "default", kind: .normal)
    private var restricted = GuardSample(name: "restricted", kind: .restricted)
    private var usesRestricted: Bool?
    /// Lines of samples that we do not use, such as `bridges`; kept as they are.
    private var otherLines: [String] = []
    private var nextID: UInt64 = 1
    private let version: String
    /// True when `stateLines` should be written again; whoever writes them sets it to false.
    package var isDirty = false
    /// What has happened to guards since this was last taken.
    package var events: [Event] = []
    /// The operator leaves hardly any guard and stands out.
    package private(set) var isExtremelyRestricted = false

    /// An empty one, or what the state file's `Guard` lines (without that word) say. `version` is ours, for new guards.
    package init(stateLines: [String] = [], version: String, now: WallTime) {
        self.version = version
        var byName: [String: [SampledGuard]] = [:]
        for line in stateLines {
            guard let (name, sampled) = SampledGuard.read(line, now: now) else { continue }
            if name == normal.name || name == restricted.name {
                byName[name, default: []].append(sampled)
            } else if name != "legacy" {
                otherLines.append(line)
            }
        }
        normal.restore(byName[normal.name] ?? [])
        restricted.restore(byName[restricted.name] ?? [])
    }

    /// What to write to the state file behind `Guard `, one line each.
    package var stateLines: [String] { normal.stateLines + restricted.stateLines + otherLines }

    /// The sample in use.
    package var current: GuardSample { usesRestricted == true ? restricted : normal }

    /// Takes a new network or new rules.
    package mutating func update(
        view: NetworkView, rules: PathRules, parameters: GuardParameters, weigher: (any RelayWeigher)? = nil,
        now: WallTime, using generator: inout some RandomNumberGenerator
    ) {
        let setting = GuardSample.Setting(
            view: view, rules: rules, parameters: parameters, version: version, weigher: weigher)
        chooseSample(setting, now)
        let before = current
        withCurrent { $0.update(setting, now: now, using: &generator) }
        noteChanges(from: before)
    }

    /// A guard for a circuit; nil if none may be tried.
    package mutating func choose(
        for usage: GuardUsage, restriction: GuardRestriction? = nil, now: WallTime,
        using generator: inout some RandomNumberGenerator
    ) -> GuardChoice? {
        let id = nextID
        nextID += 1
        let before = current
        let choice = withCurrent { $0.choose(usage, restriction, id: id, now: now, using: &generator) }
        noteChanges(from: before)
        return choice
    }

    /// The circuit is built. Says whether it may be used; `.waitingForBetterGuard` means not yet.
    package mutating func succeeded(
        _ ticket: GuardTicket, now: WallTime, using generator: inout some RandomNumberGenerator
    ) -> GuardCircuitState {
        let before = current
        // A ticket of the sample that was in use before a switch is still good.
        let state =
            normal.succeeded(ticket, now: now, using: &generator)
            ?? restricted.succeeded(ticket, now: now, using: &generator)
        noteChanges(from: before)
        return state ?? .complete
    }

    /// The guard could not be reached, or did not answer.
    package mutating func failed(_ ticket: GuardTicket, now: WallTime) {
        let before = current
        normal.failed(ticket, now: now)
        restricted.failed(ticket, now: now)
        noteChanges(from: before)
    }

    /// The circuit has ended, or ended early for no fault of the guard's; the last report about a ticket.
    package mutating func release(_ ticket: GuardTicket) {
        normal.release(ticket)
        restricted.release(ticket)
    }

    /// Tickets of circuits that waited and may now be used.
    package mutating func upgradeWaiting(now: WallTime) -> [UInt64] {
        withCurrent { $0.upgradeWaiting(now: now) }
    }

    /// Tickets of circuits that have waited too long.
    package func expiredWaiting(now: WallTime) -> [UInt64] {
        current.expiredWaiting(now: now)
    }

    /// Whether none of the primary guards answers.
    package var allPrimariesAreDown: Bool { current.allPrimariesAreDown }

    /// Forgets all guards of the sample in use (DROPGUARDS).
    package mutating func drop(now: WallTime, using generator: inout some RandomNumberGenerator) {
        let setting = current.setting
        let before = current
        withCurrent { sample in
            sample = GuardSample(name: sample.name, kind: sample.kind)
            if let setting { sample.update(setting, now: now, using: &generator) }
        }
        noteChanges(from: before)
        isDirty = true
    }

    private mutating func withCurrent<Result>(_ body: (inout GuardSample) -> Result) -> Result {
        usesRestricted == true ? body(&restricted) : body(&normal)
    }

    /// guard-spec §4.1: few guards left by the filter mean a sample of their own; the thresholds differ by 5 % each way,
    /// so that we do not flap.
    private mutating func chooseSample(_ setting: GuardSample.Setting, _ now: WallTime) {
        guard setting.view.isReasonablyLive(at: now) else { return }
        let possible = setting.view.relays.filter { GuardSample.isPossible($0, setting) }
        let passing = possible.count { GuardSample.passesFilter($0, setting.rules) }
        let threshold = Double(possible.count) * setting.parameters.meaningfulRestriction
        isExtremelyRestricted =
            !possible.isEmpty && passing < Int(Double(possible.count) * setting.parameters.extremeRestriction)
        guard usesRestricted != nil else {
            usesRestricted = passing < Int(threshold)
            return
        }
        if passing >= Int(threshold * 1.05) {
            usesRestricted = false
        } else if passing < Int(threshold * 0.95) {
            usesRestricted = true
        }
    }

    private mutating func noteChanges(from before: GuardSample) {
        let after = current
        guard before.name == after.name else {
            isDirty = true
            return
        }
        if before.guards.count == after.guards.count, before.guards == after.guards { return }
        let old = Dictionary(before.guards.map { ($0.identity, $0) }) { $1 }
        let new = Set(after.guards.map(\.identity))
        for sampled in before.guards where !new.contains(sampled.identity) {
            events.append(Event(identity: sampled.identity, nickname: sampled.nickname, kind: .dropped))
            isDirty = true
        }
        for sampled in after.guards {
            func note(_ kind: Event.Kind) {
                events.append(Event(identity: sampled.identity, nickname: sampled.nickname, kind: kind))
            }
            guard let was = old[sampled.identity] else {
                note(.new)
                isDirty = true
                continue
            }
            if sampled.reachability != was.reachability {
                if sampled.reachability == .yes { note(.up) }
                if sampled.reachability == .no { note(.down) }
            }
            if sampled.isListed != was.isListed || sampled.confirmedIndex != was.confirmedIndex { isDirty = true }
        }
    }
}
