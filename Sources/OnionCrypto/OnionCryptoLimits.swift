/// What we chose ourselves, and why.
enum CryptoLimits {
    /// The longest client handshake: what fits into a CREATE2 cell beside its type and length.
    static let clientHandshakeLength = 505
    /// The longest server handshake: what fits into an EXTENDED2 message beside its length.
    static let serverHandshakeLength = 496
    /// Smaller RSA keys are worthless and larger ones a way to burn our time. Tor's own have 1024, 2048 and 3072 bits.
    static let rsaBits = 1024...4096
    /// The size of a certificate that a peer may make us parse; Tor's have less than 1 KiB.
    static let certificateLength = 8192
}
