package import Cells

/// What one authority says of one relay: an entry of its vote (dir-spec, "Router status entries").
package struct VoteEntry: Hashable, Sendable {
    /// The relay's nickname.
    package var nickname: String
    /// The relay's RSA identity.
    package var identity: RSAIdentity
    /// SHA-1 of the router descriptor that the authority holds.
    package var descriptorDigest: DescriptorDigest
    /// When that descriptor says it was published.
    package var published: WallTime
    /// The relay's IPv4 address, as a number.
    package var address: UInt32
    /// Its OR port.
    package var orPort: UInt16
    /// Its directory port, 0 if none.
    package var dirPort: UInt16
    /// Its IPv6 OR port.
    package var ipv6: SocketEndpoint?
    /// Bit n stands for the n-th of the vote's known flags.
    package var flags: UInt64
    /// What the relay runs, such as "Tor 0.4.9.11".
    package var version: ByteText?
    /// The subprotocols that it lists.
    package var protocols: ByteText
    /// Its advertised bandwidth in kilobytes per second.
    package var bandwidth: UInt32?
    /// Its bandwidth as measured for this authority.
    package var measuredBandwidth: UInt32?
    /// The measurement of an authority, which is not to count.
    package var measuredButAuthority: UInt32?
    /// For what percentage of the last months it was a guard.
    package var guardFraction: UInt8?
    /// The summary of its exit policy: "accept 80,443" or "reject 1-65535".
    package var exitSummary: ByteText?
    /// What the authority says of its Ed25519 identity.
    package var ed25519: Ed25519Listing
    /// The arguments of a `stats` line, for people who watch the network.
    package var statistics: ByteText?
    /// The microdescriptors that the authority makes of the descriptor.
    package var microdescriptors: [MicrodescriptorVote]

    /// What a vote says of a relay's Ed25519 identity.
    package enum Ed25519Listing: Hashable, Sendable {
        /// Nothing: the vote is from an authority that knows no such keys.
        case absent
        /// The relay has none.
        case none
        /// This one.
        case key(Ed25519Identity)
    }

    /// One `m` line: the microdescriptor that comes of some consensus methods.
    package struct MicrodescriptorVote: Hashable, Sendable {
        /// The methods.
        package var methods: [Int]
        /// SHA-256 of the microdescriptor, if the line has it and it decodes.
        package var digest: MicrodescriptorDigest?

        /// Takes methods and digest.
        package init(methods: [Int], digest: MicrodescriptorDigest?) {
            self.methods = methods
            self.digest = digest
        }
    }

    /// An entry with what every one has; the rest starts out absent.
    package init(
        nickname: String, identity: RSAIdentity, descriptorDigest: DescriptorDigest, published: WallTime,
        address: UInt32, orPort: UInt16, dirPort: UInt16, protocols: ByteText
    ) {
        self.nickname = nickname
        self.identity = identity
        self.descriptorDigest = descriptorDigest
        self.published = published
        self.address = address
        self.orPort = orPort
        self.dirPort = dirPort
        self.protocols = protocols
        flags = 0
        ed25519 = .absent
        microdescriptors = []
    }

    /// The microdescriptor that this entry votes for under `method`.
    package func microdescriptor(method: Int) -> MicrodescriptorDigest? {
        // C Tor keeps the lines last first, and stops at the first that names the method.
        microdescriptors.last { $0.methods.contains(method) }?.digest
    }

    /// Leaves out, of relays that claim one Ed25519 identity, all but the one with the latest descriptor: a vote with two
    /// would be refused.
    package static func withUniqueEd25519(_ entries: [VoteEntry]) -> [VoteEntry] {
        var best: [Ed25519Identity: VoteEntry] = [:]
        for entry in entries {
            guard case .key(let key) = entry.ed25519 else { continue }
            if let other = best[key] {
                let isLater = other.published < entry.published
                let breaksTie = other.published == entry.published && entry.descriptorDigest < other.descriptorDigest
                guard isLater || breaksTie else { continue }
            }
            best[key] = entry
        }
        return entries.filter {
            guard case .key(let key) = $0.ed25519 else { return true }
            return best[key]?.identity == $0.identity
        }
    }
}
