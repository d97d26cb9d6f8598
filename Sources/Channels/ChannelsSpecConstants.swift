/// What Tor's specifications and C Tor fix about link handshakes.
enum ChannelsSpec {
    /// The RSA key of a relay's identity has so many bits (tor-spec §4.2: "a 1024-bit RSA key").
    static let identityBits = 1024
    /// For so long after its end an X.509 certificate still passes (C Tor: TOR_X509_PAST_SLOP).
    static let graceAfter: Int64 = 2 * 86_400
    /// For so long before its beginning an X.509 certificate passes already (C Tor: TOR_X509_FUTURE_SLOP).
    static let graceBefore: Int64 = 30 * 86_400
    /// The Ed25519 certificates that C Tor makes for links and authentication keys live so long.
    static let linkLifetime: Int64 = 2 * 86_400
    /// The X.509 certificate of an RSA identity lives so long.
    static let identityCertificateLifetime: Int64 = 365 * 86_400
    /// The cross-certificate of the two identities lives so long: "6 months" in C Tor.
    static let crossCertificateLifetime: Int64 = 6 * 30 * 86_400
    /// An X.509 link certificate lives for a random number of days between these.
    static let tlsLifetimeDays: ClosedRange<Int64> = 5...364
    /// The key of a TLS certificate has so many bits.
    static let tlsKeyBits = 2048
    /// A clock that is off by more is worth telling (C Tor: NETINFO_NOTICE_SKEW).
    static let clockSkew: Int64 = 3600
}
