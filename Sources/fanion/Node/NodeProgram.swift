import Authority
import CellPath
import Cells
import Client
import Configuration
import Control
import Directory
import Logging
import NIOCore
import Node
import PluginHost
import Relay
import ServiceLifecycle
import Synchronization
import Transport

/// A node put together from its settings: which roles it plays, in which order they start and end.
final class NodeProgram: NodeRunner {
    /// What a descriptor says that we speak: only what was seen to work against C Tor.
    static let protocols: ProtocolList =
        "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1-2 Link=4-5 LinkAuth=3 Microdesc=1-2 Padding=2 Plugin=1 Relay=2-4"

    let runtime: NodeRuntime
    let directory: DirectoryRole
    let relay: RelayRole?
    let client: ClientRole?
    let authority: AuthorityRole?
    let torrcPath: String?
    private let start: NodeStart
    private let control = Mutex<(service: ControlService, places: [String])?>(nil)

    /// Loads keys; starts nothing yet.
    init(_ start: NodeStart) async throws {
        self.start = start
        torrcPath = start.torrcPath
        let settings = start.settings
        runtime = try NodeRuntime(
            settings: settings, version: "Fanion \(Version.text)", logger: start.logger)
        do {
            try await runtime.start()
            runtime.watchDemands(Self.protocols)
            directory = DirectoryRole(runtime: runtime)
            relay =
                settings.relay.isRelay
                ? RelayRole(
                    runtime: runtime, protocols: Self.protocols, platform: "Fanion \(Version.text) on Linux") : nil
            client = settings.client.socksPorts.isEmpty ? nil : ClientRole(runtime: runtime, directory: directory)
            authority = settings.authority.isAuthority ? try AuthorityRole(runtime: runtime) : nil
        } catch {
            await runtime.stop()
            throw error
        }
    }

    /// Serves until a graceful shutdown is triggered.
    func run() async throws {
        do {
            try await startRoles()
        } catch {
            await stop()
            throw error
        }
        // Ends when somebody asks for it; nothing here ends by itself.
        try? await gracefulShutdown()
        await stop()
    }

    private func startRoles() async throws {
        try await directory.prepare()
        if let relay {
            let runtime = self.runtime
            try await directory.onClient { client in
                client.addressSuggested = { address, identity in
                    guard runtime.take(suggestedAddress: address, from: identity) else { return }
                    Task { await runtime.applyCellPathSettings() }
                    relay.markDirty("IP address changed")
                }
            }
        }
        try await relay?.start()
        try await client?.start()
        try await startControl()
        if runtime.settings.node.disablesNetwork { return }
        // The directory side reads the disk, from which an authority takes up where it stopped.
        try await directory.start()
        try await authority?.start()
        followLogs()
        let authority = self.authority
        try await relay?.startPublishing { authority?.take($0, now: .now) }
    }

    /// A relay is known anyway; a client reads logs through its circuits.
    private func followLogs() {
        if relay == nil, let client {
            runtime.trust.start(over: ClientLogTransport(client: client))
        } else {
            runtime.trust.start(
                over: DirectLogTransport(dialer: runtime.environment.dialer, loop: runtime.loops[0]))
        }
    }

    private func startControl() async throws {
        let settings = runtime.settings
        guard !settings.control.ports.isEmpty else { return }
        let authentication = try ControlFiles.authentication(
            settings.control, dataDirectory: settings.node.dataDirectory)
        let service = ControlService(source: self, authentication: authentication, group: runtime.group)
        var places: [String] = []
        for port in settings.control.ports {
            let place = try await PortError.naming("ControlPort", port.address) { try await service.listen(on: port) }
            start.logger.notice("Opened Control listener connection (ready) on \(place)")
            places.append(place)
        }
        try ControlFiles.writePorts(places, settings.control)
        control.withLock { [places] in $0 = (service, places) }
        runtime.progress.listen { service.publish(.statusClient, $0.controlText) }
        client?.onEvent { event in
            switch event {
            case .circuit(let text): service.publish(.circuit, String(text.dropFirst("CIRC ".count)))
            case .stream(let text): service.publish(.stream, String(text.dropFirst("STREAM ".count)))
            case .guardChanged(let text): service.publish(.guard, String(text.dropFirst("GUARD ".count)))
            case .firstCircuitOpened: service.publish(.statusClient, "NOTICE CIRCUIT_ESTABLISHED")
            }
        }
    }

    private func stop() async {
        if let service = control.withLock({ $0.take() })?.service { await service.stop() }
        await client?.stop()
        await authority?.stop()
        await directory.stop()
        await relay?.stop()
        await runtime.stop()
    }

    // MARK: NodeRunner

    func reload(_ settings: Settings) async throws {
        await runtime.apply(settings)
        try await relay?.reload()
    }

    func stopAccepting() async { await relay?.hibernate() }
}

// MARK: - What controllers are told

extension NodeProgram: ControlSource {
    var version: String { Version.text }

    func circuits() async -> [String] { (try? await client?.onCircuits { $0.circuitStatusLines }) ?? [] }

    func streams() async -> [String] { (try? await client?.onCircuits { $0.streamStatusLines }) ?? [] }

    func entryGuards() async -> [String] { (try? await client?.onCircuits { $0.entryGuardLines }) ?? [] }

    func hasCircuit() async -> Bool { (try? await client?.onCircuits { $0.pool.hasOpenCircuit }) ?? false }

    func relays() async -> [RouterStatus] {
        let snapshot = runtime.store.snapshot
        return (snapshot.consensus(.ns) ?? snapshot.consensus(.microdesc))?.routers ?? []
    }

    func bootstrap() async -> ControlBootstrap {
        guard let last = runtime.progress.last else { return .starting }
        return ControlBootstrap(progress: last.percent, tag: last.phase.tag, summary: last.phase.summary)
    }

    func traffic() async -> ControlTraffic {
        let totals = await runtime.traffic()
        return ControlTraffic(read: UInt64(max(0, totals.read)), written: UInt64(max(0, totals.written)))
    }

    func pluginCounters() async -> [String] {
        await (runtime.pluginCounters() + runtime.peerPluginCounters()).map(\.line)
    }

    func pluginRefusals() async -> [String] { await runtime.pluginRefusals() }

    func listeners() async -> [String: [String]] {
        [
            "or": relay?.orEndpoints.map(\.description) ?? [],
            "dir": relay?.dirEndpoints.map(\.description) ?? [],
            "socks": client?.socksAddresses ?? [],
            "control": control.withLock { $0?.places } ?? [],
        ]
    }

    func fingerprint() async -> RSAIdentity? { runtime.keys?.identity }

    func hasEnoughDirectory() async -> Bool {
        runtime.progress.percent >= BootstrapPhase.enoughDirectoryInformation.rawValue
    }

    func receive(_ signal: ControlSignal) async {
        switch signal {
        case .newIdentity:
            _ = try? await client?.onCircuits { $0.newIdentity() }
        case .dump, .heartbeat:
            let counters = await runtime.counters()
            let traffic = await runtime.traffic()
            start.logger.notice(
                """
                Heartbeat: \(counters.circuitsCreated) circuits made here, \(counters.received) cells received, \
                \(counters.sent) sent; \(traffic.read) bytes read, \(traffic.written) written
                """)
        case .reload, .shutdown, .halt:
            // A controller's wish about the process's life is the process's to fulfil.
            start.signal(signal)
        case .clearDNSCache:
            relay?.forgetNames()
        case .debug, .active, .dormant:
            break
        }
    }
}
