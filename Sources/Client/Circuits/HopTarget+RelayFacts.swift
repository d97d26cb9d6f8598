package import Circuits
package import Paths

extension HopTarget {
    /// A relay of the network as a hop.
    package init(_ relay: RelayFacts) {
        self.init(
            rsaIdentity: relay.rsaIdentity, ed25519Identity: relay.ed25519Identity, endpoints: relay.endpoints,
            onionKey: relay.onionKey, supportsNtorV3: relay.supportsNtorV3,
            supportsPlugins: relay.supportsPlugins, supportsCongestionControl: relay.supportsCongestionControl,
            nickname: relay.nickname)
    }
}
