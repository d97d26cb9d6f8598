/// Bounds that this module chose, or that C Tor chose and operators know from its messages.
package enum ConfigurationLimits {
    /// Nested `%include`s; C Tor's number. Deep enough for any folder of snippets, shallow enough to stop a loop.
    static let includeDepth = 31
    /// The least `BandwidthRate` of a relay in bytes per second; below it circuits crawl. C Tor's number.
    static let relayMinimumBandwidth = 75 * 1024
    /// The most that any bandwidth option may say: it must fit a signed 32-bit number, because descriptors carry it so.
    static let bandwidthCap = Int(Int32.max)
    /// Bounds of `MaxCircuitDirtiness` in seconds, as in C Tor.
    static let circuitDirtiness = 10...(30 * 24 * 60 * 60)
    /// The least `CircuitStreamTimeout` in seconds, as in C Tor.
    static let minimumCircuitStreamTimeout = 10
    /// Below this many seconds a fixed `CircuitBuildTimeout` gets a warning, as in C Tor.
    static let recommendedCircuitBuildTimeout = 10
    /// The most that `CircuitsAvailableTimeout` may say, in seconds.
    static let maximumCircuitsAvailableTimeout = 24 * 60 * 60
    /// The most that `MaxClientCircuitsPending` may say.
    static let maximumClientCircuitsPending = 1024
    /// The least `V3AuthVoteDelay` and `V3AuthDistDelay`, in seconds.
    static let minimumVoteDelay = 2
    /// The least `V3AuthVotingInterval`, in seconds.
    static let minimumVotingInterval = 300
    /// The least `TestingV3AuthInitialVotingInterval`, in seconds: both delays and one second between.
    static let minimumInitialVotingInterval = 5
    /// What the client listens on when no `SocksPort` is given.
    static let defaultSocksPort: UInt16 = 9050
}
