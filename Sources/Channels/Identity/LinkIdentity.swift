package import Cells
package import OnionCrypto

/// What a relay presents on its channels: two identities, and the short-lived keys and certificates under them.
///
/// It never changes: a new one is made before `renewal`, and channels hold on to the one that they presented. A client has
/// none. Not for key files: the keys come from elsewhere.
package final class LinkIdentity: Sendable {
    /// The long-lived keys that everything else hangs on. The Ed25519 master key may be absent: its certificate will do.
    package struct Keys: Sendable {
        /// The RSA identity, 1024 bits.
        package var rsaIdentity: RSAKeyPair
        /// The Ed25519 signing key.
        package var signingKey: Ed25519.KeyPair
        /// The signing key's certificate, by the Ed25519 identity, which it names.
        package var signingKeyCertificate: Ed25519Certificate

        /// All the keys.
        package init(
            rsaIdentity: RSAKeyPair, signingKey: Ed25519.KeyPair, signingKeyCertificate: Ed25519Certificate
        ) {
            self.rsaIdentity = rsaIdentity
            self.signingKey = signingKey
            self.signingKeyCertificate = signingKeyCertificate
        }
    }

    /// How long the short-lived keys live, in seconds. C Tor's defaults; tests shorten them.
    package struct Lifetimes: Sendable {
        /// The Ed25519 certificate of the TLS certificate.
        package var link: Int64
        /// The authentication key.
        package var authentication: Int64
        /// The X.509 certificate of the TLS key; nil for a random one, as a browser would meet in the wild.
        package var tls: Int64?

        /// C Tor's, unless others are given.
        package init(link: Int64? = nil, authentication: Int64? = nil, tls: Int64? = nil) {
            self.link = link ?? ChannelsSpec.linkLifetime
            self.authentication = authentication ?? ChannelsSpec.linkLifetime
            self.tls = tls
        }
    }

    /// The RSA identity.
    package let rsaIdentity: RSAIdentity
    /// SHA-256 of the RSA identity key, as AUTHENTICATE names it.
    package let rsaDigest: [UInt8]
    /// The Ed25519 identity.
    package let ed25519Identity: Ed25519Identity
    /// The TLS certificate, DER: what `TLSContext` shows.
    package let tlsCertificate: [UInt8]
    /// When a new one is due: well before the first certificate ends.
    package let renewal: WallTime
    /// CERTS as the side that accepts a connection sends it.
    let responderCertificates: CertsCell
    /// CERTS as a relay that opens a connection sends it.
    let initiatorCertificates: CertsCell
    /// What signs AUTHENTICATE.
    let authenticationKey: Ed25519.KeyPair
    private let tlsKey: RSAKeyPair

    /// Makes fresh keys and certificates. Takes about a tenth of a second, most of it for RSA keys.
    package init(
        keys: Keys, now: WallTime, lifetimes: Lifetimes = Lifetimes(),
        using random: inout some RandomNumberGenerator
    ) throws(LinkIdentityError) {
        guard let identity = keys.signingKeyCertificate.signingKey else { throw .signingKeyCertificate }
        let signingKey = keys.signingKey
        guard keys.signingKeyCertificate.type == .signingKey,
            keys.signingKeyCertificate.certifiedKey == signingKey.publicKey.bytes,
            Ed25519.PublicKey(identity.bytes).map(keys.signingKeyCertificate.isSigned) == true
        else { throw .signingKeyCertificate }
        guard !keys.signingKeyCertificate.isExpired(at: now) else { throw .expiredSigningKey }
        let rsaKey = keys.rsaIdentity.publicKey
        guard rsaKey.bits == ChannelsSpec.identityBits, let rsaIdentity = RSAIdentity(rsaKey.fingerprint) else {
            throw .rsaIdentity
        }
        do {
            let tlsKey = try RSAKeyPair(bits: ChannelsSpec.tlsKeyBits)
            let x509 = try X509Set(
                identity: keys.rsaIdentity, tlsKey: tlsKey.publicKey, tlsLifetime: lifetimes.tls, now: now,
                using: &random)
            let linkHours = Ed25519Certificate.expirationHours(from: now, lifetime: lifetimes.link)
            let link = try Ed25519Certificate(
                type: .tlsLink, expirationHours: linkHours, keyType: Ed25519Certificate.KeyType.certificateDigest,
                certifiedKey: x509.link.digest, signer: signingKey, namesSigner: false)
            let authenticationKey = Ed25519.KeyPair()
            let authenticationHours = Ed25519Certificate.expirationHours(
                from: now, lifetime: lifetimes.authentication)
            let authentication = try Ed25519Certificate(
                type: .authentication, expirationHours: authenticationHours,
                certifiedKey: authenticationKey.publicKey.bytes, signer: signingKey, namesSigner: false)
            let cross = try RSAEd25519CrossCertificate(
                identity: identity,
                expirationHours: Ed25519Certificate.expirationHours(
                    from: now, lifetime: ChannelsSpec.crossCertificateLifetime),
                signer: keys.rsaIdentity)
            let signing = CertsCell.Entry(type: .ed25519Signing, certificate: keys.signingKeyCertificate.encoded)
            let rsa = CertsCell.Entry(type: .rsaIdentity, certificate: x509.identity.der)
            let crossEntry = CertsCell.Entry(type: .rsaEd25519Cross, certificate: cross.encoded)
            // In C Tor's order.
            self.responderCertificates = CertsCell(entries: [
                .init(type: .rsaLink, certificate: x509.link.der), rsa, signing,
                .init(type: .ed25519Link, certificate: link.encoded), crossEntry,
            ])
            self.initiatorCertificates = CertsCell(entries: [
                .init(type: .rsaAuthentication, certificate: x509.authentication.der), rsa, signing,
                .init(type: .ed25519Authentication, certificate: authentication.encoded), crossEntry,
            ])
            self.rsaIdentity = rsaIdentity
            self.rsaDigest = rsaKey.digest
            self.ed25519Identity = identity
            self.tlsCertificate = x509.link.der
            self.tlsKey = tlsKey
            self.authenticationKey = authenticationKey
            let ends = [link.expiration, authentication.expiration, WallTime(seconds: x509.link.notAfter)]
            let first = ends.reduce(keys.signingKeyCertificate.expiration, min)
            // Half a short life is kept in any case, so that nobody renews in a circle.
            self.renewal = max(first - ChannelsLimits.renewalSlop, now + max(0, first - now) / 2)
        } catch is CryptoError {
            throw .library
        } catch {
            throw .signingKeyCertificate
        }
    }

    /// The private key of the TLS certificate, DER (PKCS#1): what `TLSContext` takes.
    package func copyTLSKey() throws(LinkIdentityError) -> SecretBytes {
        do throws(CryptoError) {
            return try tlsKey.copyDER()
        } catch {
            throw .library
        }
    }
}

/// Why no `LinkIdentity` can be made of some keys.
package enum LinkIdentityError: Error, Equatable {
    /// The signing key's certificate is not one, is not for this key, or does not name and carry the identity's signature.
    case signingKeyCertificate
    /// The signing key's certificate has ended: a new signing key is due.
    case expiredSigningKey
    /// The RSA identity has not 1024 bits.
    case rsaIdentity
    /// The cryptographic library failed.
    case library
}
