/// What a cell is for: the byte after its circuit ID (tor-spec §3).
@usableFromInline
package struct CellCommand: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    /// Takes any number; an unknown one is kept as it is.
    @inlinable
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Keeps a connection busy; dropped.
    @inlinable package static var padding: CellCommand { CellCommand(rawValue: 0) }

    /// The old way to make a circuit; its handshake is gone.
    @inlinable package static var create: CellCommand { CellCommand(rawValue: 1) }

    /// Answers CREATE.
    @inlinable package static var created: CellCommand { CellCommand(rawValue: 2) }

    /// A layer of onion for, or from, the hops of a circuit.
    @inlinable package static var relay: CellCommand { CellCommand(rawValue: 3) }

    /// The circuit is no more.
    @inlinable package static var destroy: CellCommand { CellCommand(rawValue: 4) }

    /// Makes a one-hop circuit without public-key cryptography.
    @inlinable package static var createFast: CellCommand { CellCommand(rawValue: 5) }

    /// Answers CREATE_FAST.
    @inlinable package static var createdFast: CellCommand { CellCommand(rawValue: 6) }

    /// Which link protocols a side speaks; variable in length.
    @inlinable package static var versions: CellCommand { CellCommand(rawValue: 7) }

    /// Time and addresses; ends the link handshake.
    @inlinable package static var netinfo: CellCommand { CellCommand(rawValue: 8) }

    /// RELAY that may carry EXTEND2; at most eight per circuit.
    @inlinable package static var relayEarly: CellCommand { CellCommand(rawValue: 9) }

    /// Makes a circuit's first, or next, hop.
    @inlinable package static var create2: CellCommand { CellCommand(rawValue: 10) }

    /// Answers CREATE2.
    @inlinable package static var created2: CellCommand { CellCommand(rawValue: 11) }

    /// Starts or stops the padding of a channel.
    @inlinable package static var paddingNegotiate: CellCommand { CellCommand(rawValue: 12) }

    /// Padding of any length; dropped.
    @inlinable package static var vpadding: CellCommand { CellCommand(rawValue: 128) }

    /// Who the sender is, in certificates.
    @inlinable package static var certs: CellCommand { CellCommand(rawValue: 129) }

    /// Asks the initiator to authenticate.
    @inlinable package static var authChallenge: CellCommand { CellCommand(rawValue: 130) }

    /// The initiator proves who it is.
    @inlinable package static var authenticate: CellCommand { CellCommand(rawValue: 131) }

    /// Reserved; ignored.
    @inlinable package static var authorize: CellCommand { CellCommand(rawValue: 132) }

    /// True if a cell of this command says its own length (tor-spec §3: VERSIONS, and everything from 128).
    @inlinable package var isVariableLength: Bool { rawValue >= 128 || rawValue == 7 }

    /// The specification's name, or the number.
    public var description: String {
        switch self {
        case .padding: "PADDING"
        case .create: "CREATE"
        case .created: "CREATED"
        case .relay: "RELAY"
        case .destroy: "DESTROY"
        case .createFast: "CREATE_FAST"
        case .createdFast: "CREATED_FAST"
        case .versions: "VERSIONS"
        case .netinfo: "NETINFO"
        case .relayEarly: "RELAY_EARLY"
        case .create2: "CREATE2"
        case .created2: "CREATED2"
        case .paddingNegotiate: "PADDING_NEGOTIATE"
        case .vpadding: "VPADDING"
        case .certs: "CERTS"
        case .authChallenge: "AUTH_CHALLENGE"
        case .authenticate: "AUTHENTICATE"
        case .authorize: "AUTHORIZE"
        default: "\(rawValue)"
        }
    }
}
