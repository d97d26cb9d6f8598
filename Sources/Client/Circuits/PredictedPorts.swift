/// Ports that programs used lately, for which circuits are built ahead (path-spec §2.1.1).
struct PredictedPorts {
    private var lastUsed: [UInt16: ContinuousClock.Instant] = [:]
    /// How long a port stays predicted.
    var relevance: Duration

    /// C Tor's first guess: a web page.
    private static let first: UInt16 = 443

    init(relevance: Duration, now: ContinuousClock.Instant) {
        self.relevance = relevance
        lastUsed[Self.first] = now
    }

    /// A program asked for a port; for a look-up a web page is likely to follow.
    mutating func note(_ port: UInt16, now: ContinuousClock.Instant) {
        lastUsed[port == 0 ? Self.first : port] = now
    }

    /// The ports that are predicted now, the last used first.
    mutating func ports(at now: ContinuousClock.Instant) -> [UInt16] {
        lastUsed = lastUsed.filter { $0.value + relevance >= now }
        return lastUsed.sorted { ($0.value, $0.key) > ($1.value, $1.key) }.map(\.key)
    }
}
