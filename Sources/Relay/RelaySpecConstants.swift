/// What C Tor does, so that relays cannot be told apart by their answers.
enum RelaySpec {
    /// The life of an answer that a name server gave less for than this, in seconds.
    static let shortTimeToLive: UInt32 = 300
    /// The life of every other answer: two values only, lest lookups be told apart by their age.
    static let longTimeToLive: UInt32 = 3_600
    /// Either is blurred by so much both ways.
    static let timeToLiveBlur: UInt32 = 240
    /// The life of an address that the client gave itself.
    static let literalTimeToLive: UInt32 = 1_800
    /// The life of every answer in RESOLVED.
    static let resolvedTimeToLive: UInt32 = 60
    /// How long a name server may take (the consensus parameter `exit_dns_timeout`), in milliseconds.
    static let nameServerTimeout: Int32 = 1_000
    /// How often each is asked (`exit_dns_num_attempts`).
    static let nameServerAttempts: Int32 = 2
}
