/// Numbers of our own choice, each with its reason.
enum ChannelsLimits {
    /// How long a link handshake may take. As long as C Tor allows for TLS and link handshake together.
    static let handshakeTime = Duration.seconds(60)
    /// So long before a certificate ends a new one is made: C Tor's slop of three hours.
    static let renewalSlop: Int64 = 3 * 3600
}
