package import Cells
internal import Configuration
internal import Directory
package import Logging
package import NIOCore
internal import OnionCrypto
internal import Transport

/// Keeps a `DirectoryStore` up to date: consensus, then key certificates, then microdescriptors; for a cache both flavors
/// and router descriptors as well. Client, relay and authority use the same one, told apart by `DirectoryClientSettings`.
///
/// Confined to the fetcher's loop; looks around once a second and whenever something has come. What it asks is in
/// `DirectoryClient+Consensus` and its neighbours, in the order in which things are needed.
package final class DirectoryClient {
    let store: DirectoryStore
    let fetcher: DirectoryFetcher
    let dirPorts: DirPortClient
    let settings: DirectoryClientSettings
    let progress: BootstrapProgress
    let logger: Logger
    let clock: @Sendable () -> WallTime
    var random = SystemRandom()

    var sources: DirectorySources
    var consensuses: [ConsensusFlavor: ConsensusState] = [:]
    var certificates: [RSAIdentity: DownloadSchedule] = [:]
    var certificatesUnderWay = false
    var microdescriptors: DocumentState<MicrodescriptorDigest>
    var descriptors: DocumentState<DescriptorDigest>
    var extraInfo: DocumentState<DescriptorDigest>
    /// What was found by the last assessment; nil without a live consensus.
    package private(set) var assessment: DirectoryAssessment?
    /// Whether enough is known to build circuits.
    package private(set) var hasEnough = false

    /// A client's guards; nil lets the built-in choice decide.
    package weak var guards: (any DirectoryGuards)?
    /// Called when `hasEnough` has changed.
    package var enoughChanged: ((Bool) -> Void)?
    /// Called when a directory says how it sees our address: what it says, and who says so.
    package var addressSuggested: ((IPAddress, RSAIdentity) -> Void)?

    private var timer: Scheduled<Void>?
    private var isRunning = false
    private var subscription: UInt64?
    private var lastPruned: WallTime?
    private var needsAssessment = true
    private var hasComplainedOfClock = false

    /// A client that does nothing yet: see `start`.
    ///
    /// - Parameters:
    ///   - store: where documents go.
    ///   - fetcher: gets them, on its loop.
    ///   - settings: what is wanted, and whom to believe.
    ///   - progress: is told how far we are.
    ///   - dirPorts: asks authorities of which no ORPort is known.
    package init(
        store: DirectoryStore, fetcher: DirectoryFetcher, settings: DirectoryClientSettings,
        progress: BootstrapProgress, logger: Logger, dirPorts: DirPortClient = DirPortClient(),
        clock: @escaping @Sendable () -> WallTime = { .now }
    ) {
        self.store = store
        self.fetcher = fetcher
        self.settings = settings
        self.progress = progress
        self.logger = logger
        self.dirPorts = dirPorts
        self.clock = clock
        sources = DirectorySources(authorities: settings.authorities, ownIdentity: settings.ownIdentity)
        microdescriptors = DocumentState(delay: settings.documentDelay)
        descriptors = DocumentState(delay: settings.documentDelay)
        extraInfo = DocumentState(delay: settings.documentDelay)
    }

    /// The loop that it lives on.
    package var eventLoop: any EventLoop { fetcher.eventLoop }

    /// The flavors that are wanted, the one for circuits first.
    var flavors: [ConsensusFlavor] { settings.isCache ? [.microdesc, .ns] : [.microdesc] }

    /// Reads the disk, and begins to fetch what is missing.
    package func start() throws(FileError) {
        let now = clock()
        let trusted = Set(settings.v3Identities)
        let isCache = settings.isCache
        try store.load(at: now, trusts: { isCache || trusted.contains($0) }) { consensus, snapshot in
            consensus.signatureStatus(
                authorities: trusted, certificates: snapshot.certificates.values.joined(), now: now
            ).isSufficient
        }
        let instant = ContinuousClock.now
        for flavor in flavors {
            let isLive = store.snapshot.liveConsensus(flavor, at: now) != nil
            consensuses[flavor] = ConsensusState(
                delay: isLive ? settings.consensusDelay : settings.bootstrapDelay, now: instant)
            chooseFetchTime(flavor)
        }
        let here = NIOLoopBound(self, eventLoop: eventLoop)
        subscription = store.subscribe { [eventLoop] change in
            eventLoop.execute { here.value.storeChanged(change) }
        }
        isRunning = true
        tick()
    }

    private func tick() {
        update()
        timer = eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in self?.tick() }
    }

    /// Stops; what is under way is forgotten.
    package func stop() {
        timer?.cancel()
        timer = nil
        isRunning = false
        if let subscription { store.unsubscribe(subscription) }
        subscription = nil
        fetcher.close()
    }

    /// Asks for what is due.
    package func update() {
        guard isRunning else { return }
        let now = clock()
        assess(now)
        for flavor in flavors { updateConsensus(flavor, now) }
        updateCertificates(now)
        if settings.fetchesDescriptors {
            updateMicrodescriptors(now)
            if settings.isCache { updateDescriptors(now) }
        }
        if now - (lastPruned ?? now - 3600) >= 3600 {
            lastPruned = now
            store.prune(at: now)
        }
    }

    private func storeChanged(_ change: DirectoryChange) {
        guard isRunning else { return }
        needsAssessment = true
        if case .consensus(let flavor) = change {
            chooseFetchTime(flavor)
            microdescriptors.forget()
            descriptors.forget()
            extraInfo.forget()
        }
        update()
    }

    /// Looks whether there is enough for circuits, and says so when that has changed.
    private func assess(_ now: WallTime) {
        let snapshot = store.snapshot
        let isLive = snapshot.liveConsensus(.microdesc, at: now) != nil
        guard needsAssessment || isLive != (assessment != nil) else { return }
        needsAssessment = false
        assessment = isLive ? snapshot.network().map { DirectoryAssessment($0, settings.client) } : nil
        let isEnough = assessment?.isEnough ?? false
        if let assessment, !isEnough {
            progress.reachDirectory(.requestingDescriptors)
            if assessment.present > 0 {
                progress.reachDirectory(.loadingDescriptors, progress: assessment.progress)
            }
        }
        guard isEnough != hasEnough else { return }
        hasEnough = isEnough
        if isEnough {
            logger.info("We now have enough directory information to build circuits.")
            progress.reachDirectory(.enoughDirectoryInformation)
        } else {
            let reason = assessment?.text ?? "We have no recent usable consensus."
            logger.notice(
                "Our directory information is no longer up-to-date enough to build circuits: \(reason)")
        }
        enoughChanged?(isEnough)
    }

    // MARK: - Asking

    /// What kind of document is asked for; authorities have to answer for the first consensus only.
    enum Kind {
        case consensus, certificates, documents
    }

    /// Chooses somebody to ask.
    func chooseSource(
        _ kind: Kind, excluding excluded: Set<RSAIdentity> = []
    ) -> (source: DirectorySources.Source, ticket: UInt64?)? {
        let now = ContinuousClock.now
        let snapshot = store.snapshot
        // Caches get documents where they are made; everybody does while there is no consensus.
        let usesAuthorities =
            settings.eagerness != .client || snapshot.liveConsensus(.microdesc, at: clock()) == nil
        if !usesAuthorities {
            if let choice = guards?.chooseDirectoryGuard(excluding: excluded) {
                return (.relay(choice.target), choice.ticket)
            }
            if let cache = sources.cache(in: snapshot, excluding: excluded, now: now, using: &random) {
                return (cache, nil)
            }
        }
        let authority =
            sources.authority(excluding: excluded, now: now, using: &random)
            ?? sources.authority(now: now, using: &random)
            ?? sources.cache(in: snapshot, excluding: excluded, now: now, using: &random)
        return authority.map { ($0, nil) }
    }

    /// Asks, and tells sources and guards how it went.
    func ask(
        _ request: DirectoryRequest, _ choice: (source: DirectorySources.Source, ticket: UInt64?),
        stage: @escaping (DirectoryFetcher.Stage) -> Void = { _ in },
        completion: @escaping (Result<DirectoryResponse, DirectoryFetchError>) -> Void
    ) {
        let identity = choice.source.identity
        func finished(_ result: Result<DirectoryResponse, DirectoryFetchError>) {
            guard isRunning else { return }
            switch result {
            case .success(let response):
                if let ticket = choice.ticket { guards?.directoryGuardAnswered(ticket) }
                if response.status == 503 {
                    sources.rest(identity, until: .now + .seconds(DirectoryClientLimits.restWhenBusy))
                }
                if let address = response.addressSuggestion { addressSuggested?(address, identity) }
                checkClock(response, identity)
            case .failure(let error):
                if let ticket = choice.ticket { guards?.directoryGuardFailed(ticket) }
                sources.rest(identity, until: .now + .seconds(DirectoryClientLimits.restAfterFailure))
                logger.debug("A directory request failed", metadata: ["error": "\(error)"])
            }
            completion(result)
        }
        switch choice.source {
        case .relay(let target): fetcher.fetch(request, from: target, stage: stage, completion: finished)
        case .dirPort(let endpoint, _):
            dirPorts.fetch(request, from: endpoint, on: eventLoop).assumeIsolated().whenComplete { result in
                finished(result.mapError { $0 as? DirectoryFetchError ?? .connectionFailed })
            }
        }
    }

    /// Warns when an authority's clock and ours differ much.
    private func checkClock(_ response: DirectoryResponse, _ identity: RSAIdentity) {
        guard let date = response.date, settings.authorities.contains(where: { $0.identity == identity }) else {
            return
        }
        let skew = clock() - date
        guard abs(skew) > DirectoryClientLimits.clockSkew else {
            hasComplainedOfClock = false
            return
        }
        guard !hasComplainedOfClock else { return }
        hasComplainedOfClock = true
        logger.warning(
            """
            Received directory with skewed time: it seems that our clock is \(skew > 0 ? "ahead" : "behind") by \
            \(abs(skew)) seconds. Tor requires an accurate clock to work: please check your time, timezone, and date \
            settings.
            """)
        progress.meet("Clock skew \(skew) in directory from DIRSERV", reason: "CLOCK_SKEW", isSerious: true)
    }
}
