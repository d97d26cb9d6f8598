internal import Cells
internal import OnionCrypto

/// Who the sender of a CERTS cell says it is, with certificates that hold together (tor-spec §4.2).
///
/// At an initiator that is proof, since the TLS certificate is bound to it. At a responder it is a claim, until AUTHENTICATE
/// is signed by the authentication key.
struct CertifiedPeer {
    /// How the certificates are bound to the connection.
    enum Binding {
        /// The peer accepted our connection and showed this TLS certificate (DER).
        case tlsCertificate([UInt8])
        /// The peer opened the connection: a key for AUTHENTICATE is what we want.
        case authenticationKey
    }

    /// Its RSA identity key.
    let rsaKey: RSAPublicKey
    /// Its RSA identity.
    let rsaIdentity: RSAIdentity
    /// Its Ed25519 identity; nil for an old relay that has none.
    let ed25519Identity: Ed25519Identity?
    /// What AUTHENTICATE must be signed by; only where that was wanted.
    let authenticationKey: Ed25519.PublicKey?

    /// Checks a CERTS cell, or says what is wrong with it.
    init(_ cell: CertsCell, binding: Binding, now: WallTime) throws(ChannelFault) {
        let known = cell.entries.map(\.type.rawValue).filter { (1...7).contains($0) }
        guard Set(known).count == known.count else { throw .duplicateCertificate }
        // C Tor treats what cannot be decoded as if it were not there.
        let certificates = DecodedCertificates(cell)
        guard let identity = certificates.x509(.rsaIdentity), let rsaKey = identity.rsaKey,
            rsaKey.bits == ChannelsSpec.identityBits, identity.isSigned(by: rsaKey), Self.isLive(identity, now),
            let rsaIdentity = RSAIdentity(rsaKey.fingerprint)
        else { throw .badCertificate(.rsaIdentity) }
        self.rsaKey = rsaKey
        self.rsaIdentity = rsaIdentity
        // tor-spec §4.2: with a type 4 the Ed25519 chain must hold; there is no falling back to RSA.
        if let signing = certificates.ed25519(.ed25519Signing) {
            let chain = try Ed25519Chain(signing, certificates, rsaKey: rsaKey, binding: binding, now: now)
            ed25519Identity = chain.identity
            authenticationKey = chain.authenticationKey
        } else {
            try Self.checkRSA(certificates, rsaKey: rsaKey, binding: binding, now: now)
            ed25519Identity = nil
            authenticationKey = nil
        }
    }

    private static func isLive(_ certificate: X509Certificate, _ now: WallTime) -> Bool {
        certificate.isLive(
            at: now.seconds, graceAfter: ChannelsSpec.graceAfter, graceBefore: ChannelsSpec.graceBefore)
    }

    /// What proves an RSA identity alone: the link certificate of our TLS peer's key, or an authentication key's.
    private static func checkRSA(
        _ certificates: DecodedCertificates, rsaKey: RSAPublicKey, binding: Binding, now: WallTime
    ) throws(ChannelFault) {
        switch binding {
        case .tlsCertificate(let der):
            guard let link = certificates.x509(.rsaLink), let linkKey = link.rsaKey,
                (try? X509Certificate(der: der))?.rsaKey == linkKey, link.isSigned(by: rsaKey), isLive(link, now)
            else { throw .badCertificate(.rsaLink) }
        case .authenticationKey:
            guard let authentication = certificates.x509(.rsaAuthentication),
                authentication.rsaKey?.bits == ChannelsSpec.identityBits, authentication.isSigned(by: rsaKey),
                isLive(authentication, now)
            else { throw .badCertificate(.rsaAuthentication) }
        }
    }
}

/// The chain from an Ed25519 identity to the TLS connection or to an authentication key.
private struct Ed25519Chain {
    let identity: Ed25519Identity
    let authenticationKey: Ed25519.PublicKey?

    init(
        _ signing: Ed25519Certificate, _ certificates: DecodedCertificates, rsaKey: RSAPublicKey,
        binding: CertifiedPeer.Binding, now: WallTime
    ) throws(ChannelFault) {
        guard signing.type == .signingKey, signing.keyType == Ed25519Certificate.KeyType.ed25519,
            let identity = signing.signingKey, let identityKey = Ed25519.PublicKey(identity.bytes),
            let signingKey = Ed25519.PublicKey(signing.certifiedKey), !signing.isExpired(at: now),
            signing.isSigned(by: identityKey)
        else { throw .badCertificate(.ed25519Signing) }
        self.identity = identity
        switch binding {
        case .tlsCertificate(let der):
            guard let link = certificates.ed25519(.ed25519Link), link.type == .tlsLink,
                link.keyType == Ed25519Certificate.KeyType.certificateDigest,
                link.certifiedKey == SHA256.hash(der), !link.isExpired(at: now), link.isSigned(by: signingKey)
            else { throw .badCertificate(.ed25519Link) }
            authenticationKey = nil
        case .authenticationKey:
            guard let authentication = certificates.ed25519(.ed25519Authentication),
                authentication.type == .authentication,
                authentication.keyType == Ed25519Certificate.KeyType.ed25519,
                let key = Ed25519.PublicKey(authentication.certifiedKey), !authentication.isExpired(at: now),
                authentication.isSigned(by: signingKey)
            else { throw .badCertificate(.ed25519Authentication) }
            authenticationKey = key
        }
        guard let bytes = certificates.crossCertificate,
            let cross = try? RSAEd25519CrossCertificate(parsing: bytes.span.bytes), cross.identity == identity,
            !cross.isExpired(at: now), cross.isSigned(by: rsaKey)
        else { throw .badCertificate(.rsaEd25519Cross) }
    }
}

/// The certificates of a CERTS cell that can be decoded, by type.
private struct DecodedCertificates {
    private let cell: CertsCell

    init(_ cell: CertsCell) {
        self.cell = cell
    }

    func x509(_ type: CertsCellType) -> X509Certificate? {
        cell.certificate(type).flatMap { try? X509Certificate(der: $0) }
    }

    func ed25519(_ type: CertsCellType) -> Ed25519Certificate? {
        cell.certificate(type).flatMap { try? Ed25519Certificate(parsing: $0.span.bytes) }
    }

    var crossCertificate: [UInt8]? { cell.certificate(.rsaEd25519Cross) }
}
