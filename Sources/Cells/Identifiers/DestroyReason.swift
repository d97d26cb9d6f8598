/// Why a circuit ended, in DESTROY and TRUNCATED (tor-spec §5.4).
@usableFromInline
package struct DestroyReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    /// Takes any number; an unknown one is kept as it is.
    @inlinable
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// No reason is given.
    @inlinable package static var none: DestroyReason { DestroyReason(rawValue: 0) }

    /// The peer broke the protocol.
    @inlinable package static var torProtocol: DestroyReason { DestroyReason(rawValue: 1) }

    /// Something went wrong inside.
    @inlinable package static var `internal`: DestroyReason { DestroyReason(rawValue: 2) }

    /// A client asked for it with TRUNCATE.
    @inlinable package static var requested: DestroyReason { DestroyReason(rawValue: 3) }

    /// The relay saves its bandwidth.
    @inlinable package static var hibernating: DestroyReason { DestroyReason(rawValue: 4) }

    /// No memory, sockets or circuit IDs left.
    @inlinable package static var resourceLimit: DestroyReason { DestroyReason(rawValue: 5) }

    /// The next relay cannot be reached.
    @inlinable package static var connectFailed: DestroyReason { DestroyReason(rawValue: 6) }

    /// The next relay is not who it should be.
    @inlinable package static var orIdentity: DestroyReason { DestroyReason(rawValue: 7) }

    /// The channel that carried the circuit closed.
    @inlinable package static var channelClosed: DestroyReason { DestroyReason(rawValue: 8) }

    /// The circuit has expired, for age or disuse.
    @inlinable package static var finished: DestroyReason { DestroyReason(rawValue: 9) }

    /// Making the circuit took too long.
    @inlinable package static var timeout: DestroyReason { DestroyReason(rawValue: 10) }

    /// The circuit was destroyed by the other side.
    @inlinable package static var destroyed: DestroyReason { DestroyReason(rawValue: 11) }

    /// There is no such onion service.
    @inlinable package static var noSuchService: DestroyReason { DestroyReason(rawValue: 12) }

    /// The specification's name, or the number.
    public var description: String {
        switch self {
        case .none: "NONE"
        case .torProtocol: "TORPROTOCOL"
        case .internal: "INTERNAL"
        case .requested: "REQUESTED"
        case .hibernating: "HIBERNATING"
        case .resourceLimit: "RESOURCELIMIT"
        case .connectFailed: "CONNECTFAILED"
        case .orIdentity: "OR_IDENTITY"
        case .channelClosed: "CHANNEL_CLOSED"
        case .finished: "FINISHED"
        case .timeout: "TIMEOUT"
        case .destroyed: "DESTROYED"
        case .noSuchService: "NOSUCHSERVICE"
        default: "\(rawValue)"
        }
    }
}
