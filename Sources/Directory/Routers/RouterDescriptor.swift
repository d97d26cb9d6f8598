package import Cells
package import OnionCrypto

/// What a relay says of itself, signed with all of its keys (dir-spec §2.1): a value that was read and checked.
///
/// To make one: `RouterDescriptorBuilder`. What clients use of it is in `Microdescriptor`, which authorities compute.
package struct RouterDescriptor: Sendable {
    /// The whole document.
    package let bytes: [UInt8]
    /// SHA-1 of its signed part, which names it.
    package let digest: DescriptorDigest

    /// The relay's nickname.
    package internal(set) var nickname: String
    /// The relay's IPv4 address, as a number.
    package internal(set) var address: UInt32
    /// Its OR port, never 0.
    package internal(set) var orPort: UInt16
    /// Its directory port, 0 if none.
    package internal(set) var dirPort: UInt16
    /// Its IPv6 address and OR port.
    package internal(set) var ipv6: SocketEndpoint?
    /// What it offers to carry.
    package internal(set) var bandwidth: AdvertisedBandwidth
    /// When it was made.
    package internal(set) var published: WallTime
    /// Program and operating system, such as "Tor 0.4.9.11 on Linux".
    package internal(set) var platform: ByteText?
    /// The `proto` line as it stands there.
    package internal(set) var protocolText: ByteText
    /// The subprotocols that it speaks; empty if the line cannot be understood.
    package internal(set) var protocols: ProtocolList
    /// For how many seconds it has been running.
    package internal(set) var uptime: Int64?
    /// True if it will not be there for a while.
    package internal(set) var isHibernating: Bool
    /// How to reach its operator.
    package internal(set) var contact: ByteText?

    /// Its RSA identity key.
    package internal(set) var identityKey: RSAPublicKey
    /// SHA-1 of its RSA identity key.
    package internal(set) var identity: RSAIdentity
    /// Its Ed25519 identity.
    package internal(set) var ed25519Identity: Ed25519Identity
    /// The certificate of its signing key, by its Ed25519 identity.
    package internal(set) var signingKeyCertificate: Ed25519Certificate
    /// When the first of its certificates ends: behind that the descriptor is worth nothing.
    package internal(set) var certificatesExpire: WallTime
    /// Its key for ntor handshakes.
    package internal(set) var ntorOnionKey: X25519.PublicKey
    /// Its key for TAP handshakes, which nobody uses any more and authorities still want.
    package internal(set) var tapOnionKey: RSAPublicKey?

    /// Where it lets out to, in IPv4.
    package internal(set) var exitPolicy: ExitPolicy
    /// Where it lets out to in IPv6: nowhere, if it does not say.
    package internal(set) var ipv6Policy: PortPolicy?
    /// The relays that its operator says are run together with it.
    package internal(set) var family: RelayFamily?
    /// The families that certified it, as "ed25519:KEY", each once, sorted.
    package internal(set) var familyIDs: [String]

    /// SHA-1 of the signed part of its extra-info document.
    package internal(set) var extraInfoDigest: DescriptorDigest?
    /// SHA-256 of its whole extra-info document.
    package internal(set) var extraInfoSHA256: [UInt8]?
    /// True if it keeps others' extra-info documents.
    package internal(set) var cachesExtraInfo: Bool
    /// True if it wants to keep onion services' descriptors.
    package internal(set) var isHSDir: Bool
    /// True if it answers directory requests over circuits.
    package internal(set) var isTunnelledDirServer: Bool
    /// The arguments of its `overload-general` line.
    package internal(set) var overload: ByteText?

    /// What a relay offers to carry, in bytes per second.
    package struct AdvertisedBandwidth: Hashable, Sendable {
        /// On average, over a long time; at least 1.
        package var rate: Int32
        /// At most, over a short time.
        package var burst: Int32
        /// What it has been seen to carry.
        package var observed: Int32

        /// Takes the three figures.
        package init(rate: Int32, burst: Int32, observed: Int32) {
            self.rate = rate
            self.burst = burst
            self.observed = observed
        }
    }

    /// The IPv4 address and OR port.
    package var ipv4: SocketEndpoint { SocketEndpoint(address: .v4(address), port: orPort) }

    /// True if a certificate in it has ended.
    package func isExpired(at now: WallTime) -> Bool { now > certificatesExpire }

    /// True if it is known to let nothing out.
    package var rejectsEverything: Bool {
        exitPolicy.rejectsEverything(isIPv6: false) && (ipv6Policy?.rejectsEverything ?? true)
    }
}
