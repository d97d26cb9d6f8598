package import Cells
package import Directory
package import OnionCrypto

/// What a choice of paths needs to know of one relay: its line in the consensus and, if we have it, its microdescriptor.
package struct RelayFacts: Hashable, Sendable {
    /// Who it is by its RSA key.
    package var rsaIdentity: RSAIdentity
    /// Who it is by its Ed25519 key; nil without a microdescriptor.
    package var ed25519Identity: Ed25519Identity?
    /// What it is called.
    package var nickname: String
    /// Its ORPorts, IPv4 before IPv6.
    package var endpoints: [SocketEndpoint]
    /// What the authorities say of it.
    package var flags: RelayFlags
    /// The subprotocols that it speaks.
    package var protocols: ProtocolList
    /// What it weighs, in kilobytes per second; nil if the consensus does not say.
    package var bandwidth: UInt32?
    /// For what percentage of the last months it was a guard.
    package var guardFraction: UInt8?
    /// Its ntor onion key; nil without a microdescriptor. Without it nothing but a directory request can go there.
    package var onionKey: X25519.PublicKey?
    /// Whom it says that it is run together with.
    package var family: RelayFamily
    /// The keys of its families (`family-ids`), as they are written.
    package var familyKeys: Set<String>
    /// Which ports it lets through over IPv4.
    package var ipv4Policy: PortPolicy
    /// Which ports it lets through over IPv6.
    package var ipv6Policy: PortPolicy

    /// Facts one by one.
    package init(
        rsaIdentity: RSAIdentity, ed25519Identity: Ed25519Identity? = nil, nickname: String = "",
        endpoints: [SocketEndpoint], flags: RelayFlags, protocols: ProtocolList = "", bandwidth: UInt32? = nil,
        guardFraction: UInt8? = nil, onionKey: X25519.PublicKey? = nil, family: RelayFamily = RelayFamily([]),
        familyKeys: Set<String> = [], ipv4Policy: PortPolicy = .rejectAll, ipv6Policy: PortPolicy = .rejectAll
    ) {
        self.rsaIdentity = rsaIdentity
        self.ed25519Identity = ed25519Identity
        self.nickname = nickname
        self.endpoints = endpoints
        self.flags = flags
        self.protocols = protocols
        self.bandwidth = bandwidth
        self.guardFraction = guardFraction
        self.onionKey = onionKey
        self.family = family
        self.familyKeys = familyKeys
        self.ipv4Policy = ipv4Policy
        self.ipv6Policy = ipv6Policy
    }

    /// A relay of a consensus, of whose microdescriptor nothing is known yet.
    package init(_ status: RouterStatus) {
        self.init(
            rsaIdentity: status.identity, nickname: status.nickname,
            endpoints: [status.endpoint] + (status.ipv6.map { [$0] } ?? []), flags: status.flags,
            protocols: status.protocols, bandwidth: status.bandwidth, guardFraction: status.guardFraction)
    }

    /// Whether its microdescriptor is known.
    package var hasDescriptor: Bool { onionKey != nil }
    /// Whether it answers directory requests over circuits.
    package var isDirectory: Bool { flags.contains(.v2Dir) }
    /// Whether the consensus lets anybody use it at all.
    package var isUsable: Bool { flags.isSuperset(of: [.running, .valid]) }
    /// Whether circuits can go through it: EXTEND2 needs `Relay=2` (tor-spec §9.3). C Tor lets relays pass that list nothing.
    package var canExtend: Bool { protocols.isEmpty || protocols.supports("Relay", 2) }
    /// Whether it takes ntor-v3 (`Relay=4`).
    package var supportsNtorV3: Bool { protocols.supports("Relay", 4) }
    /// Whether it exchanges plugins (`Plugin=1`).
    package var supportsPlugins: Bool { protocols.supports("Plugin", 1) }
    /// Whether it does congestion control (`FlowCtrl=2`).
    package var supportsCongestionControl: Bool { protocols.supports("FlowCtrl", 2) }
    /// Whether the exit weights apply to it.
    package var isExit: Bool { flags.contains(.exit) && !flags.contains(.badExit) }
    /// Whether guards may be sampled from it: guard-spec's GUARDS, as C Tor takes them.
    package var isPossibleGuard: Bool { flags.isSuperset(of: [.guard, .stable, .fast, .valid, .v2Dir]) }
    /// Whether it lets nothing out.
    package var rejectsEverything: Bool {
        func rejects(_ policy: PortPolicy) -> Bool {
            policy.rejectsEverything || (policy.isAccept && policy.ports.isEmpty)
        }
        return rejects(ipv4Policy) && rejects(ipv6Policy)
    }
    /// Its first address of one family.
    package func address(isV6: Bool) -> IPAddress? { endpoints.first { $0.address.isV6 == isV6 }?.address }

    /// Whether two relays must not meet on one path: the same relay, the same family, or neighbours by address
    /// (path-spec §2.2).
    package func isRelated(to other: RelayFacts, bySubnet: Bool) -> Bool {
        if rsaIdentity == other.rsaIdentity { return true }
        if let mine = ed25519Identity, mine == other.ed25519Identity { return true }
        if bySubnet {
            for (isV6, bits) in [(false, 16), (true, 32)] {
                if let mine = address(isV6: isV6), let theirs = other.address(isV6: isV6),
                    !mine.isUnspecified, mine.prefix(bits) == theirs.prefix(bits)
                {
                    return true
                }
            }
        }
        if !familyKeys.isDisjoint(with: other.familyKeys) { return true }
        // A family holds only where both sides say so.
        return family.contains(other.rsaIdentity, nickname: other.nickname)
            && other.family.contains(rsaIdentity, nickname: nickname)
    }
}
