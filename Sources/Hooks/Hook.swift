/// The doors, by number: one narrow question each. Numbers are stable and never used again.
///
/// A door belongs to a scope: a circuit's plugins stand at that circuit's doors, the host's at those of the event loop.
@frozen
@usableFromInline
package enum Hook: UInt32, CaseIterable, Sendable {
    /// The instance begins.
    case initialise = 0
    /// The instance ends.
    case exit = 1
    /// A timer of the instance has run out.
    case timer = 2
    /// The circuit can be used.
    case circuitOpened = 3
    /// The circuit is gone.
    case circuitClosed = 4
    /// A cell of this circuit has come in.
    case cellReceived = 5
    /// A cell of this circuit leaves.
    case cellSent = 6
    /// A message was recognised here.
    case relayMessage = 7
    /// A message is about to be packaged.
    case messagePackaging = 8
    /// How much may be sent?
    case maySend = 9
    /// Shall we acknowledge?
    case ackDue = 10
    /// The other end has acknowledged.
    case onAck = 11
    /// The circuit's next cell could leave.
    case departure = 12
    /// Pad when?
    case padding = 13
    /// A circuit's place on its channel.
    case rank = 14
    /// Which legs carry this cell? Its context comes with multipath circuits.
    case chooseLeg = 15
    /// A stream opens, is connected, has data, or closes.
    case stream = 16
    /// A packet has come in. Its context comes with packets.
    case packet = 17
    /// Weigh a relay.
    case choosePath = 18
    /// There is a new consensus.
    case consensusChanged = 19

    /// The raw value, spelled out so that it is a constant where the door is.
    @inlinable
    package var number: UInt32 {
        switch self {
        case .initialise: 0
        case .exit: 1
        case .timer: 2
        case .circuitOpened: 3
        case .circuitClosed: 4
        case .cellReceived: 5
        case .cellSent: 6
        case .relayMessage: 7
        case .messagePackaging: 8
        case .maySend: 9
        case .ackDue: 10
        case .onAck: 11
        case .departure: 12
        case .padding: 13
        case .rank: 14
        case .chooseLeg: 15
        case .stream: 16
        case .packet: 17
        case .choosePath: 18
        case .consensusChanged: 19
        }
    }

    /// As section names in an object spell it.
    @usableFromInline
    package var name: String {
        switch self {
        case .initialise: "init"
        case .exit: "exit"
        case .timer: "timer"
        case .circuitOpened: "circuit_opened"
        case .circuitClosed: "circuit_closed"
        case .cellReceived: "cell_received"
        case .cellSent: "cell_sent"
        case .relayMessage: "relay_message"
        case .messagePackaging: "message_packaging"
        case .maySend: "may_send"
        case .ackDue: "ack_due"
        case .onAck: "on_ack"
        case .departure: "departure"
        case .padding: "padding"
        case .rank: "rank"
        case .chooseLeg: "choose_leg"
        case .stream: "stream"
        case .packet: "packet"
        case .choosePath: "choose_path"
        case .consensusChanged: "consensus_changed"
        }
    }

    /// Whether the feature behind it exists.
    package var isOpen: Bool { self != .chooseLeg && self != .packet }

    /// Whether several plugins may stand there, in order, because nobody's answer replaces another's.
    package var isObserving: Bool {
        switch self {
        case .initialise, .exit, .timer, .circuitOpened, .circuitClosed, .cellReceived, .cellSent, .consensusChanged:
            true
        case .relayMessage, .messagePackaging, .maySend, .ackDue, .onAck, .departure, .padding, .rank, .chooseLeg,
            .stream, .packet, .choosePath:
            false
        }
    }

    /// Whether a plugin of this scope may stand there.
    package func isOffered(to scope: PluginScope) -> Bool {
        switch self {
        case .initialise, .exit, .timer: true
        case .rank, .choosePath, .consensusChanged: scope == .host
        case .circuitOpened, .circuitClosed, .cellReceived, .cellSent, .relayMessage, .messagePackaging, .maySend,
            .ackDue,
            .onAck, .departure, .padding, .chooseLeg, .stream, .packet:
            scope == .circuit
        }
    }

    /// Whether an answer there can change what the other end sees of the protocol, so that going on without the plugin
    /// would leave the two ends apart.
    package var changesProtocol: Bool {
        switch self {
        case .relayMessage, .messagePackaging, .maySend, .ackDue, .onAck, .chooseLeg, .packet: true
        case .initialise, .exit, .timer, .circuitOpened, .circuitClosed, .cellReceived, .cellSent, .departure, .padding,
            .rank, .stream, .choosePath, .consensusChanged:
            false
        }
    }
}

/// What a plugin is attached to.
package enum PluginScope: UInt32, Sendable {
    /// One circuit: an instance each.
    case circuit = 0
    /// The event loop: an instance each.
    case host = 1
}

/// Which doors are attended: one bit each, so that asking costs one predictable branch.
@frozen
@usableFromInline
package struct DoorSet: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt32

    @inlinable
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The set of one door.
    @inlinable
    package init(_ hook: Hook) { rawValue = 1 &<< hook.number }

    /// Whether somebody wants to know of cells that come: at `cell_received`, or at `padding`.
    @inlinable
    package var hearsArrivals: Bool { rawValue & (1 << 5 | 1 << 13) != 0 }

    /// Whether somebody wants to know of a stream's bytes that are about to leave: at `stream`, or `message_packaging`.
    @inlinable
    package var takesBytes: Bool { rawValue & (1 << 8 | 1 << 16) != 0 }

    /// Whether somebody stands at this door.
    @inlinable
    package func contains(_ hook: Hook) -> Bool { rawValue & (1 &<< hook.number) != 0 }
}
