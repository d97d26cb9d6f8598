import Authority
import Client
import Configuration
import Directory
import Logging
import Node
import Relay
import Transport

/// A node put together from its settings: which roles it plays, in which order they start and end.
final class NodeProgram: Sendable {
    /// What this program calls itself.
    static let version = "Fanion 0.1.0"
    /// What a descriptor says that we speak: only what was seen to work against C Tor.
    static let protocols: ProtocolList =
        "Cons=1-2 Desc=1-2 DirCache=2 FlowCtrl=1 Link=4-5 LinkAuth=3 Microdesc=1-2 Relay=2,4"

    let runtime: NodeRuntime
    let directory: DirectoryRole
    let relay: RelayRole?
    let client: ClientRole?
    let authority: AuthorityRole?

    /// Loads keys and starts the corridors: what the roles stand on.
    static func start(_ settings: Settings, logger: Logger) async throws -> NodeProgram {
        let runtime = try NodeRuntime(settings: settings, version: version, logger: logger)
        do {
            try await runtime.start()
            let program = try NodeProgram(runtime)
            try await program.startRoles()
            return program
        } catch {
            await runtime.stop()
            throw error
        }
    }

    private init(_ runtime: NodeRuntime) throws {
        self.runtime = runtime
        let settings = runtime.settings
        directory = DirectoryRole(runtime: runtime)
        relay =
            settings.relay.isRelay
            ? RelayRole(
                runtime: runtime, protocols: Self.protocols, platform: Self.version + " on Linux")
            : nil
        client = settings.client.socksPorts.isEmpty ? nil : ClientRole(runtime: runtime, directory: directory)
        authority = settings.authority.isAuthority ? try AuthorityRole(runtime: runtime) : nil
    }

    private func startRoles() async throws {
        try await directory.prepare()
        try await relay?.start()
        try await authority?.start()
        try await client?.start()
        try await directory.start()
        let authority = self.authority
        try await relay?.startPublishing { authority?.take($0, now: .now) }
    }

    /// Puts another configuration in force.
    func reload(_ settings: Settings) async throws {
        try settings.checkTransition(from: runtime.settings)
        await runtime.apply(settings)
        try await relay?.reload()
    }

    /// Ends everything, in the opposite order of its start.
    func stop() async {
        await client?.stop()
        await authority?.stop()
        await directory.stop()
        await relay?.stop()
        await runtime.stop()
    }
}
