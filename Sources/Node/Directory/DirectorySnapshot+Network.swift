internal import Cells
package import Circuits
package import Directory
package import Paths

extension DirectorySnapshot {
    /// The network as paths see it: the microdescriptor consensus with what is known of its relays; nil without one.
    package func network() -> NetworkView? {
        guard let consensus = consensus(.microdesc) else { return nil }
        let relays = consensus.routers.map { router in
            var relay = RelayFacts(router)
            guard let document = microdescriptor(of: router) else { return relay }
            relay.ed25519Identity = document.ed25519Identity
            relay.onionKey = document.ntorOnionKey
            relay.family = document.family ?? RelayFamily([])
            relay.familyKeys = Set(document.familyIDs)
            relay.ipv4Policy = document.exitPolicy ?? .rejectAll
            relay.ipv6Policy = document.ipv6Policy ?? .rejectAll
            return relay
        }
        return NetworkView(
            relays: relays, parameters: consensus.parameters, bandwidthWeights: consensus.bandwidthWeights,
            validAfter: consensus.validAfter, validUntil: consensus.validUntil)
    }

    /// A relay of a consensus as the first hop of a circuit; without its microdescriptor, for CREATE_FAST.
    package func hop(_ router: RouterStatus) -> HopTarget {
        let document = microdescriptor(of: router)
        return HopTarget(
            rsaIdentity: router.identity, ed25519Identity: document?.ed25519Identity,
            endpoints: [router.endpoint] + (router.ipv6.map { [$0] } ?? []), onionKey: document?.ntorOnionKey,
            supportsNtorV3: router.protocols.supports("Relay", 4), nickname: router.nickname)
    }
}
