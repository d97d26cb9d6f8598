internal import Cells
package import Circuits
package import Directory
package import Paths

extension DirectorySnapshot {
    /// The network as paths see it: the microdescriptor consensus with what is known of its relays; nil without one.
    package func network() -> NetworkView? {
        guard let consensus = consensus(.microdesc) else { return nil }
        return NetworkView(consensus) { microdescriptors[$0] }
    }

    /// A relay of a consensus as the first hop of a circuit; without its microdescriptor, for CREATE_FAST.
    package func hop(_ router: RouterStatus) -> HopTarget {
        let document = microdescriptor(of: router)
        return HopTarget(
            rsaIdentity: router.identity, ed25519Identity: document?.ed25519Identity,
            endpoints: [router.endpoint] + (router.ipv6.map { [$0] } ?? []), onionKey: document?.ntorOnionKey,
            supportsNtorV3: router.protocols.supports("Relay", 4),
            supportsPlugins: router.protocols.supports("Plugin", 1),
            supportsCongestionControl: router.protocols.supports("FlowCtrl", 2), nickname: router.nickname)
    }
}
