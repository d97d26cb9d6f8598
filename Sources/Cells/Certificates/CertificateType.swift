/// What an Ed25519 certificate certifies (cert-spec §A.1).
package struct CertificateType: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    package let rawValue: UInt8

    /// Takes any number.
    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The signing key, by the identity key.
    package static let signingKey = CertificateType(rawValue: 0x04)
    /// The TLS certificate, by the signing key.
    package static let tlsLink = CertificateType(rawValue: 0x05)
    /// An authentication key, by the signing key.
    package static let authentication = CertificateType(rawValue: 0x06)
    /// An onion service's descriptor signing key, by its blinded key.
    package static let onionServiceSigning = CertificateType(rawValue: 0x08)
    /// An introduction point's authentication key, by the descriptor signing key.
    package static let introductionPoint = CertificateType(rawValue: 0x09)
    /// The identity key, by the ntor onion key turned into Ed25519.
    package static let ntorCrossCertificate = CertificateType(rawValue: 0x0A)
    /// An introduction point's encryption key, by the descriptor signing key.
    package static let introductionEncryption = CertificateType(rawValue: 0x0B)
    /// A relay's identity, by its family's key.
    package static let family = CertificateType(rawValue: 0x0C)
}
