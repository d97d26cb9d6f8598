internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto

/// A circuit that somebody else made, as its owner, the loop of its clientward channel, keeps it.
///
/// Everything about it is here, both directions: the layers, the backward queue, the way to its exitward leg, and our end of
/// it. The leg itself is an `ExitwardLeg`, perhaps on another loop. A plain value in a slab; it holds no references that a
/// cell would have to count.
struct RelayCircuit: ~Copyable {
    /// How far it has come.
    enum Phase: UInt8 {
        /// CREATE2 is with a worker.
        case handshaking
        /// It ends here.
        case open
        /// EXTEND2 was accepted; a channel or CREATED2 is waited for.
        case extending
        /// It goes on to another relay.
        case extended
    }

    /// Process-wide, from birth.
    let id: UInt64
    /// The clientward channel's place.
    let channel: UInt32
    /// Its ID there.
    let circuitID: CircuitID
    /// Whether the peer is not known to be a relay.
    let isFirstHop: Bool
    var phase = Phase.handshaking
    /// DATA cells for one SENDME, if congestion control was settled with the client.
    var congestion: UInt8?
    /// RELAY_EARLY cells that may still come.
    var relayEarlyLeft = UInt8(CellPathLimits.relayEarly)
    /// Nil until the handshake is answered.
    var forward: OnionLayer?
    var backward: OnionLayer?
    /// Backward cells that wait for the clientward channel; their layer is added when they leave.
    var queue = CircuitQueue()
    var schedule = ScheduleState()
    /// Where the leg is; the handle is `.none` until it is made.
    var legLoop = 0
    var leg = SlabHandle.none
    /// What to send to the next relay, while its channel is waited for.
    var pendingCreate: Create2Cell?
    /// Our end, made when the first message for us comes.
    var endpoint: UnsafeMutablePointer<CircuitEndpoint>?
    /// The padding machine that its client has started; nil where none ever was.
    var padder: UnsafeMutablePointer<CircuitPadder>?
    /// Which of its doors are attended.
    var attended: DoorSet = []
    /// Whether its cells are held: it is marked as scheduled and is not in the scheduler.
    var isParked = false
    /// Its plugins; nil where it has none.
    var doors: UnsafeMutablePointer<CircuitDoors>?
    /// What it and its client bring each other; nil where the client does not speak of plugins.
    var exchange: CircuitExchange?
    /// Whether plugins were promised, which are made when the first cell is recognised.
    var owesPlugins = false

    init(id: UInt64, channel: UInt32, circuitID: CircuitID, isFirstHop: Bool) {
        self.id = id
        self.channel = channel
        self.circuitID = circuitID
        self.isFirstHop = isFirstHop
    }
}

/// The exitward end of a circuit, on the loop of its exitward channel.
struct ExitwardLeg: ~Copyable {
    /// The loop that the circuit belongs to.
    let ownerLoop: Int
    /// The circuit there.
    let owner: SlabHandle
    /// The exitward channel's place.
    let channel: UInt32
    /// The circuit's ID there, which we chose.
    let circuitID: CircuitID
    /// Whether CREATED2 has not come yet.
    var isWaiting = true
    /// Forward cells that wait for the channel, ready for the wire.
    var queue = CircuitQueue()
    var schedule = ScheduleState()

    init(ownerLoop: Int, owner: SlabHandle, channel: UInt32, circuitID: CircuitID) {
        self.ownerLoop = ownerLoop
        self.owner = owner
        self.channel = channel
        self.circuitID = circuitID
    }
}

/// What a queued cell still needs when it leaves: `Cell.mark`.
enum CellMark {
    /// A cell that passes: our layer.
    static let passing: UInt8 = 0
    /// Nothing: CREATED2 and the like.
    static let ready: UInt8 = 1
    /// A message made here: digest and layer.
    static let originated: UInt8 = 2
    /// DATA made here: its tag may have to be remembered.
    static let originatedData: UInt8 = 3
    /// Padding made here for a plugin: digest and layer.
    static let padding: UInt8 = 4
}
