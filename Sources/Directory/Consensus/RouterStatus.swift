package import Cells

/// What a consensus says of one relay.
package struct RouterStatus: Hashable, Sendable {
    /// The relay's nickname, which says nothing of who it is.
    package let nickname: String
    /// The relay's RSA identity.
    package let identity: RSAIdentity
    /// The router descriptor that the entry was made of, in the flavor that names those.
    package let descriptorDigest: DescriptorDigest?
    /// The relay's microdescriptor, in the flavor that names those.
    package let microdescriptorDigest: MicrodescriptorDigest?
    /// When its descriptor was published; 2038-01-01 in a microdescriptor consensus.
    package let published: WallTime
    /// Its IPv4 address, as a number.
    package let address: UInt32
    /// Its OR port.
    package let orPort: UInt16
    /// Its directory port, 0 if none.
    package let dirPort: UInt16
    /// Its IPv6 OR port.
    package let ipv6: SocketEndpoint?
    /// Its flags, as far as we know them.
    package let flags: RelayFlags
    /// What it runs, such as "Tor 0.4.9.11".
    package let version: String?
    /// The subprotocols that it speaks.
    package let protocols: ProtocolList
    /// What it weighs, in kilobytes per second; nil if the consensus does not say.
    package let bandwidth: UInt32?
    /// True if that is what the relay says of itself.
    package let isUnmeasured: Bool
    /// For what percentage of the last months it was a guard.
    package let guardFraction: UInt8?
    /// The summary of its exit policy, in the flavor that has it.
    package let exitSummary: String?

    /// Its IPv4 OR port.
    package var endpoint: SocketEndpoint {
        SocketEndpoint(address: IPAddress(ipv4: address), port: orPort)
    }
}

/// The flags of a relay that mean something to us (dir-spec, "known-flags").
package struct RelayFlags: OptionSet, Hashable, Sendable {
    /// One bit for each flag.
    package let rawValue: UInt32

    /// These flags.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// It is a directory authority.
    package static let authority = RelayFlags(rawValue: 1 << 0)
    /// It is not to be used as an exit.
    package static let badExit = RelayFlags(rawValue: 1 << 1)
    /// It is good for leaving the network at.
    package static let exit = RelayFlags(rawValue: 1 << 2)
    /// It is fit for circuits that need bandwidth.
    package static let fast = RelayFlags(rawValue: 1 << 3)
    /// It is good for entering the network at.
    package static let `guard` = RelayFlags(rawValue: 1 << 4)
    /// It stores onion service descriptors.
    package static let hsDir = RelayFlags(rawValue: 1 << 5)
    /// It is to be used in the middle only.
    package static let middleOnly = RelayFlags(rawValue: 1 << 6)
    /// The authorities do not agree on its Ed25519 identity.
    package static let noEdConsensus = RelayFlags(rawValue: 1 << 7)
    /// It could be reached of late.
    package static let running = RelayFlags(rawValue: 1 << 8)
    /// It is fit for circuits that live long.
    package static let stable = RelayFlags(rawValue: 1 << 9)
    /// It should publish a new descriptor.
    package static let staleDesc = RelayFlags(rawValue: 1 << 10)
    /// One of too many at one address.
    package static let sybil = RelayFlags(rawValue: 1 << 11)
    /// It answers directory requests over circuits.
    package static let v2Dir = RelayFlags(rawValue: 1 << 12)
    /// It is let into the network.
    package static let valid = RelayFlags(rawValue: 1 << 13)

    /// Names and flags, in the order in which documents list them.
    package static let named: [(name: String, flag: RelayFlags)] = [
        ("Authority", .authority), ("BadExit", .badExit), ("Exit", .exit), ("Fast", .fast), ("Guard", .guard),
        ("HSDir", .hsDir), ("MiddleOnly", .middleOnly), ("NoEdConsensus", .noEdConsensus), ("Running", .running),
        ("Stable", .stable), ("StaleDesc", .staleDesc), ("Sybil", .sybil), ("V2Dir", .v2Dir), ("Valid", .valid),
    ]

    private static let table = Dictionary(uniqueKeysWithValues: named.map { (ByteText($0.name), $0.flag) })

    /// The flag of that name; empty if we know none.
    static func flag(_ name: ByteText) -> RelayFlags {
        table[name] ?? []
    }

    /// The flags' names, sorted as documents sort them.
    package var names: [String] {
        Self.named.filter { contains($0.flag) }.map(\.name)
    }
}
