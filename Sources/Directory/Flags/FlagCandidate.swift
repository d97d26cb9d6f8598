package import Cells

/// All that an authority's opinion of one relay rests on.
package struct FlagCandidate: Hashable, Sendable {
    /// The relay.
    package var identity: RSAIdentity
    /// True if it is one of the directory authorities.
    package var isAuthority: Bool
    /// Its IPv4 address, as a number.
    package var address: UInt32
    /// Its IPv6 OR port.
    package var ipv6: SocketEndpoint?
    /// When its descriptor was published.
    package var published: WallTime
    /// The uptime that the descriptor states, in seconds.
    package var statedUptime: Int64
    /// True if the descriptor says that it hibernates.
    package var isHibernating: Bool
    /// True if its descriptor has `tunnelled-dir-server`.
    package var answersDirectoryRequests: Bool
    /// True if its descriptor has `hidden-service-dir`.
    package var wantsToBeHSDir: Bool
    /// True if its policy lets out to ports 80 and 443 of at least one /8 each.
    package var isGeneralExit: Bool
    /// The bandwidth that it advertises, in kilobytes per second.
    package var advertisedBandwidth: UInt32
    /// The bandwidth that was measured, in kilobytes per second.
    package var measuredBandwidth: UInt32?
    /// True if the authority lets it into the network.
    package var isValid: Bool
    /// When its IPv4 OR port last answered.
    package var lastReachable: WallTime?
    /// When its IPv6 OR port last answered.
    package var lastReachableIPv6: WallTime?
    /// How its reachability went.
    package var history: RelayHistory
    /// What the operator wishes of it.
    package var wishes: FlagWishes

    /// A relay of which nothing is known but where it is.
    package init(identity: RSAIdentity, address: UInt32, published: WallTime) {
        self.identity = identity
        isAuthority = false
        self.address = address
        self.published = published
        statedUptime = 0
        isHibernating = false
        answersDirectoryRequests = false
        wantsToBeHSDir = false
        isGeneralExit = false
        advertisedBandwidth = 0
        isValid = true
        history = RelayHistory()
        wishes = FlagWishes()
    }

    /// The uptime that it should have by now, going by its own word.
    func uptime(at now: WallTime) -> Int64 {
        statedUptime + max(0, now.seconds - published.seconds)
    }

    /// Seconds without an answer after which a relay is not running.
    package static let reachableTimeout: Int64 = 45 * 60

    /// Whether it is running: it answered of late on all its ports that we can reach.
    ///
    /// `isSelf` is for the authority's own entry, which is running unless it hibernates.
    package func isRunning(at now: WallTime, options: FlagOptions, isSelf: Bool = false) -> Bool {
        if isSelf { return !isHibernating }
        let reached = lastReachable?.seconds ?? 0
        // An hour after it went to sleep it may have woken up again without our having its new descriptor.
        if isHibernating, published.seconds + 3600 > reached { return false }
        if !options.testsReachability { return true }
        let reachedIPv6 = lastReachableIPv6?.seconds ?? 0
        return now.seconds < reached + Self.reachableTimeout
            && (!options.hasIPv6Connectivity || ipv6 == nil || now.seconds < reachedIPv6 + Self.reachableTimeout)
    }

    /// Its IPv6 OR port, if the authority can vouch for it.
    package func votedIPv6(at now: WallTime, options: FlagOptions, isSelf: Bool = false) -> SocketEndpoint? {
        guard options.hasIPv6Connectivity, let ipv6 else { return nil }
        let reached = lastReachableIPv6?.seconds ?? 0
        return isSelf || reached >= now.seconds - Self.reachableTimeout ? ipv6 : nil
    }
}
