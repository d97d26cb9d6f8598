package import CellPath
internal import Cells
package import Circuits
package import NIOCore

/// Asks relays' directories over one-hop circuits, one circuit per relay for as long as it is in use.
///
/// Confined to the launcher's loop. Whom to ask for what, and what to do with the answer, is for others
/// (`DirectoryClient`, `DescriptorPublisher`). Over TCP: `DirPortClient`.
package final class DirectoryFetcher {
    /// What a request is about to wait for.
    package enum Stage: Hashable, Sendable {
        /// The channel and the circuit.
        case circuit
        /// The directory's consent.
        case stream
        /// The answer.
        case answer
    }

    /// Where circuits come from.
    package let launcher: any CircuitLauncher
    /// Whether a circuit came about at all, ever: the first is a step in getting started.
    package private(set) var hasBuiltCircuit = false

    private let stall: TimeAmount
    private let circuitTimeout: TimeAmount
    private var circuits: [RSAIdentity: DirectoryCircuit] = [:]
    private var isClosed = false

    /// A fetcher on the launcher's loop.
    ///
    /// - Parameters:
    ///   - launcher: builds the circuits.
    ///   - stall: how long an answer may stand still (`TestingDirConnectionMaxStall`).
    ///   - circuitTimeout: how long a circuit may take to come about.
    package init(
        launcher: any CircuitLauncher, stall: TimeAmount = .minutes(5), circuitTimeout: TimeAmount = .seconds(60)
    ) {
        self.launcher = launcher
        self.stall = stall
        self.circuitTimeout = circuitTimeout
    }

    /// The only loop to call it on.
    package var eventLoop: any EventLoop { launcher.eventLoop }

    /// Asks a relay.
    ///
    /// - Parameters:
    ///   - request: what to ask.
    ///   - target: whom; without an onion key, CREATE_FAST does for a circuit of one hop.
    ///   - stage: called as it goes on.
    ///   - completion: called once, never before this method has returned.
    package func fetch(
        _ request: DirectoryRequest, from target: HopTarget, stage: @escaping (Stage) -> Void = { _ in },
        completion: @escaping (Result<DirectoryResponse, DirectoryFetchError>) -> Void
    ) {
        let loop = eventLoop.assumeIsolated()
        guard !isClosed else {
            loop.execute { completion(.failure(.closed)) }
            return
        }
        let fetch = make(request, target, stage, completion)
        stage(.circuit)
        loop.execute { [self] in
            let identity = target.rsaIdentity
            if let circuit = circuits[identity], circuit.takesMore {
                circuit.add(fetch)
                return
            }
            let circuit = DirectoryCircuit(fetcher: self, identity: identity)
            circuits[identity] = circuit
            circuit.add(fetch)
            circuit.launch(to: target, timeout: circuitTimeout)
        }
    }

    /// Asks the directory of a circuit's last hop, as onion services and their clients do.
    package func fetch(
        _ request: DirectoryRequest, over circuit: any ClientCircuit,
        completion: @escaping (Result<DirectoryResponse, DirectoryFetchError>) -> Void
    ) {
        guard let target = circuit.path.last else {
            eventLoop.assumeIsolated().execute { completion(.failure(.circuitClosed(isChannelFailure: false))) }
            return
        }
        let fetch = make(request, target, { _ in }, completion)
        eventLoop.assumeIsolated().execute { fetch.start(on: circuit) }
    }

    /// Closes all circuits; what is under way fails.
    package func close() {
        isClosed = true
        let open = circuits
        circuits = [:]
        for circuit in open.values { circuit.close() }
    }

    private func make(
        _ request: DirectoryRequest, _ target: HopTarget, _ stage: @escaping (Stage) -> Void,
        _ completion: @escaping (Result<DirectoryResponse, DirectoryFetchError>) -> Void
    ) -> DirectoryFetch {
        let host = target.endpoints.first.map { "\($0)" } ?? target.rsaIdentity.hex
        return DirectoryFetch(request, host: host, stall: stall) { step in
            switch step {
            case .asked: stage(.stream)
            case .connected: stage(.answer)
            }
        } completion: { result in
            completion(result)
        }
    }

    fileprivate func circuitBuilt() {
        hasBuiltCircuit = true
    }

    fileprivate func circuitEnded(_ circuit: DirectoryCircuit, _ identity: RSAIdentity) {
        if circuits[identity] === circuit { circuits[identity] = nil }
    }
}

/// A one-hop circuit for directory requests: those that wait for it, and when it has been idle for long enough.
private final class DirectoryCircuit: ClientCircuitOwner {
    private weak var fetcher: DirectoryFetcher?
    private let identity: RSAIdentity
    private var circuit: (any ClientCircuit)?
    private var waiting: [DirectoryFetch] = []
    private var timer: Scheduled<Void>?
    private var isOpen = false
    private var hasEnded = false

    init(fetcher: DirectoryFetcher, identity: RSAIdentity) {
        self.fetcher = fetcher
        self.identity = identity
    }

    /// Whether further requests can go over it.
    var takesMore: Bool { !hasEnded && (!isOpen || circuit?.isOpen == true) }

    func add(_ fetch: DirectoryFetch) {
        guard isOpen, let circuit else {
            waiting.append(fetch)
            return
        }
        fetch.start(on: circuit)
        watchIdleness(circuit)
    }

    func launch(to target: HopTarget, timeout: TimeAmount) {
        guard let fetcher else { return }
        let circuit = fetcher.launcher.launch([target], owner: self)
        guard !hasEnded else { return }
        self.circuit = circuit
        guard !isOpen else { return circuitBuilt(circuit) }
        timer = circuit.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
            guard let self, !self.isOpen else { return }
            self.circuit?.close(.finished)
            self.end(.timedOut)
        }
    }

    func close() {
        circuit?.close(.finished)
        end(.closed)
    }

    func circuitGrew(_ circuit: any ClientCircuit) {}

    func circuitBuilt(_ circuit: any ClientCircuit) {
        isOpen = true
        guard self.circuit != nil, !hasEnded else { return }
        timer?.cancel()
        fetcher?.circuitBuilt()
        let fetches = waiting
        waiting = []
        for fetch in fetches { fetch.start(on: circuit) }
        watchIdleness(circuit)
    }

    func circuitClosed(_ circuit: any ClientCircuit, _ ending: CircuitEnding) {
        end(.circuitClosed(isChannelFailure: ending.isChannelFailure))
    }

    private func end(_ error: DirectoryFetchError) {
        guard !hasEnded else { return }
        hasEnded = true
        timer?.cancel()
        circuit = nil
        fetcher?.circuitEnded(self, identity)
        let fetches = waiting
        waiting = []
        for fetch in fetches { fetch.fail(error) }
    }

    /// Closes the circuit once no stream was on it for a while.
    private func watchIdleness(_ circuit: any ClientCircuit) {
        timer?.cancel()
        let wait = TimeAmount.seconds(DirectoryClientLimits.circuitIdleTime)
        timer = circuit.eventLoop.assumeIsolated().scheduleTask(in: wait) { [weak self] in
            guard let self, !self.hasEnded, let circuit = self.circuit else { return }
            if circuit.streamCount > 0 { return self.watchIdleness(circuit) }
            circuit.close(.finished)
            self.end(.closed)
        }
    }
}
