/// What Tor's specifications fix, with the section that says so.
enum CryptoSpec {
    /// The payload of a cell, and so of a relay cell (tor-spec §3).
    static let cellBodyLength = 509
    /// Where `recognised` stands in a v0 relay cell (tor-spec §6.1).
    static let recognisedOffset = 1
    /// Where the digest stands in a v0 relay cell, and how long it is (tor-spec §6.1).
    static let digestOffset = 5
    static let digestLength = 4

    /// tor-spec §5.1.4.
    static let ntorProtocol = "ntor-curve25519-sha256-1"
    /// Proposal 332, A.2.
    static let ntorV3Protocol = "ntor3-curve25519-sha3_256-1"
    /// The verification string that binds an ntor-v3 handshake to its purpose (proposal 332, as tor uses it for circuits).
    static let ntorV3CircuitVerification = "circuit extend"
    /// What an ntor authenticator ends with (tor-spec §5.1.4, proposal 332).
    static let ntorServer = "Server"
}
