/// Why a stream ended (tor-spec §6.3).
@usableFromInline
package struct EndReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    /// Takes any number; an unknown one is kept as it is.
    @inlinable
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Anything that has no number of its own.
    @inlinable package static var misc: EndReason { EndReason(rawValue: 1) }

    /// The host name could not be looked up.
    @inlinable package static var resolveFailed: EndReason { EndReason(rawValue: 2) }

    /// The remote host refused the connection.
    @inlinable package static var connectRefused: EndReason { EndReason(rawValue: 3) }

    /// The relay will not connect there.
    @inlinable package static var exitPolicy: EndReason { EndReason(rawValue: 4) }

    /// The circuit is being destroyed.
    @inlinable package static var destroy: EndReason { EndReason(rawValue: 5) }

    /// The TCP connection was closed.
    @inlinable package static var done: EndReason { EndReason(rawValue: 6) }

    /// Connecting took too long.
    @inlinable package static var timeout: EndReason { EndReason(rawValue: 7) }

    /// There is no way to the host.
    @inlinable package static var noRoute: EndReason { EndReason(rawValue: 8) }

    /// The relay saves its bandwidth.
    @inlinable package static var hibernating: EndReason { EndReason(rawValue: 9) }

    /// Something went wrong inside the relay.
    @inlinable package static var `internal`: EndReason { EndReason(rawValue: 10) }

    /// The relay has no resources left.
    @inlinable package static var resourceLimit: EndReason { EndReason(rawValue: 11) }

    /// The connection was reset.
    @inlinable package static var connReset: EndReason { EndReason(rawValue: 12) }

    /// The peer broke the protocol.
    @inlinable package static var torProtocol: EndReason { EndReason(rawValue: 13) }

    /// The relay serves no directory.
    @inlinable package static var notDirectory: EndReason { EndReason(rawValue: 14) }

    /// The specification's name, or the number.
    public var description: String {
        switch self {
        case .misc: "MISC"
        case .resolveFailed: "RESOLVEFAILED"
        case .connectRefused: "CONNECTREFUSED"
        case .exitPolicy: "EXITPOLICY"
        case .destroy: "DESTROY"
        case .done: "DONE"
        case .timeout: "TIMEOUT"
        case .noRoute: "NOROUTE"
        case .hibernating: "HIBERNATING"
        case .internal: "INTERNAL"
        case .resourceLimit: "RESOURCELIMIT"
        case .connReset: "CONNRESET"
        case .torProtocol: "TORPROTOCOL"
        case .notDirectory: "NOTDIRECTORY"
        default: "\(rawValue)"
        }
    }
}
