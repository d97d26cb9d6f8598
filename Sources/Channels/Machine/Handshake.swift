internal import Cells
internal import OnionCrypto

/// What a link handshake knows and says, whichever state it is in. The order is `ChannelMachine`'s.
struct Handshake {
    /// What we speak.
    static let versions = VersionsCell(versions: LinkProtocol.allCases.map(\.rawValue))

    let role: ChannelRole
    let connection: ChannelConnection
    /// Meaningful once VERSIONS has come.
    var linkProtocol = LinkProtocol.v4
    /// Over all that we have sent that AUTHENTICATE covers: CLOG at an initiator, SLOG at a responder.
    var sentLog = SHA256()
    /// The same of what the peer has sent.
    var receivedLog = SHA256()
    private var hasSentNetinfo = false

    init(role: ChannelRole, connection: ChannelConnection) {
        self.role = role
        self.connection = connection
    }

    /// Whether the TLS certificate that everything is bound to is there, and at a responder is the identity's.
    var hasResponderCertificate: Bool {
        switch role {
        case .client, .relay: !connection.responderCertificate.isEmpty
        case .responder(let identity): connection.responderCertificate == identity.tlsCertificate
        }
    }

    /// What the peer's certificates must be bound to.
    var binding: CertifiedPeer.Binding {
        role.isInitiator ? .tlsCertificate(connection.responderCertificate) : .authenticationKey
    }

    /// tor-spec §4.4.2: the initiator's RSA identity digest; nil where nobody authenticates.
    func exporterContext(peer: CertifiedPeer) -> [UInt8]? {
        switch role {
        case .client: nil
        case .relay(let identity, _): identity.rsaDigest
        case .responder: peer.rsaKey.digest
        }
    }

    /// Notes bytes in the log of what we send, and returns them.
    mutating func logged(_ bytes: [UInt8]) -> [UInt8] {
        sentLog.update(bytes.span.bytes)
        return bytes
    }

    /// What to say when VERSIONS has come: all of it at a responder, CERTS at a relay that dialled.
    mutating func answerVersions(
        wallTime: WallTime, using random: inout some RandomNumberGenerator
    ) -> [UInt8] {
        switch role {
        case .client:
            return []
        case .relay(let identity, _):
            return logged(identity.initiatorCertificates.wire())
        case .responder(let identity):
            let challenge = AuthChallengeCell(challenge: random.randomBytes(CellsSpec.challengeLength))
            let bytes = logged(
                Self.versions.wire() + identity.responderCertificates.wire() + challenge.wire())
            return bytes + netinfo(wallTime: wallTime)
        }
    }

    /// What to say when CERTS has been accepted: a client has nothing else to wait for.
    mutating func answerCerts(wallTime: WallTime) -> [UInt8] {
        switch role {
        case .client: netinfo(wallTime: wallTime)
        case .relay, .responder: []
        }
    }

    /// What a relay that dialled says to AUTH_CHALLENGE; a client has said it already.
    mutating func answerChallenge(
        _ cell: AuthChallengeCell, peer: CertifiedPeer, exporter: [UInt8]?, wallTime: WallTime,
        using random: inout some RandomNumberGenerator
    ) throws(ChannelFault) -> [UInt8] {
        guard case .relay(let identity, _) = role else { return [] }
        guard cell.offersOurMethod else { return netinfo(wallTime: wallTime) }
        guard let exporter else { throw .noKeyingMaterial }
        // C Tor cannot authenticate to a relay without an Ed25519 identity either.
        guard let responder = peer.ed25519Identity else { throw .badAuthentication }
        var authentication = AuthenticateCell.Authentication(
            initiatorRSADigest: identity.rsaDigest, responderRSADigest: peer.rsaKey.digest,
            initiator: identity.ed25519Identity, responder: responder, responderLog: receivedLog.digest(),
            initiatorLog: sentLog.digest(), tlsCertificateDigest: SHA256.hash(connection.responderCertificate),
            exporter: exporter, random: random.randomBytes(24))
        authentication.signature = identity.authenticationKey.sign(authentication.signedBytes)
        return AuthenticateCell(authentication).wire() + netinfo(wallTime: wallTime)
    }

    /// Checks AUTHENTICATE at a responder (tor-spec §4.4.2): every field that both sides can compute, and the signature.
    func check(_ cell: AuthenticateCell, peer: CertifiedPeer, exporter: [UInt8]?) throws(ChannelFault) {
        guard case .responder(let identity) = role, cell.method == CellsSpec.authenticationMethod,
            let authentication = try? AuthenticateCell.Authentication(parsing: cell.authentication.span.bytes),
            let initiator = peer.ed25519Identity, let key = peer.authenticationKey
        else { throw .badAuthentication }
        guard let exporter else { throw .noKeyingMaterial }
        let expected = AuthenticateCell.Authentication(
            initiatorRSADigest: peer.rsaKey.digest, responderRSADigest: identity.rsaDigest, initiator: initiator,
            responder: identity.ed25519Identity, responderLog: sentLog.digest(),
            initiatorLog: receivedLog.digest(), tlsCertificateDigest: SHA256.hash(connection.responderCertificate),
            exporter: exporter, random: [])
        guard constantTimeEqual(expected.fixedBytes, authentication.fixedBytes),
            key.isValidSignature(authentication.signature, of: authentication.signedBytes)
        else { throw .badAuthentication }
    }

    /// At an initiator: is that whom we meant? An Ed25519 identity that we did not ask for is welcome.
    func checkExpectation(_ peer: CertifiedPeer) throws(ChannelFault) {
        let expected: ExpectedPeer
        switch role {
        case .client(let peer), .relay(_, let peer): expected = peer
        case .responder: return
        }
        if let identity = expected.rsaIdentity, identity != peer.rsaIdentity { throw .wrongIdentity }
        if let identity = expected.ed25519Identity, identity != peer.ed25519Identity { throw .wrongIdentity }
    }

    /// NETINFO, unless it has been sent. It is in no log.
    mutating func netinfo(wallTime: WallTime) -> [UInt8] {
        guard !hasSentNetinfo else { return [] }
        hasSentNetinfo = true
        let cell: NetinfoCell
        switch role {
        case .client:
            // A client does not tell its time, nor where it is.
            cell = NetinfoCell(timestamp: 0, otherAddress: connection.remoteAddress, ownAddresses: [])
        case .relay, .responder:
            cell = NetinfoCell(
                timestamp: UInt32(clamping: wallTime.seconds), otherAddress: connection.remoteAddress,
                ownAddresses: connection.ownAddresses)
        }
        return cell.wire(circuitID: .zero)
    }
}
