package import Cells

/// Which part a channel's machine plays.
package enum ChannelRole: Sendable {
    /// It dialled and says nothing about itself: a client, or a bridge.
    case client(ExpectedPeer)
    /// It dialled and proves who it is.
    case relay(LinkIdentity, ExpectedPeer)
    /// It accepted, and proves who it is; the other side may or may not.
    case responder(LinkIdentity)

    /// Whether it dialled. That side sets the top bit of its circuit IDs (tor-spec §5.1.1).
    package var isInitiator: Bool {
        switch self {
        case .client, .relay: true
        case .responder: false
        }
    }
}

/// Whom an initiator means to reach. An identity that is nil may turn out to be anyone's.
package struct ExpectedPeer: Hashable, Sendable {
    /// Its RSA identity.
    package var rsaIdentity: RSAIdentity?
    /// Its Ed25519 identity.
    package var ed25519Identity: Ed25519Identity?

    /// Both, one, or none of the identities.
    package init(rsaIdentity: RSAIdentity? = nil, ed25519Identity: Ed25519Identity? = nil) {
        self.rsaIdentity = rsaIdentity
        self.ed25519Identity = ed25519Identity
    }
}

/// What the driver knows of the connection under a channel when TLS is complete.
package struct ChannelConnection: Sendable {
    /// The certificate that the responder showed, DER: the peer's at an initiator, our own at a responder.
    package var responderCertificate: [UInt8]
    /// Where the peer is.
    package var remoteAddress: IPAddress
    /// Where we are, as our descriptor says it; for NETINFO, and not told by clients.
    package var ownAddresses: [IPAddress]

    /// All of it.
    package init(responderCertificate: [UInt8], remoteAddress: IPAddress, ownAddresses: [IPAddress] = []) {
        self.responderCertificate = responderCertificate
        self.remoteAddress = remoteAddress.unmapped
        self.ownAddresses = ownAddresses
    }
}

/// What a link handshake has found out.
package struct OpenChannel: Hashable, Sendable {
    /// The link protocol agreed on.
    package let linkProtocol: LinkProtocol
    /// Whether we dialled, and so set the top bit of the circuit IDs that we choose (tor-spec §5.1.1).
    package let isInitiator: Bool
    /// The peer's RSA identity, proved; nil for a client.
    package let rsaIdentity: RSAIdentity?
    /// The peer's Ed25519 identity, proved; nil for a client, or a relay that has none.
    package let ed25519Identity: Ed25519Identity?
    /// Whether the peer says that the address it is at is its own; only then do circuits of others share the channel.
    package let isCanonical: Bool
    /// Our address as the peer sees it.
    package let apparentAddress: IPAddress
    /// How far our clock is ahead of the peer's, in seconds, if that is more than an hour and the peer is a relay.
    package let clockSkew: Int64?

    /// Whether the peer has proved that it is a relay.
    package var isAuthenticated: Bool { rsaIdentity != nil }

    /// Whether PADDING_NEGOTIATE has a meaning here (tor-spec §4.1: link protocol 5).
    package var negotiatesPadding: Bool { linkProtocol >= .v5 }

    /// Whether a circuit ID is one that the peer may choose (tor-spec §5.1.1).
    package func peerMayChoose(_ circuitID: CircuitID) -> Bool {
        circuitID != .zero && circuitID.hasTopBit != isInitiator
    }
}
