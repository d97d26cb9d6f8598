package import CellPath
package import Cells
internal import Channels
internal import Circuits
package import Configuration
package import Directory
package import Logging
package import NIOCore
internal import NIOPosix
internal import OnionCrypto
internal import PluginHost
internal import Synchronization
package import Transport

/// What every node has, whatever its roles: event loops and their corridors, the directory store, keys, settings.
///
/// The roles are put together on top of it (`RelayRole`, `ClientRole`, `AuthorityRole`). Safe to use from anywhere.
package final class NodeRuntime: Sendable {
    private struct State {
        var settings: Settings
        var keys: RelayKeys?
        var identities: LinkIdentities?
        var serverTLS: TLSContext?
        var parameters = ConsensusParameters()
        var plugins = PluginSet.none
        var suggestedAddress: IPAddress?
        var maintenance: Task<Void, Never>?
        var keyListeners: [@Sendable (RelayKeys) -> Void] = []
    }

    /// What this program calls itself, as in "Fanion 0.1.0".
    package let version: String
    /// Where everything logs to.
    package let logger: Logger
    /// The loops that carry cells.
    package let group: any EventLoopGroup
    /// The same, by number.
    package let loops: [any EventLoop]
    /// What the corridors share.
    package let environment: CellPathEnvironment
    /// The corridor of each loop.
    package let corridors: CorridorDirectory
    /// The directory documents.
    package let store: DirectoryStore
    /// Who answers requests for them.
    package let directoryServer: DirectoryServer
    /// How far the client side is.
    package let progress: BootstrapProgress
    /// Whose plugins may run.
    package let trust: PluginTrustRole
    /// Since when it runs.
    package let startTime = ContinuousClock.now
    private let clientTLS: TLSContext
    private let keyStore: KeyStore
    private let state: Mutex<State>
    private let threads: MultiThreadedEventLoopGroup

    /// Makes a node; nothing runs yet.
    ///
    /// - Throws: a `FileError`, or a `TransportError` if the TLS library refuses its settings.
    package init(settings: Settings, version: String, logger: Logger) throws {
        self.version = version
        self.logger = logger
        let processors = System.coreCount
        let count = settings.node.cpuCount > 0 ? settings.node.cpuCount : processors
        // A client's circuits, channels and SOCKS sockets all live on one loop.
        let threads = MultiThreadedEventLoopGroup(numberOfThreads: settings.relay.isRelay ? max(1, count) : 1)
        self.threads = threads
        group = threads
        let loops = (0..<(settings.relay.isRelay ? max(1, count) : 1)).map { _ in threads.next() as any EventLoop }
        self.loops = loops
        let addresses = settings.node.outboundAddresses
        environment = CellPathEnvironment(
            loops: loops, memory: MemoryBudget(limit: settings.node.maxMemoryInQueues),
            bandwidth: SharedBandwidth(limits: settings.bandwidth.limits, now: .now),
            dialer: DirectDialer(
                bindIPv4: addresses.forChannel(to: .v4(0)), bindIPv6: addresses.forChannel(to: .v6(high: 0, low: 0))),
            workerCount: max(1, count),
            onionQueueDelay: settings.relay.maxOnionQueueDelay ?? CellPathLimits.onionQueueDelay,
            // Until `applyPlugins` says otherwise, nobody's.
            plugins: PluginShelf(
                PluginShelf.Rules(
                    trust: SimplePluginTrust.refuse, keepsCode: settings.relay.isRelay, doors: Corridor.askedDoors,
                    capabilities: Corridor.negotiatedCapabilities)),
            logger: logger)
        corridors = CorridorDirectory(count: loops.count)
        try SecureFiles.makeFolder(
            settings.node.dataDirectory, for: settings.node.dataDirectoryGroupReadable ? .group : .owner)
        let files = try DirectoryFiles(
            folder: settings.node.cacheDirectory, isGroupReadable: settings.node.cacheDirectoryGroupReadable)
        store = DirectoryStore(
            files: files, servesConsensuses: settings.relay.isRelay && settings.relay.isDirectoryCache,
            longestPast: settings.directory.maxConsensusAgeForDiffs?.components.seconds, logger: logger)
        directoryServer = DirectoryServer(store: store)
        progress = BootstrapProgress(logger: logger)
        trust = PluginTrustRole(
            settings: settings.pluginTrust, dataDirectory: settings.node.dataDirectory, logger: logger)
        clientTLS = try TLSContext(clientWith: .all)
        keyStore = KeyStore(settings)
        state = Mutex(State(settings: settings))
    }

    /// The configuration in force.
    package var settings: Settings { state.withLock { $0.settings } }

    /// The relay's keys; nil at a client.
    package var keys: RelayKeys? { state.withLock { $0.keys } }

    /// The addresses that this relay says it has: those of `Address` and of its ORPorts.
    ///
    /// With neither, what a directory authority has said last, as C Tor believes it.
    package var ownAddresses: [IPAddress] {
        state.withLock { state in
            let configured = Self.ownAddresses(state.settings)
            return configured.isEmpty ? state.suggestedAddress.map { [$0] } ?? [] : configured
        }
    }

    /// A directory says how it sees our address; only authorities are believed, and only if nothing is configured.
    ///
    /// - Returns: whether it is news.
    package func take(suggestedAddress: IPAddress, from identity: RSAIdentity) -> Bool {
        state.withLock { state in
            guard state.settings.relay.isRelay, Self.ownAddresses(state.settings).isEmpty,
                state.settings.directory.authorities.contains(where: { $0.identity == identity }),
                !suggestedAddress.isInternal || state.settings.node.isTestingNetwork,
                state.suggestedAddress != suggestedAddress
            else { return false }
            state.suggestedAddress = suggestedAddress
            return true
        }
    }

    private static func ownAddresses(_ settings: Settings) -> [IPAddress] {
        var addresses = settings.relay.addresses.flatMap { name in
            IPAddress(name).map { [$0] } ?? HostAddresses.lookUp(name)
        }
        for port in settings.relay.orPorts where port.advertises && port.isAddressExplicit {
            if let endpoint = port.address.endpoint, !endpoint.address.isUnspecified,
                !addresses.contains(endpoint.address)
            {
                addresses.append(endpoint.address)
            }
        }
        return addresses
    }

    /// The plugins in place.
    var plugins: PluginSet {
        get { state.withLock { $0.plugins } }
        set { state.withLock { $0.plugins = newValue } }
    }

    // MARK: Life

    /// Loads keys, starts the corridors. Blocks on files, so not on an event loop.
    package func start() async throws {
        if settings.relay.isRelay { try loadKeys(now: .now) }
        let cellSettings = cellPathSettings()
        let noteSkew = skewWatch()
        for (index, loop) in loops.enumerated() {
            try await loop.submit { [self] in
                let corridor = Corridor(index: index, environment: environment, settings: cellSettings)
                corridor.channelOpened = { [progress] peer in
                    if peer.isInitiator { progress.channelOpened() }
                    noteSkew(peer)
                }
                corridors.put(corridor)
                corridor.start(corridors)
            }.get()
        }
        await applyPlugins()
        trust.onReading { [weak self] in Task { await self?.renewWishes() } }
        store.subscribe { [weak self] change in
            if change == .consensus(.microdesc) { self?.tellPlugins() }
        }
        let task = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: NodeLimits.maintenanceInterval)
                self?.maintain(now: .now)
            }
        }
        state.withLock { $0.maintenance = task }
    }

    /// Closes circuits and channels, writes what is to be written, ends the loops.
    package func stop() async {
        state.withLock { $0.maintenance.take() }?.cancel()
        trust.stop()
        for index in loops.indices {
            try? await onLoop(index) { $0.shutDown() }
        }
        // What the loops have said goodbye with goes out in their next turn.
        try? await Task.sleep(for: NodeLimits.farewell)
        for index in loops.indices {
            try? await loops[index].submit { [corridors] in corridors.remove(index) }.get()
        }
        environment.workers.shutDown()
        await store.close()
        try? await threads.shutdownGracefully()
    }

    /// Puts another configuration in force, as far as it can change while the node runs.
    package func apply(_ settings: Settings) async {
        state.withLock { $0.settings = settings }
        environment.bandwidth.configure(settings.bandwidth.limits, now: .now)
        environment.memory.limit = settings.node.maxMemoryInQueues
        trust.apply(settings.pluginTrust)
        await applyCellPathSettings()
        await applyPlugins()
    }

    /// A consensus came: its parameters are in force.
    package func apply(_ parameters: ConsensusParameters) async {
        let hasChanged = state.withLock { state in
            guard state.parameters != parameters else { return false }
            state.parameters = parameters
            return true
        }
        guard hasChanged else { return }
        trust.apply(epoch: parameters.value("fanion-plugin-epoch", default: 0, in: 0...Int32.max))
        await applyCellPathSettings()
    }

    /// Calls `listener` with the keys whenever they have changed.
    package func onNewKeys(_ listener: @escaping @Sendable (RelayKeys) -> Void) {
        state.withLock { $0.keyListeners.append(listener) }
    }

    // MARK: Loops

    /// Runs `body` with the corridor of a loop, on that loop.
    @discardableResult
    package func onLoop<Result: Sendable>(
        _ index: Int, _ body: @escaping @Sendable (Corridor) throws -> Result
    ) async throws -> Result {
        try await loops[index].submit { [corridors] in
            guard let corridor = corridors.corridor(index) else { throw NodeError.stopped }
            return try body(corridor)
        }.get()
    }

    /// The number of a loop; nil if it is not one of ours.
    package func index(of loop: any EventLoop) -> Int? { loops.firstIndex { $0 === loop } }

    /// What all loops have counted.
    package func counters() async -> CellPathCounters {
        var sum = CellPathCounters()
        for index in loops.indices {
            if let counters = try? await onLoop(index, { $0.counters }) { sum += counters }
        }
        return sum
    }

    /// Bytes read and written since the start.
    package func traffic() async -> AdmissionGate.Totals {
        var sum = AdmissionGate.Totals()
        for index in loops.indices {
            guard let totals = try? await onLoop(index, { $0.traffic }) else { continue }
            sum.read += totals.read
            sum.written += totals.written
            sum.relayedRead += totals.relayedRead
            sum.relayedWritten += totals.relayedWritten
        }
        return sum
    }

    // MARK: Keys

    private func loadKeys(now: WallTime) throws {
        let (keys, notices) = try keyStore.load(now: now)
        for notice in notices {
            logger.log(level: notice.isWarning ? .warning : .notice, "\(notice)")
        }
        try keyStore.writeFingerprints(of: keys)
        try use(keys, now: now)
    }

    private func use(_ keys: RelayKeys, now: WallTime) throws {
        let settings = self.settings
        var random = SystemRandom()
        let identity = try LinkIdentity(
            keys: LinkIdentity.Keys(
                rsaIdentity: keys.identityKey, signingKey: keys.signingKey,
                signingKeyCertificate: keys.signingKeyCertificate), now: now,
            lifetimes: LinkIdentity.Lifetimes(
                link: settings.relay.linkCertificateLifetime.components.seconds,
                authentication: settings.relay.authenticationKeyLifetime.components.seconds), using: &random)
        let key = try identity.copyTLSKey().copyToArray()
        let listeners = try state.withLock { state in
            state.keys = keys
            if state.identities?.renew(with: identity) == nil { state.identities = LinkIdentities(identity) }
            if let context = state.serverTLS {
                try context.replaceCertificate(identity.tlsCertificate, key: key)
            } else {
                state.serverTLS = try TLSContext(serverCertificate: identity.tlsCertificate, key: key)
            }
            return state.keyListeners
        }
        for listener in listeners { listener(keys) }
    }

    /// Renews what is about to end: keys, certificates.
    private func maintain(now: WallTime) {
        guard let keys, let identities = state.withLock({ $0.identities }) else { return }
        do {
            var fresh = keys
            var mustRenew = now >= identities.current.renewal
            let schedule = OnionKeySchedule(state.withLock { $0.parameters })
            if now >= keyStore.nextRenewal(of: keys, schedule: schedule) {
                fresh = try keyStore.load(now: now).keys
                if let rotated = try keyStore.rotateOnionKeys(fresh, now: now, schedule: schedule) { fresh = rotated }
                mustRenew = true
            }
            guard mustRenew else { return }
            try use(fresh, now: now)
            Task { await applyCellPathSettings() }
        } catch {
            logger.error("keys could not be renewed: \(error)")
        }
    }

    // MARK: Cell path

    private func cellPathSettings() -> CellPathSettings {
        state.withLock { state in
            var settings = CellPathSettings(clientTLS: clientTLS)
            settings.identities = state.identities
            settings.serverTLS = state.serverTLS
            settings.onionKeys = state.keys?.onionKeySnapshot
            let configured = Self.ownAddresses(state.settings)
            settings.ownAddresses = configured.isEmpty ? state.suggestedAddress.map { [$0] } ?? [] : configured
            settings.extendsToPrivateAddresses = state.settings.relay.extendsToPrivateAddresses
            settings.handshakeTime = .nanoseconds(Int64(state.settings.node.handshakeTimeout / .nanoseconds(1)))
            settings.keepalive = state.settings.node.keepalivePeriod
            settings.countsPrivateBandwidth = state.settings.bandwidth.countsPrivate
            let parameters = state.parameters
            settings.padding = ChannelPaddingSettings(parameters, state.settings)
            settings.circuitPadding = CircuitPaddingSettings(parameters, state.settings)
            settings.circuitQueueLimit = Int(
                parameters.value(
                    "circ_max_cell_queue_size", default: Int32(CellPathLimits.circuitQueue), in: 1_000...Int32.max))
            settings.endpoint.circuitWindow = Int(
                parameters.value("circwindow", default: 1_000, in: 100...1_000))
            settings.endpoint.congestion = CongestionParameters(parameters)
            settings.streamQueueHigh = Int(
                parameters.value("cellq_high", default: Int32(CellPathLimits.streamQueueHigh), in: 1...1_000))
            settings.streamQueueLow = Int(
                parameters.value("cellq_low", default: Int32(CellPathLimits.streamQueueLow), in: 1...1_000))
            settings.endpoint.sendmeAcceptMinVersion = UInt8(
                clamping: parameters.value("sendme_accept_min_version", default: 0, in: 0...255))
            settings.endpoint.sendmeEmitMinVersion = UInt8(
                clamping: parameters.value("sendme_emit_min_version", default: 1, in: 0...1))
            settings.endpoint.allowsNonEarlyExtend =
                parameters.value("AllowNonearlyExtend", default: 0, in: 0...1) == 1
            settings.endpoint.isStrict = state.settings.plugins.hasStrictCircuits
            return settings
        }
    }

    /// Gives the corridors what has changed.
    package func applyCellPathSettings() async {
        let settings = cellPathSettings()
        for index in loops.indices { try? await onLoop(index) { $0.apply(settings) } }
    }
}

/// Why a node did not do something.
package enum NodeError: Error, Hashable, Sendable {
    /// It has been stopped.
    case stopped
}

extension BandwidthSettings {
    /// What the bandwidth gates go by.
    fileprivate var limits: SharedBandwidth.Limits {
        var limits = SharedBandwidth.Limits(all: .init(rate: rate, burst: burst))
        if let relayRate { limits.relayed = .init(rate: relayRate, burst: relayBurst ?? relayRate) }
        if let perConnectionRate {
            limits.perConnection = .init(rate: perConnectionRate, burst: perConnectionBurst ?? perConnectionRate)
        }
        return limits
    }
}
