package import Cells

/// Why a channel must be closed. Always the peer's doing, except for the last three.
package enum ChannelFault: Error, Hashable, Sendable {
    /// A cell that has no place here or now.
    case unexpectedCell(CellCommand)
    /// A cell of the link handshake that cannot be parsed, or with a circuit ID.
    case malformedCell(CellCommand)
    /// No link protocol in common.
    case noCommonVersion
    /// Two certificates of a type.
    case duplicateCertificate
    /// The certificate of this type is missing, malformed, void, or signed by the wrong key.
    case badCertificate(CertsCellType)
    /// The peer is somebody else than whom we dialled.
    case wrongIdentity
    /// AUTHENTICATE does not say or sign what it should.
    case badAuthentication
    /// NETINFO of a responder that has not shown who it is.
    case notAuthenticated
    /// The handshake took too long.
    case timedOut
    /// The driver gave no TLS certificate or keying material where they are needed.
    case noKeyingMaterial
    /// The cell came after the machine had said `close`.
    case closed
}
