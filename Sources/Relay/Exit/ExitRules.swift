package import Cells
package import Configuration
package import Directory

/// Where streams may go and how, as one configuration and consensus have it: replaced as a whole when either changes.
package struct ExitRules: Sendable {
    /// The exit policy, own and private addresses in it.
    package var policy = ExitPolicy.rejectAll
    /// `IPv6Exit`.
    package var allowsIPv6 = false
    /// `ServerDNSAllowNonRFC953Hostnames`.
    package var allowsOddNames = false
    /// From which address exit streams leave over IPv4.
    package var sourceIPv4: IPAddress?
    /// From which address exit streams leave over IPv6.
    package var sourceIPv6: IPAddress?
    /// Whether an endpoint is a relay's ORPort or an authority's DirPort: nobody may come back into the network that way,
    /// unless the consensus says `allow-network-reentry=1`.
    package var isRelay: @Sendable (SocketEndpoint) -> Bool = { _ in false }
    /// Whether the relay is about to end and takes no new streams.
    package var isHibernating = false

    /// Nothing may go anywhere.
    package init() {}

    /// What a torrc says.
    ///
    /// - Parameters:
    ///   - ownAddresses: what this relay publishes.
    ///   - localAddresses: of interfaces and ports, for `ExitPolicyRejectLocalInterfaces`.
    package init(
        _ settings: Settings, ownAddresses: [IPAddress], localAddresses: [IPAddress] = []
    ) throws(ExitPolicy.RuleError) {
        policy = try Self.policy(settings, ownAddresses: ownAddresses, localAddresses: localAddresses)
        allowsIPv6 = settings.exit.ipv6Exit
        allowsOddNames = settings.exit.dns.allowsOddNames
        sourceIPv4 = settings.node.outboundAddresses.forExitStream(to: .v4(0))
        sourceIPv6 = settings.node.outboundAddresses.forExitStream(to: .v6(high: 0, low: 0))
    }

    /// The exit policy of a torrc, which the relay's descriptor carries too.
    package static func policy(
        _ settings: Settings, ownAddresses: [IPAddress], localAddresses: [IPAddress] = []
    ) throws(ExitPolicy.RuleError) -> ExitPolicy {
        var policy = ExitPolicy.Settings()
        policy.exitRelay = settings.exit.exitRelay
        policy.ipv6Exit = settings.exit.ipv6Exit
        policy.rejectPrivate = settings.exit.rejectsPrivate
        policy.reduced = settings.exit.reducedPolicy
        policy.ownAddresses = ownAddresses
        if settings.exit.rejectsLocalInterfaces {
            policy.localAddresses = localAddresses + settings.node.outboundAddresses.all
        }
        return try ExitPolicy.configured(settings.exit.policy, policy)
    }

    /// Whether nothing may leave here, so that names need not be looked up either.
    var rejectsEverything: Bool {
        policy.rejectsEverything(isIPv6: false) && policy.rejectsEverything(isIPv6: true)
    }

    /// Whether a stream to an address may be opened.
    func answer(to endpoint: SocketEndpoint) -> EndReason? {
        guard policy.answer(to: endpoint.address, port: endpoint.port) == .accepted else { return .exitPolicy }
        if endpoint.address.isV6, !allowsIPv6 { return .exitPolicy }
        return isRelay(endpoint) ? .connectRefused : nil
    }
}
