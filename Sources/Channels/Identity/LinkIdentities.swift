/// A relay's link identity and the one before, for connections whose TLS began with the older certificate.
///
/// TLS handshakes outlast a renewal by a minute at most, so that two are enough.
package struct LinkIdentities: Sendable {
    /// What new connections present.
    package private(set) var current: LinkIdentity
    private var previous: LinkIdentity?

    /// Begins with one.
    package init(_ identity: LinkIdentity) {
        self.current = identity
    }

    /// Makes another the current one.
    package mutating func renew(with identity: LinkIdentity) {
        previous = current
        current = identity
    }

    /// The one whose certificate a connection has shown; nil if it is older than the two that are kept.
    package func presenting(_ certificate: [UInt8]) -> LinkIdentity? {
        if current.tlsCertificate == certificate { return current }
        return previous?.tlsCertificate == certificate ? previous : nil
    }
}
