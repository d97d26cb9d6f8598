package import CellPath
package import Cells
package import Circuits
package import Logging
package import NIOCore
package import Paths

/// The client's circuits at work: does what `CircuitPool` decides, with the launcher's circuits and the loop's time.
///
/// Confined to the launcher's loop, as are the streams that it opens.
package final class ClientCircuits {
    /// The only loop to call it on.
    package let eventLoop: any EventLoop
    /// What decides.
    package private(set) var pool: CircuitPool
    /// Hears what happens, for the control port; nil while nobody wants to know.
    package var onEvent: ((ClientEvent) -> Void)?
    /// Gets the state file's lines (see `StateLines`) when they have changed, at most every 30 seconds, and at `stop`.
    package var onStateChange: (([String]) -> Void)?

    var entries: [UInt64: CircuitEntry] = [:]
    var streams: [UInt64: ClientStream] = [:]

    private let launcher: any CircuitLauncher
    private let logger: Logger
    private let clock: () -> Moment
    private var nextStreamID: UInt64 = 1
    private var todo: [CircuitPool.Action] = []
    private var isPerforming = false
    private var isRunning = false
    private var hasOpenedCircuit = false
    private var lastStateWrite: ContinuousClock.Instant?
    private var lastPathWarning: ContinuousClock.Instant?
    private var hasWarnedOfRestriction = false
    private var complaints: [String: ContinuousClock.Instant] = [:]
    /// Of directory requests under way.
    private var directoryTickets: [UInt64: GuardTicket] = [:]

    /// Circuits by the operator's options.
    ///
    /// - Parameters:
    ///   - launcher: builds circuits; its loop becomes ours.
    ///   - settings: the operator's options.
    ///   - stateLines: the lines of the state file.
    ///   - version: ours, for the state file.
    ///   - logger: for what the operator should know.
    ///   - generator: draws relays.
    ///   - weigher: has a say in that.
    ///   - clock: tells the time.
    package init(
        launcher: any CircuitLauncher, settings: PoolSettings, stateLines: [String] = [], version: String,
        logger: Logger, generator: any RandomNumberGenerator & Sendable, weigher: (any RelayWeigher)? = nil,
        clock: @escaping () -> Moment = Moment.now
    ) {
        self.launcher = launcher
        self.logger = logger
        self.clock = clock
        eventLoop = launcher.eventLoop
        pool = CircuitPool(
            settings: settings, stateLines: stateLines, version: version, now: clock(), generator: generator)
        pool.weigher = weigher
    }

    /// Begins to look at the clock every second.
    package func start() {
        guard !isRunning else { return }
        isRunning = true
        scheduleTick()
    }

    /// Closes all circuits, ends all streams and hands out the state a last time.
    package func stop() {
        isRunning = false
        for stream in streams.values { stream.fail(.destroyed) }
        streams = [:]
        let last = entries
        entries = [:]
        for entry in last.values { entry.circuit?.close(.finished) }
        onStateChange?(pool.stateLines)
    }

    /// There is a new consensus, or there are more microdescriptors; `isUsable` says whether to build circuits by them.
    package func networkChanged(_ view: NetworkView, isUsable: Bool = true) {
        run { $0.networkChanged(view, isUsable: isUsable, now: $1) }
        if pool.guards.isExtremelyRestricted, !hasWarnedOfRestriction {
            hasWarnedOfRestriction = true
            logger.warning("EntryNodes and ExcludeNodes leave hardly any guard: that makes this client stand out")
        }
    }

    /// NEWNYM: streams from now on share no circuit with those before.
    package func newIdentity() {
        run { $0.newIdentity($1) }
    }

    /// Asks for a stream. Its user hears how it went, later than this returns.
    package func open(_ demand: StreamDemand, user: any ClientStreamUser, origin: String = "") -> ClientStream {
        let stream = ClientStream(id: nextStreamID, demand: demand, user: user, circuits: self)
        nextStreamID += 1
        streams[stream.id] = stream
        let kind = demand.isResolve ? "NEWRESOLVE" : "NEW"
        let purpose = demand.isResolve ? " PURPOSE=DNS_REQUEST" : " PURPOSE=USER"
        tellStream(kind, stream.id, demand, circuit: 0, (origin.isEmpty ? "" : " SOURCE_ADDR=\(origin)") + purpose)
        // Whoever asks has not stored the stream yet, so nothing may be said before this returns.
        eventLoop.assumeIsolated().execute { [weak self] in
            guard let self, streams[stream.id] != nil else { return }
            run { $0.streamWanted(stream.id, demand, now: $1) }
        }
        return stream
    }

    /// Closes a circuit by its process-wide ID (CLOSECIRCUIT); false if there is none.
    package func closeCircuit(_ id: UInt64) -> Bool {
        guard let entry = entries.values.first(where: { $0.circuit?.id == id }) else { return false }
        entry.circuit?.close(.requested)
        return true
    }

    /// Ends a stream by its ID (CLOSESTREAM); false if there is none.
    package func closeStream(_ id: UInt64, _ reason: EndReason) -> Bool {
        guard let stream = streams[id] else { return false }
        run { pool, now in
            _ = pool.streamGone(id, now: now)
            return [.fail(stream: stream.id, .remote(reason))]
        }
        return true
    }

    /// A guard to ask for directory documents, and a ticket by which to say how it went; nil if none may be asked now.
    ///
    /// - Parameter excluding: guards that did not have what was asked for.
    package func chooseDirectoryGuard(excluding: Set<RSAIdentity> = []) -> (target: HopTarget, ticket: UInt64)? {
        guard pool.settings.rules.usesGuards else { return nil }
        guard let choice = try? pool.directory(excluding: excluding, now: clock()), let ticket = choice.ticket else {
            return nil
        }
        directoryTickets[ticket.id] = ticket
        return (HopTarget(choice.relay), ticket.id)
    }

    /// The directory guard answered, whatever it said.
    package func directoryGuardAnswered(_ ticket: UInt64) {
        guard let ticket = directoryTickets.removeValue(forKey: ticket) else { return }
        run { $0.directorySucceeded(ticket, now: $1) }
    }

    /// The directory guard could not be reached.
    package func directoryGuardFailed(_ ticket: UInt64) {
        guard let ticket = directoryTickets.removeValue(forKey: ticket) else { return }
        run { $0.directoryFailed(ticket, now: $1) }
    }

    /// One look at the clock; `start` has it done every second.
    package func tick() {
        run { $0.tick($1) }
        let now = clock().steady
        if let failure = pool.lastPathFailure, lastPathWarning.map({ $0 + .seconds(600) <= now }) ?? true {
            lastPathWarning = now
            logger.warning("cannot choose a path", metadata: ["reason": "\(failure)"])
        }
        if lastStateWrite.map({ $0 + .seconds(30) <= now }) ?? true, pool.takeDirty() {
            lastStateWrite = now
            onStateChange?(pool.stateLines)
        }
    }

    /// Tells the operator of a program that was turned away; of each kind once in ten minutes.
    func complain(_ complaint: SOCKSMachine.Complaint) {
        switch complaint {
        case .address:
            warn(
                "a program gave an address instead of a name, and SafeSocks refuses those: it may ask for names past Tor"
            )
        case .onionService:
            warn("a program asked for an onion service; those are not supported yet")
        }
    }

    /// Tells the operator of a program that sends where everybody can read.
    func warnOfPlaintext(_ port: UInt16) {
        warn("a program sends to a port where passwords are not encrypted; exits can read them", "\(port)")
    }

    private func warn(_ text: String, _ port: String? = nil) {
        let now = clock().steady
        if let last = complaints[text], last + .seconds(600) > now { return }
        complaints[text] = now
        logger.warning("\(text)", metadata: port.map { ["port": "\($0)"] })
    }

    private func scheduleTick() {
        eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            guard let self, isRunning else { return }
            tick()
            scheduleTick()
        }
    }
}

// MARK: - Events of streams

extension ClientCircuits {
    func streamConnected(_ stream: ClientStream, _ message: ConnectedMessage) {
        run { $0.streamConnected(stream.id, message.address, now: $1) }
    }

    func streamResolved(_ stream: ClientStream, _ message: ResolvedMessage) {
        run { $0.streamResolved(stream.id, message, now: $1) }
    }

    func streamEnded(_ stream: ClientStream, _ message: EndMessage) {
        let pooled = pool.streams[stream.id]
        tellStream(
            "DETACHED", stream.id, pooled?.demand ?? stream.demand, circuit: circuitID(of: pooled),
            " REASON=END REMOTE_REASON=\(message.reason)")
        run { $0.streamEnded(stream.id, message, now: $1) }
    }

    func streamGone(_ stream: ClientStream, _ reason: EndReason, isRemote: Bool = false) {
        let pooled = pool.streams[stream.id]
        streams[stream.id] = nil
        tellStream(
            "CLOSED", stream.id, pooled?.demand ?? stream.demand, circuit: circuitID(of: pooled),
            isRemote ? " REASON=END REMOTE_REASON=\(reason)" : " REASON=\(reason)")
        run { $0.streamGone(stream.id, now: $1) }
    }
}

// MARK: - Events of circuits

extension ClientCircuits {
    /// One circuit's place here; its launcher tells it what happens.
    final class CircuitEntry: ClientCircuitOwner {
        let key: UInt64
        var circuit: (any ClientCircuit)?
        private weak var circuits: ClientCircuits?

        init(key: UInt64, circuits: ClientCircuits) {
            self.key = key
            self.circuits = circuits
        }

        func circuitGrew(_ circuit: any ClientCircuit) {
            self.circuit = circuit
            circuits?.circuitGrew(self, circuit)
        }

        func circuitBuilt(_ circuit: any ClientCircuit) {
            self.circuit = circuit
            circuits?.circuitBuilt(self)
        }

        func circuitClosed(_ circuit: any ClientCircuit, _ ending: CircuitEnding) {
            circuits?.circuitClosed(self, ending)
            self.circuit = nil
        }
    }

    private func circuitGrew(_ entry: CircuitEntry, _ circuit: any ClientCircuit) {
        if let pooled = pool.circuits[entry.key] { tellCircuit("EXTENDED", entry, pooled) }
        run { $0.circuitGrew(entry.key, hopCount: circuit.hopCount, now: $1) }
    }

    private func circuitBuilt(_ entry: CircuitEntry) {
        if let pooled = pool.circuits[entry.key] {
            tellCircuit("EXTENDED", entry, pooled)
            tellCircuit("BUILT", entry, pooled)
        }
        run { $0.circuitBuilt(entry.key, now: $1) }
        guard !hasOpenedCircuit, pool.hasOpenCircuit else { return }
        hasOpenedCircuit = true
        logger.notice("a circuit is open: the client works")
        onEvent?(.firstCircuitOpened)
    }

    private func circuitClosed(_ entry: CircuitEntry, _ ending: CircuitEnding) {
        if let pooled = pool.circuits[entry.key] {
            tellCircuit(pooled.phase == .building ? "FAILED" : "CLOSED", entry, pooled, Self.reason(ending))
        }
        entries[entry.key] = nil
        run { $0.circuitClosed(entry.key, ending, now: $1) }
    }
}

// MARK: - Doing what was decided

extension ClientCircuits {
    /// Puts an event to the pool and does what it answers, after what it answered before.
    private func run(_ event: (inout CircuitPool, Moment) -> [CircuitPool.Action]) {
        todo += event(&pool, clock())
        tellGuards()
        guard !isPerforming else { return }
        isPerforming = true
        while !todo.isEmpty {
            let actions = todo
            todo = []
            for action in actions { perform(action) }
        }
        isPerforming = false
    }

    private func tellGuards() {
        for event in pool.takeGuardEvents() {
            let name = "$\(event.identity.hex)" + (event.nickname.isEmpty ? "" : "~\(event.nickname)")
            onEvent?(.guardChanged("GUARD ENTRY \(name) \(event.kind.rawValue)"))
        }
    }

    private func perform(_ action: CircuitPool.Action) {
        switch action {
        case .launch(let key, let path): launch(key, path)
        case .close(let key, let reason): close(key, reason)
        case .attach(let id, let key, let opening): attach(id, key, opening)
        case .detach(let id, let reason):
            guard let stream = streams[id] else { return }
            tellStream("DETACHED", id, stream.demand, circuit: 0, " REASON=\(reason)")
            stream.detach(reason)
        case .accept(let id, let address):
            guard let stream = streams[id] else { return }
            let pooled = pool.streams[id]
            tellStream("SUCCEEDED", id, pooled?.demand ?? stream.demand, circuit: circuitID(of: pooled))
            stream.accept(address)
        case .resolve(let id, let resolution):
            guard let stream = streams.removeValue(forKey: id) else { return }
            tellStream("CLOSED", id, stream.demand, circuit: 0, " REASON=DONE")
            stream.resolve(resolution)
        case .fail(let id, let failure):
            guard let stream = streams.removeValue(forKey: id) else { return }
            tellStream("FAILED", id, stream.demand, circuit: 0, " \(failure.controlText)")
            tellStream("CLOSED", id, stream.demand, circuit: 0, " \(failure.controlText)")
            stream.fail(failure)
        }
    }

    private func launch(_ key: UInt64, _ path: [RelayFacts]) {
        let entry = CircuitEntry(key: key, circuits: self)
        entries[key] = entry
        let circuit = launcher.launch(path.map { HopTarget($0) }, owner: entry)
        guard entries[key] === entry else { return }
        entry.circuit = circuit
        if let pooled = pool.circuits[key] { tellCircuit("LAUNCHED", entry, pooled) }
    }

    private func close(_ key: UInt64, _ reason: DestroyReason) {
        guard let entry = entries.removeValue(forKey: key), let circuit = entry.circuit else { return }
        onEvent?(.circuit("CIRC \(circuit.id) \(reason == .timeout ? "FAILED" : "CLOSED") REASON=\(reason)"))
        circuit.close(reason)
    }

    private func attach(_ id: UInt64, _ key: UInt64, _ opening: StreamOpening) {
        guard let stream = streams[id], stream.isWaiting else { return }
        let request: StreamRequest
        switch opening {
        case .connect(let target):
            request = .begin(BeginMessage(address: target.host, port: target.port, flags: target.flags))
        case .resolve(let name): request = .resolve(ResolveMessage(name: name))
        }
        guard let circuit = entries[key]?.circuit, let port = circuit.openStream(request, owner: stream) else {
            run { $0.attachFailed(id, now: $1) }
            return
        }
        stream.attached(to: port)
        let pooled = pool.streams[id]
        tellStream(
            stream.demand.isResolve ? "SENTRESOLVE" : "SENTCONNECT", id, pooled?.demand ?? stream.demand,
            circuit: circuit.id)
    }
}
