internal import CellPath
internal import Cells
internal import Circuits
internal import Configuration
internal import Directory
internal import Logging
internal import NIOCore
package import Node
internal import OnionCrypto
internal import Paths
internal import Synchronization

/// A client put together: circuits for programs behind SocksPorts, by what the directory client has found.
///
/// Lives on the node's first loop; safe to call from anywhere.
package final class ClientRole: Sendable {
    /// What lives on the loop.
    private final class Parts {
        let circuits: ClientCircuits
        var subscription: UInt64?

        init(circuits: ClientCircuits) {
            self.circuits = circuits
        }
    }

    private struct State {
        var parts: NIOLoopBound<Parts>?
        var listeners: [SOCKSListener] = []
        var isUsable = false
        var eventListeners: [@Sendable (ClientEvent) -> Void] = []
    }

    private let runtime: NodeRuntime
    private let directory: DirectoryRole
    private let statePath: String
    private let state = Mutex(State())

    /// The client side of a node.
    package init(runtime: NodeRuntime, directory: DirectoryRole) {
        self.runtime = runtime
        self.directory = directory
        statePath = runtime.settings.node.dataDirectory + "/state"
    }

    /// Reads the state file, starts circuits, opens the SocksPorts.
    package func start() async throws {
        let settings = runtime.settings
        let lines = StateLines.lines(of: String(decoding: try SecureFiles.read(statePath) ?? [], as: UTF8.self))
        let runtime = self.runtime
        let role = self
        let parts = try await runtime.onLoop(0) { corridor in
            var pool = PoolSettings(settings.client)
            pool.rules.ownIdentity = runtime.keys?.identity
            pool.rules.pluginPositions = settings.plugins.requiredPositions
            let circuits = ClientCircuits(
                launcher: corridor, settings: pool, stateLines: lines,
                version: runtime.version, logger: runtime.logger, generator: SystemRandom(),
                weigher: PathDoor(NIOLoopBound(corridor, eventLoop: corridor.eventLoop)))
            circuits.onStateChange = { role.save($0) }
            return NIOLoopBound(Parts(circuits: circuits), eventLoop: corridor.eventLoop)
        }
        state.withLock { $0.parts = parts }
        try await directory.onClient { client in
            client.guards = parts.value.circuits
            client.enoughChanged = { role.enoughChanged($0) }
            role.enoughChanged(client.hasEnough)
        }
        let subscription = runtime.store.subscribe { _ in role.networkMayHaveChanged() }
        try await runtime.onLoop(0) { _ in
            parts.value.subscription = subscription
            parts.value.circuits.onEvent = { role.hear($0) }
            parts.value.circuits.start()
        }
        for (index, port) in settings.client.socksPorts.enumerated() {
            let listener = try await PortError.naming("SocksPort", port.address) {
                try await runtime.onLoop(0) { _ in
                    SOCKSListener.open(
                        port, index: index, settings: settings.client, circuits: parts.value.circuits)
                }.get()
            }
            runtime.logger.notice("Opened Socks listener connection (ready) on \(listener.address.text)")
            state.withLock { $0.listeners.append(listener) }
        }
    }

    /// Ends streams and circuits, writes the state file.
    package func stop() async {
        let (parts, listeners) = state.withLock { ($0.parts, $0.listeners) }
        for listener in listeners { try? await listener.close().get() }
        guard let parts else { return }
        try? await runtime.onLoop(0) { [store = runtime.store] _ in
            if let subscription = parts.value.subscription { store.unsubscribe(subscription) }
            parts.value.circuits.stop()
        }
    }

    /// Where it listens for SOCKS.
    package var socksAddresses: [String] { state.withLock { $0.listeners.map(\.address.text) } }

    /// Has `listener` hear what happens to circuits, streams and guards, on their loop.
    package func onEvent(_ listener: @escaping @Sendable (ClientEvent) -> Void) {
        state.withLock { $0.eventListeners.append(listener) }
    }

    /// Whether there are enough documents for circuits.
    package var isUsable: Bool { state.withLock { $0.isUsable } }

    /// Runs `body` with the client's circuits, on their loop.
    package func onCircuits<Result: Sendable>(
        _ body: @escaping @Sendable (ClientCircuits) throws -> Result
    ) async throws -> Result? {
        guard let parts = state.withLock({ $0.parts }) else { return nil }
        return try await runtime.onLoop(0) { _ in try body(parts.value.circuits) }
    }

    // MARK: What others tell

    private func enoughChanged(_ isUsable: Bool) {
        state.withLock { $0.isUsable = isUsable }
        networkMayHaveChanged()
    }

    private func networkMayHaveChanged() {
        let (parts, isUsable) = state.withLock { ($0.parts, $0.isUsable) }
        guard let parts else { return }
        guard let view = runtime.store.snapshot.network() else { return }
        runtime.loops[0].execute {
            parts.value.circuits.networkChanged(view, isUsable: isUsable)
        }
    }

    private func hear(_ event: ClientEvent) {
        if case .firstCircuitOpened = event { runtime.progress.reach(.done) }
        for listener in state.withLock({ $0.eventListeners }) { listener(event) }
    }

    private func save(_ lines: [String]) {
        do {
            let old = String(decoding: try SecureFiles.read(statePath) ?? [], as: UTF8.self)
            let text = StateLines.merging(lines, of: StateLines.clientWords, into: old)
            try SecureFiles.write(Array(text.utf8), to: statePath)
        } catch {
            runtime.logger.warning("the state file cannot be written: \(error)")
        }
    }
}

extension ClientCircuits: DirectoryGuards {}
