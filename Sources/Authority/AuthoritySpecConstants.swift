/// What all authorities must do alike: C Tor's numbers and lists, and the specification's.
enum AuthoritySpec {
    /// dir-spec §3.4.1: subprotocols that votes recommend to clients.
    static let recommendedClientProtocols =
        "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4 HSRend=2 Link=4-5 Microdesc=2 Relay=2-4"
    /// Subprotocols that votes recommend to relays.
    static let recommendedRelayProtocols =
        "Cons=2 Desc=2 DirCache=2 FlowCtrl=1-2 HSDir=2 HSIntro=4-5 HSRend=2 Link=4-5 LinkAuth=3 Microdesc=2 Relay=2-4"
    /// Subprotocols without which a client is to stay away.
    static let requiredClientProtocols = "Cons=2 Desc=2 FlowCtrl=1 Link=4 Microdesc=2 Relay=2"
    /// Subprotocols without which a relay is to stay away.
    static let requiredRelayProtocols = recommendedRelayProtocols
    /// Seconds after which a descriptor is voted for no more.
    static let descriptorAge: Int64 = 24 * 60 * 60
    /// Seconds that a descriptor may be ahead of our clock.
    static let allowedSkew: Int64 = 12 * 60 * 60
    /// Seconds for which a descriptor that changes nothing is not worth replacing another.
    static let cosmeticTime: Int64 = 2 * 60 * 60
    /// Seconds by which the uptimes of two descriptors may miss each other.
    static let uptimeDrift: Int64 = 6 * 60 * 60
    /// Bytes per second above which nobody is believed.
    static let believableBandwidth: Int32 = 10_000_000
    /// Seconds from one round of reachability tests to the next.
    static let testInterval: Int64 = 10
    /// In how many rounds each relay is tested once.
    static let testRounds = 128
    /// Seconds in which each relay is tested once.
    static let testCycle = testInterval * Int64(testRounds)
    /// Seconds after which a bandwidth file is too old.
    static let bandwidthFileAge: Int64 = 3 * 24 * 60 * 60
    /// How many headers of a bandwidth file a vote has at most.
    static let bandwidthFileHeaders = 50
    /// Seconds that a move to another address costs a relay: half of the time until clients know.
    static let movePenalty: Int64 = 30 * 60
}

/// What we chose, with the reason.
enum AuthorityLimits {
    /// Seconds for which a relay's descriptor is kept after it was published: C Tor's caches keep them as long.
    static let descriptorLifetime: Int64 = 5 * 24 * 60 * 60
    /// Reachability tests at one time: each is a TLS connection.
    static let concurrentProbes = 64
    /// Seconds from one saving of the relays' histories to the next; C Tor's number.
    static let stabilitySaveInterval: Int64 = 30 * 60
    /// Descriptors that one request asks another authority for; the URL must not become too long.
    static let descriptorsPerRequest = 96
    /// Seconds of uptime that are believed: whatever a relay says must not overflow.
    static let believableUptime: Int64 = 1 << 40
    /// Bytes of all votes that are accepted in one upload.
    static let voteLength = 32 << 20
    /// Signatures that wait for our consensus: there are at most a few per authority.
    static let queuedSignatures = 64
}
