internal import CellPath
package import Cells
internal import Circuits
internal import Configuration
internal import Directory
internal import Logging
internal import NIOCore
internal import NIOPosix
package import Node
internal import Synchronization

/// A directory authority put together: its driver on a loop of its own, behind the node's directory server.
///
/// Safe to call from anywhere.
package final class AuthorityRole: Sendable {
    private let runtime: NodeRuntime
    private let driver: AuthorityDriver
    private let group: MultiThreadedEventLoopGroup

    /// The authority side of a node whose keys are loaded.
    ///
    /// - Throws: a `FileError` or `AuthorityError`.
    package init(runtime: NodeRuntime) throws {
        self.runtime = runtime
        let keys = try KeyStore(runtime.settings).loadAuthorityKeys()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        let corridors = runtime.corridors
        let probeLoop = runtime.loops[0]
        driver = try AuthorityDriver(
            settings: runtime.settings, signingKey: keys.signingKey, certificate: keys.certificate,
            ownRelay: runtime.keys?.identity, store: runtime.store,
            transport: DirPortTransport(client: DirPortClient(dialer: runtime.environment.dialer)),
            probe: { target in
                probeLoop.flatSubmit {
                    corridors.corridor(0)?.probe(target) ?? probeLoop.makeFailedFuture(NodeError.stopped)
                }
            }, loop: group.next(), logger: runtime.logger)
    }

    /// Begins to vote, and to take uploads.
    package func start() async throws {
        runtime.directoryServer.setAuthority(driver)
        try await driver.start().get()
    }

    /// Stops, and writes what is to be kept.
    package func stop() async {
        try? await driver.stop().get()
        try? await group.shutdownGracefully()
    }

    /// Takes this node's own descriptor, as if it had been uploaded.
    package func take(_ publication: RelayDescriptorFactory.Publication, now: WallTime) {
        let upload = DirectoryUpload(
            .descriptors, body: publication.upload,
            peer: DirectoryPeer(address: nil, isEncrypted: false, isAnonymous: false))
        driver.receiveUpload(upload, now: now) { [logger = runtime.logger] answer in
            if case .refused(_, let reason) = answer {
                logger.warning("our own authority refuses our descriptor: \(reason)")
            }
        }
    }
}
