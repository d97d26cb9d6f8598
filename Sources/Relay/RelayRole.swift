internal import CellPath
package import Cells
internal import Configuration
package import Directory
internal import Logging
internal import NIOCore
package import Node
internal import Synchronization
internal import Transport

/// A relay put together: ORPorts, exit streams and their names, the directory cache, its own descriptor.
///
/// Safe to call from anywhere.
package final class RelayRole: Sendable {
    private struct State {
        var listeners: [Listener] = []
        var dirPorts: [DirPortServer] = []
        var resolver: DNSResolver?
        var exits: [NIOLoopBound<ExitStreams>] = []
        var observed = ObservedBandwidth()
        var published = PublishedBandwidth()
        /// When it was last looked whether what is published still holds, in seconds since the start.
        var lastLook: Int64 = 0
        var sampler: Task<Void, Never>?
        var publisher: NIOLoopBound<DescriptorPublisher>?
        var subscription: UInt64?
        var reentrySubscription: UInt64?
        /// ORPorts of the consensus: exit streams do not go there.
        var relayEndpoints: Set<SocketEndpoint> = []
    }

    private let runtime: NodeRuntime
    private let protocols: ProtocolList
    private let platform: String
    private let state = Mutex(State())

    /// The relay side of a node.
    ///
    /// - Parameters:
    ///   - protocols: what the descriptor says that we speak.
    ///   - platform: what the descriptor says that we are: "Fanion 0.1.0 on Linux".
    package init(runtime: NodeRuntime, protocols: ProtocolList, platform: String) {
        self.runtime = runtime
        self.protocols = protocols
        self.platform = platform
    }

    /// Starts exit streams and DNS, and opens the ports.
    package func start() async throws {
        let settings = runtime.settings
        let rules = try exitRules()
        let resolver = try DNSResolver(DNSResolverSettings(settings))
        state.withLock { $0.resolver = resolver }
        let runtime = self.runtime
        let servesDirectory = settings.relay.isDirectoryCache || settings.authority.isAuthority
        for index in runtime.loops.indices {
            let exit = try await runtime.onLoop(index) { corridor in
                let exit = ExitStreams(
                    eventLoop: corridor.eventLoop, rules: rules, resolver: resolver, gate: corridor.gate,
                    directory: servesDirectory
                        ? { port in
                            let origin = port.clientward
                            return DirectoryStreamServer(
                                port: port, server: runtime.directoryServer,
                                peer: DirectoryPeer(
                                    address: origin?.address, isEncrypted: true,
                                    isAnonymous: origin?.isFirstHop != true))
                        } : nil)
                corridor.streamAcceptor = exit
                return NIOLoopBound(exit, eventLoop: corridor.eventLoop)
            }
            state.withLock { $0.exits.append(exit) }
        }
        for port in settings.relay.orPorts where port.listens {
            guard let endpoint = port.address.listeningEndpoint else { continue }
            let listener = try await PortError.naming("ORPort", port.address) {
                try await Listener.bind(endpoint, loops: runtime.group) { socket in
                    guard let index = runtime.index(of: socket.eventLoop),
                        let corridor = runtime.corridors.corridor(index)
                    else { throw NodeError.stopped }
                    try corridor.accept(socket)
                }.get()
            }
            runtime.logger.notice("Opened OR listener connection (ready) on \(listener.endpoint)")
            state.withLock { $0.listeners.append(listener) }
        }
        for port in settings.relay.dirPorts where port.listens {
            guard let endpoint = port.address.listeningEndpoint else { continue }
            let server = try await PortError.naming("DirPort", port.address) {
                try await DirPortServer.bind(
                    endpoint, loops: runtime.group, server: runtime.directoryServer,
                    stall: .nanoseconds(Int64(settings.directory.maxStall / .nanoseconds(1)))
                ).get()
            }
            runtime.logger.notice("Opened Directory listener connection (ready) on \(server.endpoint)")
            state.withLock { $0.dirPorts.append(server) }
        }
        runtime.directoryServer.setOwnAddress(runtime.ownAddresses.first)
        let knownRelays = runtime.store.subscribe { [weak self] _ in
            Task { await self?.refuseReentry() }
        }
        state.withLock { $0.reentrySubscription = knownRelays }
        let sampler = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                await self?.sample()
            }
        }
        state.withLock { $0.sampler = sampler }
    }

    /// Publishes this relay's descriptor from now on, whenever there is reason to.
    ///
    /// - Parameter onPublication: Hears of each new descriptor: an authority in the same process takes it from there.
    package func startPublishing(
        onPublication: @escaping @Sendable (RelayDescriptorFactory.Publication) -> Void
    ) async throws {
        guard let identity = runtime.keys?.identity else { return }
        let runtime = self.runtime
        let settings = runtime.settings
        let isPublic = settings.relay.publishesDescriptor
        let publisher = try await runtime.onLoop(0) { corridor in
            let publisher = DescriptorPublisher(
                fetcher: DirectoryFetcher(launcher: corridor),
                authorities: isPublic ? settings.directory.authorities : [], ownIdentity: identity,
                logger: runtime.logger, dirPorts: DirPortClient(dialer: runtime.environment.dialer)
            ) { [weak self] _ in
                guard let self, let publication = publish() else { return nil }
                onPublication(publication)
                return publication.upload
            }
            publisher.start()
            return NIOLoopBound(publisher, eventLoop: corridor.eventLoop)
        }
        let loop = runtime.loops[0]
        let subscription = runtime.store.subscribe { [store = runtime.store] _ in
            let snapshot = store.snapshot
            loop.execute { publisher.value.consensusChanged(snapshot) }
        }
        state.withLock {
            $0.publisher = publisher
            $0.subscription = subscription
        }
        runtime.onNewKeys { [weak self] _ in self?.markDirty("rotated onion key") }
    }

    /// Something in the descriptor has changed.
    package func markDirty(_ reason: String) {
        guard let publisher = state.withLock({ $0.publisher }) else { return }
        runtime.loops[0].execute { publisher.value.markDirty(reason) }
    }

    private func publish() -> RelayDescriptorFactory.Publication? {
        do {
            let publication = try makeDescriptor(now: .now)
            runtime.store.setOwn(publication.router, extraInfo: publication.extraInfo)
            state.withLock { $0.published.publish(Int(publication.router.bandwidth.observed)) }
            return publication
        } catch {
            runtime.logger.warning("no descriptor can be published: \(error)")
            return nil
        }
    }

    /// Takes no more connections and streams; what is open goes with the node.
    package func stop() async {
        let (listeners, dirPorts, resolver, sampler, publisher, subscription) = state.withLock { state in
            (
                state.listeners, state.dirPorts, state.resolver.take(), state.sampler.take(), state.publisher.take(),
                state.subscription.take()
            )
        }
        sampler?.cancel()
        if let subscription { runtime.store.unsubscribe(subscription) }
        if let id = state.withLock({ $0.reentrySubscription.take() }) { runtime.store.unsubscribe(id) }
        if let publisher { try? await runtime.onLoop(0) { _ in publisher.value.stop() } }
        for listener in listeners { try? await listener.close().get() }
        for server in dirPorts { try? await server.close().get() }
        if let resolver { await Task.detached { resolver.stop() }.value }
    }

    /// Takes no new streams and circuits from now on, as before the end of the node.
    package func hibernate() async {
        await setRules { $0.isHibernating = true }
    }

    /// Puts the configuration in force that the node has now.
    package func reload() async throws {
        let rules = try exitRules()
        await setRules { $0 = rules }
        forgetNames()
        markDirty("config change")
    }

    /// Looks every name up anew, by the name servers that the files name now.
    package func forgetNames() {
        let settings = DNSResolverSettings(runtime.settings)
        state.withLock { $0.resolver }?.configure(settings)
    }

    private func setRules(_ change: @escaping @Sendable (inout ExitRules) -> Void) async {
        for (index, exit) in state.withLock({ $0.exits }).enumerated() {
            try? await runtime.onLoop(index) { _ in change(&exit.value.rules) }
        }
    }

    private func exitRules() throws(ExitPolicy.RuleError) -> ExitRules {
        var rules = try ExitRules(runtime.settings, ownAddresses: runtime.ownAddresses)
        let relays = state.withLock { $0.relayEndpoints }
        rules.isRelay = { relays.contains($0) }
        return rules
    }

    /// Follows the consensus: nobody comes back into the network through an exit, unless it says so
    /// (`allow-network-reentry`).
    private func refuseReentry() async {
        guard let consensus = runtime.store.snapshot.consensus(.microdesc) else { return }
        let isAllowed = consensus.parameters.value("allow-network-reentry", default: 0, in: 0...1) == 1
        var endpoints: Set<SocketEndpoint> = []
        if !isAllowed {
            for router in consensus.routers {
                endpoints.insert(router.endpoint)
                if let ipv6 = router.ipv6 { endpoints.insert(ipv6) }
            }
            for authority in runtime.settings.directory.authorities {
                endpoints.insert(SocketEndpoint(address: authority.address, port: authority.dirPort))
            }
        }
        let hasChanged = state.withLock { state in
            defer { state.relayEndpoints = endpoints }
            return state.relayEndpoints != endpoints
        }
        guard hasChanged else { return }
        let relays = endpoints
        await setRules { $0.isRelay = { relays.contains($0) } }
    }

    /// Where ORPorts and DirPorts listen.
    package var orEndpoints: [SocketEndpoint] { state.withLock { $0.listeners.map(\.endpoint) } }

    /// Where DirPorts listen.
    package var dirEndpoints: [SocketEndpoint] { state.withLock { $0.dirPorts.map(\.endpoint) } }

    /// A fresh descriptor with its extra-info document.
    ///
    /// - Throws: a `RelayDescriptorFactory.Failure`.
    package func makeDescriptor(now: WallTime) throws -> RelayDescriptorFactory.Publication {
        let settings = runtime.settings
        guard let keys = runtime.keys, let ipv4 = advertisedEndpoint(isV6: false) else {
            throw RelayDescriptorFactory.Failure.noAddress
        }
        var moment = RelayDescriptorFactory.Moment(ipv4: ipv4, now: now)
        moment.ipv6 = advertisedEndpoint(isV6: true)
        moment.dirPort = settings.relay.dirPorts.contains(where: \.advertises) ? dirEndpoints.first?.port ?? 0 : 0
        moment.observedBandwidth = state.withLock { $0.observed.bytesPerSecond }
        moment.uptime = Int64((ContinuousClock.now - runtime.startTime) / .seconds(1))
        return try RelayDescriptorFactory(settings, protocols: protocols, platform: platform)
            .publication(of: keys, at: moment)
    }

    private func advertisedEndpoint(isV6: Bool) -> SocketEndpoint? {
        for (port, endpoint) in zip(runtime.settings.relay.orPorts.filter(\.listens), orEndpoints)
        where port.advertises && endpoint.address.isV6 == isV6 {
            let address =
                endpoint.address.isUnspecified
                ? runtime.ownAddresses.first { $0.isV6 == isV6 } : endpoint.address
            if let address { return SocketEndpoint(address: address, port: endpoint.port) }
        }
        return nil
    }

    private func sample() async {
        let traffic = await runtime.traffic()
        let second = Int64((ContinuousClock.now - runtime.startTime) / .seconds(1))
        let isTesting = runtime.settings.node.isTestingNetwork
        let isOutdated = state.withLock { state in
            state.observed.note(read: traffic.relayedRead, written: traffic.relayedWritten, second: second)
            // As often as C Tor looks.
            guard second >= state.lastLook + 60 else { return false }
            state.lastLook = second
            return state.published.isOutdated(
                by: state.observed.bytesPerSecond, second: second, isTesting: isTesting)
        }
        if isOutdated { markDirty("bandwidth has changed") }
    }
}

extension PortAddress {
    /// Where to listen: a port that is `auto` is 0. Nil for a Unix socket.
    fileprivate var listeningEndpoint: SocketEndpoint? {
        guard case .tcp(let address, let port) = self else { return nil }
        return SocketEndpoint(address: address, port: port ?? 0)
    }
}
