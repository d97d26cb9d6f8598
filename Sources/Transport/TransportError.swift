/// Why a connection, a context or a dial failed.
package enum TransportError: Error, Equatable, Sendable {
    /// OpenSSL refused something; the text is its reason, for our own logs.
    case tls(String)
    /// The certificate's bytes are not a DER certificate.
    case badCertificate
    /// The key's bytes are not a DER private key, or not the certificate's.
    case badKey
    /// The TLS handshake took longer than its limit.
    case handshakeTimedOut
    /// The peer sent more bytes than a TLS handshake needs.
    case handshakeTooLong
    /// The peer closed; `clean` when it said so by a close_notify alert first.
    case closedByPeer(clean: Bool)
    /// We closed.
    case closedLocally
    /// The peer took nothing of what was left to send before the time for it ran out.
    case lingerTimedOut
    /// A socket call failed with this `errno`.
    case socket(errno: Int32)
    /// No connection came about.
    case connectFailed(errno: Int32)
    /// No answer to our SYN within the limit.
    case connectTimedOut
    /// The text or value is not an address that we can dial or bind.
    case badAddress
    /// The port is taken, or may not be bound by us.
    case bindFailed(errno: Int32)
    /// The TLS handshake is not complete, so there are no keys to export from.
    case notSecured
}
