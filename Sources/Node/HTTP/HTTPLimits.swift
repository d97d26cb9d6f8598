/// What we refuse although HTTP sets no limit. C Tor draws the same lines.
package enum HTTPLimits {
    /// Request or status line and headers together.
    package static let headLength = 50_000
    /// The body of a request: descriptors, votes and signatures.
    package static let uploadLength = (1 << 24) - 1
    /// The body of a response, as it comes over the wire.
    package static let downloadLength = (1 << 24) - 1
    /// Headers in one head; C Tor counts bytes only.
    package static let headerCount = 100
}
