package import Cells
internal import Directory
package import Paths

/// Decides which circuits a client builds and which stream goes over which of them. Knows no sockets and no cells.
///
/// Streams wait until a circuit is open that leads to an exit which lets them out, that is young enough, and on which they
/// do not meet streams from which they are isolated; circuits are built for streams that wait, and ahead for ports that were
/// used lately. What becomes of circuits is told to the guards. Every event is answered with a list of things to do, in
/// order. The rules are C Tor's (circuituse.c, connection_edge.c) where path-spec is silent.
///
/// Time comes with every event, randomness from the generator given at the start.
package struct CircuitPool: Sendable {
    /// What the driver has to do.
    package enum Action: Hashable, Sendable {
        /// Build this circuit.
        case launch(circuit: UInt64, path: [RelayFacts])
        /// Close this circuit; the pool has forgotten it.
        case close(circuit: UInt64, DestroyReason)
        /// Open this stream on that circuit.
        case attach(stream: UInt64, circuit: UInt64, StreamOpening)
        /// End this stream where it was attached; it waits for another circuit.
        case detach(stream: UInt64, EndReason)
        /// The stream is open: tell whoever wanted it.
        case accept(stream: UInt64, IPAddress?)
        /// The look-up is done; the pool has forgotten the stream.
        case resolve(stream: UInt64, Resolution)
        /// The stream cannot be had; end it if it is attached. The pool has forgotten it.
        case fail(stream: UInt64, StreamFailure)
    }

    /// The operator's options.
    package let settings: PoolSettings
    /// The guards.
    package internal(set) var guards: GuardSelection
    /// How long circuits take.
    package internal(set) var buildTimes: CircuitBuildTimes
    /// Chooses relays; nil before there is a network.
    package internal(set) var selector: PathSelector?
    /// Who weighs relays beside the consensus; put in place before there is a network.
    package var weigher: (any RelayWeigher)?
    /// Whether enough is known of the network to build circuits.
    package internal(set) var isNetworkUsable = false
    /// The circuits, by the pool's number.
    package internal(set) var circuits: [UInt64: PooledCircuit] = [:]
    /// The streams, by the driver's number.
    package internal(set) var streams: [UInt64: PooledStream] = [:]
    /// Why the last path could not be chosen; nil once one could.
    package internal(set) var lastPathFailure: PathFailure?
    /// How many times NEWNYM was asked for.
    package internal(set) var epoch: UInt32 = 0

    /// Exactly the streams that wait for a circuit; most streams are open, and need no look at every event.
    var waiting: Set<UInt64> = []
    var addresses = AddressMap()
    var predicted: PredictedPorts
    var generator: PoolGenerator
    var actions: [Action] = []
    private var nextKey: UInt64 = 1
    /// When circuits failed of late: a brake for when all fail at once.
    var failures: [ContinuousClock.Instant] = []
    var lastTestCircuit: ContinuousClock.Instant?
    /// Relays that the one before them could not reach, the last one last.
    var unreachable: [(identity: RSAIdentity, since: ContinuousClock.Instant)] = []

    /// An empty pool.
    ///
    /// - Parameters:
    ///   - settings: the operator's options.
    ///   - stateLines: the state file's lines.
    ///   - version: ours, for the lines of new guards.
    ///   - now: by both clocks.
    ///   - generator: draws relays.
    package init(
        settings: PoolSettings, stateLines: [String] = [], version: String, now: Moment,
        generator: any RandomNumberGenerator & Sendable
    ) {
        self.settings = settings
        let guardLines = stateLines.filter { $0.hasPrefix("Guard ") }.map { String($0.dropFirst("Guard ".count)) }
        guards = GuardSelection(stateLines: guardLines, version: version, now: now.wall)
        buildTimes = CircuitBuildTimes(
            parameters: .init(
                ConsensusParameters(), learns: settings.learnsBuildTimeout, override: settings.buildTimeout))
        buildTimes.restore(stateLines)
        self.generator = PoolGenerator(base: generator)
        let half = settings.availableTimeout ?? .seconds(1800)
        let seconds = max(1, half.components.seconds)
        let relevance = Duration.seconds(seconds + Int64.random(in: 0..<seconds, using: &self.generator))
        predicted = PredictedPorts(relevance: relevance, now: now.steady)
    }

    /// The lines for the state file.
    package var stateLines: [String] {
        guards.stateLines.map { "Guard " + $0 } + buildTimes.stateLines
    }

    /// Whether the state file should be written; asking clears it.
    package mutating func takeDirty() -> Bool {
        defer { guards.isDirty = false }
        return guards.isDirty
    }

    /// What has happened to guards, for the control port; asking clears it.
    package mutating func takeGuardEvents() -> [GuardSelection.Event] {
        defer { guards.events = [] }
        return guards.events
    }

    /// Whether any circuit takes streams.
    package var hasOpenCircuit: Bool { circuits.values.contains { $0.phase == .open } }

    mutating func newKey() -> UInt64 {
        defer { nextKey += 1 }
        return nextKey
    }

    /// Hands out what is to be done.
    mutating func take() -> [Action] {
        defer { actions = [] }
        return actions
    }
}

/// Whatever generator the pool was given.
struct PoolGenerator: RandomNumberGenerator, Sendable {
    var base: any RandomNumberGenerator & Sendable

    mutating func next() -> UInt64 { base.next() }
}

// MARK: - The network, and time

extension CircuitPool {
    /// There is a new consensus, or there are more microdescriptors.
    ///
    /// - Parameters:
    ///   - view: the network.
    ///   - isUsable: whether enough of it is known to build circuits.
    ///   - now: by both clocks.
    package mutating func networkChanged(_ view: NetworkView, isUsable: Bool, now: Moment) -> [Action] {
        let isNew = selector?.view.validAfter != view.validAfter
        if isNew {
            selector = PathSelector(view: view, rules: settings.rules, weigher: weigher)
        } else {
            selector?.view = view
        }
        isNetworkUsable = isUsable
        let parameters = GuardParameters(
            view.parameters, primaryCount: settings.primaryGuards, primariesForTraffic: settings.entryGuards,
            primariesForDirectory: settings.directoryGuards, lifetime: settings.guardLifetime)
        guards.update(
            view: view, rules: settings.rules, parameters: parameters, weigher: weigher, now: now.wall,
            using: &generator)
        buildTimes.parameters = .init(
            view.parameters, learns: settings.learnsBuildTimeout, override: settings.buildTimeout)
        serve(now)
        return take()
    }

    /// A second has passed.
    package mutating func tick(_ now: Moment) -> [Action] {
        expireStreams(now)
        expireBuilding(now)
        expireOld(now)
        upgrade(now)
        serve(now)
        predict(now)
        return take()
    }

    /// The user wants to be somebody new (NEWNYM): no new stream meets an old one.
    package mutating func newIdentity(_ now: Moment) -> [Action] {
        epoch &+= 1
        addresses.clear()
        for key in circuits.keys where circuits[key]?.firstUsed != nil { circuits[key]?.isUnusable = true }
        expireOld(now)
        serve(now)
        return take()
    }

    /// A relay to ask for directory documents over one hop: a guard, or any directory without `UseEntryGuards`.
    ///
    /// - Parameter excluding: relays that did not have what was asked for.
    /// - Returns: the relay, and what to report with (`directorySucceeded`, `directoryFailed`).
    package mutating func directory(
        excluding: Set<RSAIdentity> = [], now: Moment
    ) throws(PathFailure) -> (relay: RelayFacts, ticket: GuardTicket?) {
        guard let selector else {
            throw PathFailure(position: .directory, constraint: .usable, candidateCount: 0)
        }
        guard settings.rules.usesGuards else {
            return (try selector.directory(excluding: excluding, using: &generator), nil)
        }
        let restriction: GuardRestriction? = excluding.isEmpty ? nil : .excluding(excluding)
        let choice = guards.choose(for: .directory, restriction: restriction, now: now.wall, using: &generator)
        guard let choice else {
            throw PathFailure(
                position: .directory, constraint: .guards, candidateCount: guards.current.guards.count)
        }
        return (choice.relay, choice.ticket)
    }

    /// The directory's circuit was built.
    package mutating func directorySucceeded(_ ticket: GuardTicket, now: Moment) -> [Action] {
        _ = guards.succeeded(ticket, now: now.wall, using: &generator)
        guards.release(ticket)
        upgrade(now)
        serve(now)
        return take()
    }

    /// The directory could not be reached.
    package mutating func directoryFailed(_ ticket: GuardTicket, now: Moment) -> [Action] {
        guards.failed(ticket, now: now.wall)
        upgrade(now)
        serve(now)
        return take()
    }
}
