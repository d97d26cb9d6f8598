/// What a relay message is for (tor-spec §6.1).
@usableFromInline
package struct RelayCommand: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number on the wire.
    public let rawValue: UInt8

    /// Takes any number; an unknown one is kept as it is.
    @inlinable
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Opens a stream to an address.
    @inlinable package static var begin: RelayCommand { RelayCommand(rawValue: 1) }

    /// A stream's bytes.
    @inlinable package static var data: RelayCommand { RelayCommand(rawValue: 2) }

    /// Closes a stream.
    @inlinable package static var end: RelayCommand { RelayCommand(rawValue: 3) }

    /// The stream is open.
    @inlinable package static var connected: RelayCommand { RelayCommand(rawValue: 4) }

    /// Acknowledges DATA; opens the window.
    @inlinable package static var sendme: RelayCommand { RelayCommand(rawValue: 5) }

    /// The old way to add a hop; its handshake is gone.
    @inlinable package static var extend: RelayCommand { RelayCommand(rawValue: 6) }

    /// Answers EXTEND.
    @inlinable package static var extended: RelayCommand { RelayCommand(rawValue: 7) }

    /// Cuts the circuit after this hop.
    @inlinable package static var truncate: RelayCommand { RelayCommand(rawValue: 8) }

    /// The circuit has been cut.
    @inlinable package static var truncated: RelayCommand { RelayCommand(rawValue: 9) }

    /// Padding between an end and a hop.
    @inlinable package static var drop: RelayCommand { RelayCommand(rawValue: 10) }

    /// Asks for an address.
    @inlinable package static var resolve: RelayCommand { RelayCommand(rawValue: 11) }

    /// Answers RESOLVE.
    @inlinable package static var resolved: RelayCommand { RelayCommand(rawValue: 12) }

    /// Opens a stream to the relay's directory.
    @inlinable package static var beginDirectory: RelayCommand { RelayCommand(rawValue: 13) }

    /// Adds a hop.
    @inlinable package static var extend2: RelayCommand { RelayCommand(rawValue: 14) }

    /// Answers EXTEND2.
    @inlinable package static var extended2: RelayCommand { RelayCommand(rawValue: 15) }

    /// Asks to link this circuit into a multipath set.
    @inlinable package static var confluxLink: RelayCommand { RelayCommand(rawValue: 19) }

    /// Answers CONFLUX_LINK.
    @inlinable package static var confluxLinked: RelayCommand { RelayCommand(rawValue: 20) }

    /// Answers CONFLUX_LINKED.
    @inlinable package static var confluxLinkedAck: RelayCommand { RelayCommand(rawValue: 21) }

    /// The sender goes on on this leg.
    @inlinable package static var confluxSwitch: RelayCommand { RelayCommand(rawValue: 22) }

    /// An onion service makes an introduction point.
    @inlinable package static var establishIntro: RelayCommand { RelayCommand(rawValue: 32) }

    /// A client makes a rendezvous point.
    @inlinable package static var establishRendezvous: RelayCommand { RelayCommand(rawValue: 33) }

    /// A client to an introduction point.
    @inlinable package static var introduce1: RelayCommand { RelayCommand(rawValue: 34) }

    /// An introduction point to its onion service.
    @inlinable package static var introduce2: RelayCommand { RelayCommand(rawValue: 35) }

    /// An onion service to a rendezvous point.
    @inlinable package static var rendezvous1: RelayCommand { RelayCommand(rawValue: 36) }

    /// A rendezvous point to its client.
    @inlinable package static var rendezvous2: RelayCommand { RelayCommand(rawValue: 37) }

    /// Answers ESTABLISH_INTRO.
    @inlinable package static var introEstablished: RelayCommand { RelayCommand(rawValue: 38) }

    /// Answers ESTABLISH_RENDEZVOUS.
    @inlinable package static var rendezvousEstablished: RelayCommand { RelayCommand(rawValue: 39) }

    /// Answers INTRODUCE1.
    @inlinable package static var introduceAck: RelayCommand { RelayCommand(rawValue: 40) }

    /// Starts or stops a padding machine of a hop.
    @inlinable package static var paddingNegotiate: RelayCommand { RelayCommand(rawValue: 41) }

    /// Answers PADDING_NEGOTIATE.
    @inlinable package static var paddingNegotiated: RelayCommand { RelayCommand(rawValue: 42) }

    /// Stop sending on this stream.
    @inlinable package static var xoff: RelayCommand { RelayCommand(rawValue: 43) }

    /// Go on sending on this stream.
    @inlinable package static var xon: RelayCommand { RelayCommand(rawValue: 44) }

    /// The specification's name, or the number.
    public var description: String {
        switch self {
        case .begin: "BEGIN"
        case .data: "DATA"
        case .end: "END"
        case .connected: "CONNECTED"
        case .sendme: "SENDME"
        case .extend: "EXTEND"
        case .extended: "EXTENDED"
        case .truncate: "TRUNCATE"
        case .truncated: "TRUNCATED"
        case .drop: "DROP"
        case .resolve: "RESOLVE"
        case .resolved: "RESOLVED"
        case .beginDirectory: "BEGIN_DIR"
        case .extend2: "EXTEND2"
        case .extended2: "EXTENDED2"
        case .confluxLink: "CONFLUX_LINK"
        case .confluxLinked: "CONFLUX_LINKED"
        case .confluxLinkedAck: "CONFLUX_LINKED_ACK"
        case .confluxSwitch: "CONFLUX_SWITCH"
        case .establishIntro: "ESTABLISH_INTRO"
        case .establishRendezvous: "ESTABLISH_RENDEZVOUS"
        case .introduce1: "INTRODUCE1"
        case .introduce2: "INTRODUCE2"
        case .rendezvous1: "RENDEZVOUS1"
        case .rendezvous2: "RENDEZVOUS2"
        case .introEstablished: "INTRO_ESTABLISHED"
        case .rendezvousEstablished: "RENDEZVOUS_ESTABLISHED"
        case .introduceAck: "INTRODUCE_ACK"
        case .paddingNegotiate: "PADDING_NEGOTIATE"
        case .paddingNegotiated: "PADDING_NEGOTIATED"
        case .xoff: "XOFF"
        case .xon: "XON"
        case .pluginOffer: "PLUGIN_OFFER"
        case .pluginAnswer: "PLUGIN_ANSWER"
        case .pluginCode: "PLUGIN_CODE"
        case .pluginReady: "PLUGIN_READY"
        case .pluginDetach: "PLUGIN_DETACH"
        case .pluginMessage: "PLUGIN_MESSAGE"
        case .pluginCounters: "PLUGIN_COUNTERS"
        default: "\(rawValue)"
        }
    }
}
