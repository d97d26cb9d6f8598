package import Directory

extension NetworkView {
    /// A microdescriptor consensus, with what is there of its microdescriptors.
    package init(_ consensus: Consensus, microdescriptor: (MicrodescriptorDigest) -> Microdescriptor?) {
        self.init(
            relays: consensus.routers.map { status in
                let known = status.microdescriptorDigest.flatMap(microdescriptor)
                return known.map { RelayFacts(status, $0) } ?? RelayFacts(status)
            },
            parameters: consensus.parameters, bandwidthWeights: consensus.bandwidthWeights,
            validAfter: consensus.validAfter, validUntil: consensus.validUntil)
    }
}

extension RelayFacts {
    /// A relay of a consensus with its microdescriptor.
    package init(_ status: RouterStatus, _ microdescriptor: Microdescriptor) {
        self.init(status)
        ed25519Identity = microdescriptor.ed25519Identity
        onionKey = microdescriptor.ntorOnionKey
        family = microdescriptor.family ?? RelayFamily([])
        familyKeys = Set(microdescriptor.familyIDs)
        ipv4Policy = microdescriptor.exitPolicy ?? .rejectAll
        ipv6Policy = microdescriptor.ipv6Policy ?? .rejectAll
        if status.ipv6 == nil, let ipv6 = microdescriptor.ipv6 { endpoints.append(ipv6) }
    }
}
