/// Numbers of the pool of circuits; C Tor's unless it says otherwise.
enum PoolLimits {
    /// A host is tried through so many exits.
    static let hostFailures = 3
    /// A stream whose circuits go away is tried so often. Ours: C Tor does not try such streams again.
    static let streamLosses = 10
    /// So many addresses are remembered of what an exit refused. Ours: an exit should not fill our memory.
    static let refusedAddresses = 256
    /// Every predicted port has so many circuits.
    static let circuitsForPort = 2
    /// No circuit is built ahead when so many are unused.
    static let unusedCircuits = 14
    /// Unused circuits live so long while timeouts are being learnt.
    static let idleWhileLearning = Duration.seconds(180)
    /// So long a guard has to answer the first handshake, its channel included. Ours: C Tor times the two apart.
    static let firstHopPatience = Duration.seconds(30)
    /// After so many failures …
    static let failuresInWindow = 10
    /// … within this, building pauses. Ours: C Tor counts 5 in 30 seconds, too slow a recovery from a dead relay.
    static let failureWindow = Duration.seconds(5)
    /// A relay that could not be reached is avoided for so long. Ours, because a dead relay stays in the consensus for hours;
    /// C Tor's relays do not try it again for as long either.
    static let unreachableFor = Duration.seconds(60)
    /// No more relays than this are avoided, so that a guard that breaks circuits cannot drive us into the arms of its friends.
    static let unreachableRelays = 8
}
