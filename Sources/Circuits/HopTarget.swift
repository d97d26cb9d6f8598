package import Cells
package import OnionCrypto

/// A relay to make a hop of: who it is, where it listens, and how to shake hands with it.
///
/// What a client takes from a consensus and a microdescriptor, or from a `DirAuthority` line.
package struct HopTarget: Hashable, Sendable {
    /// Its RSA identity, which EXTEND2 must name.
    package var rsaIdentity: RSAIdentity
    /// Its Ed25519 identity; nil if we do not know it, as of a directory authority from the torrc.
    package var ed25519Identity: Ed25519Identity?
    /// Where its ORPort is, IPv4 before IPv6.
    package var endpoints: [SocketEndpoint]
    /// Its ntor onion key; nil only for a first hop that CREATE_FAST will do for.
    package var onionKey: X25519.PublicKey?
    /// Whether it takes ntor-v3 (`Relay=4`).
    package var supportsNtorV3: Bool
    /// Whether it speaks of plugins (`Plugin=1`).
    package var supportsPlugins: Bool
    /// Whether it does congestion control (`FlowCtrl=2`).
    package var supportsCongestionControl: Bool
    /// What it is called, for the control port; empty if unknown.
    package var nickname: String

    /// A relay.
    package init(
        rsaIdentity: RSAIdentity, ed25519Identity: Ed25519Identity?, endpoints: [SocketEndpoint],
        onionKey: X25519.PublicKey?, supportsNtorV3: Bool = false, supportsPlugins: Bool = false,
        supportsCongestionControl: Bool = false, nickname: String = ""
    ) {
        self.rsaIdentity = rsaIdentity
        self.ed25519Identity = ed25519Identity
        self.endpoints = endpoints
        self.onionKey = onionKey
        self.supportsNtorV3 = supportsNtorV3
        self.supportsPlugins = supportsPlugins
        self.supportsCongestionControl = supportsCongestionControl
        self.nickname = nickname
    }

    /// Whether a handshake with it speaks of plugins: in ntor-v3 only.
    package var takesPlugins: Bool {
        supportsPlugins && supportsNtorV3 && ed25519Identity != nil && onionKey != nil
    }

    /// As EXTEND2 names it: addresses, RSA identity, Ed25519 identity (tor-spec §5.1.2).
    package var linkSpecifiers: [LinkSpecifier] {
        var specifiers = endpoints.map { LinkSpecifier.endpoint($0) }
        specifiers.append(.rsaIdentity(rsaIdentity))
        if let ed25519Identity { specifiers.append(.ed25519Identity(ed25519Identity)) }
        return specifiers
    }
}
