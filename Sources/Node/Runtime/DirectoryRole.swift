internal import CellPath
internal import Configuration
internal import Directory
internal import NIOCore
internal import Synchronization

/// The directory side that every node has: keeps the store up to date, on the node's first loop.
///
/// Safe to call from anywhere.
package final class DirectoryRole: Sendable {
    private let runtime: NodeRuntime
    private let client = Mutex<NIOLoopBound<DirectoryClient>?>(nil)
    private let subscription = Mutex<UInt64?>(nil)

    /// The directory client of a node.
    package init(runtime: NodeRuntime) {
        self.runtime = runtime
    }

    /// Reads the disk, and makes the client; nothing is fetched yet.
    package func prepare() async throws {
        let runtime = self.runtime
        let settings = DirectoryClientSettings(runtime.settings, ownIdentity: runtime.keys?.identity)
        let stall = runtime.settings.directory.maxStall
        let made = try await runtime.onLoop(0) { corridor in
            let fetcher = DirectoryFetcher(
                launcher: corridor, stall: .nanoseconds(Int64(stall / .nanoseconds(1))))
            let client = DirectoryClient(
                store: runtime.store, fetcher: fetcher, settings: settings, progress: runtime.progress,
                logger: runtime.logger, dirPorts: DirPortClient(dialer: runtime.environment.dialer))
            return NIOLoopBound(client, eventLoop: corridor.eventLoop)
        }
        client.withLock { $0 = made }
        let id = runtime.store.subscribe { [weak self] _ in self?.consensusMayHaveChanged() }
        subscription.withLock { $0 = id }
    }

    /// Begins to fetch.
    package func start() async throws {
        guard let client = client.withLock({ $0 }) else { return }
        try await runtime.onLoop(0) { _ in try client.value.start() }
    }

    /// Ends it.
    package func stop() async {
        if let id = subscription.withLock({ $0.take() }) { runtime.store.unsubscribe(id) }
        guard let client = client.withLock({ $0.take() }) else { return }
        try? await runtime.onLoop(0) { _ in client.value.stop() }
    }

    /// Runs `body` with the client, on its loop.
    package func onClient(_ body: @escaping @Sendable (DirectoryClient) throws -> Void) async throws {
        guard let client = client.withLock({ $0 }) else { throw NodeError.stopped }
        try await runtime.onLoop(0) { _ in try body(client.value) }
    }

    private func consensusMayHaveChanged() {
        guard let parameters = runtime.store.snapshot.consensus(.microdesc)?.parameters else { return }
        Task { [runtime] in await runtime.apply(parameters) }
    }
}
