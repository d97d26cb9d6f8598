package import Cells

/// Why an authority cannot start.
package enum AuthorityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No `DirAuthority` line has the identity of its certificate.
    case notListed(RSAIdentity)
    /// Its own `DirAuthority` line has no IPv4 address.
    case noAddress
    /// The signing key is not the one in the certificate.
    case wrongKey

    /// For the operator.
    package var description: String {
        switch self {
        case .notListed(let identity): "no DirAuthority line has v3ident=\(identity), which is our certificate's"
        case .noAddress: "our own DirAuthority line has no IPv4 address"
        case .wrongKey: "the authority's signing key is not the one in its certificate"
        }
    }
}
