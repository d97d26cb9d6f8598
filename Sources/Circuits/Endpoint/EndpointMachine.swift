package import Cells
package import OnionCrypto

/// One end of a circuit: its streams, its windows, and what each relay message that was recognised here means
/// (tor-spec §5.3-5.5, §6 and §7).
///
/// At a relay there is one other end, the client, and its hop is 0; at a client each hop is an end, with windows of its own,
/// and a stream belongs to one of them. Judges messages and counts; does not seal, queue or send. What C Tor does with a
/// message that may not be, this does: it drops what may come from a newer Tor, and destroys the circuit where windows or
/// SENDMEs are violated; a strict endpoint destroys it in the former case too.
package struct EndpointMachine: ~Copyable {
    /// Which end of the circuit.
    package enum Role: Equatable, Sendable {
        /// Where the circuit starts.
        case client
        /// A hop of it.
        case relay
    }

    /// Which end this is.
    package let role: Role
    /// What it was told.
    package let parameters: EndpointParameters
    var streams = StreamTable()
    /// Per hop. Empty at a relay until DATA is sent or received: most of a relay's circuits never do.
    private var flows: [HopFlow] = []
    /// The next stream ID to try; at a client.
    var nextStreamID: UInt16
    /// DATA cells until one must have room for random bytes; and whether one has had since this was drawn.
    private(set) var cellsUntilRandomness = 0
    private(set) var hasSentRandomness = true

    /// An end of a circuit without hops, at a client, or with its client, at a relay.
    package init(role: Role, parameters: EndpointParameters, using random: inout some RandomNumberGenerator) {
        self.role = role
        self.parameters = parameters
        // tor-spec §6.2: the client may choose any; C Tor starts anywhere.
        nextStreamID = role == .client ? UInt16(truncatingIfNeeded: random.next()) : 0
    }

    /// At a client: there is one more hop.
    package mutating func addHop() {
        flows.append(makeFlow())
    }

    /// How many hops can be spoken to; one at a relay.
    package var hopCount: Int { role == .relay ? 1 : flows.count }

    /// Streams that have not ended.
    package var streamCount: Int { streams.count - streams.halfClosedCount }

    /// A stream's ID; nil if the handle is stale.
    package func streamID(of handle: StreamHandle) -> StreamID? {
        guard let slot = streams.slot(of: handle) else { return nil }
        return streams[slot]?.id
    }

    /// The hop at a stream's other end; nil if the handle is stale.
    package func hop(of handle: StreamHandle) -> Int? {
        guard let slot = streams.slot(of: handle), let stream = streams[slot] else { return nil }
        return Int(stream.hop)
    }

    // MARK: Windows

    /// How many DATA cells the circuit would take now for a hop.
    package func sendableCells(hop: Int) -> Int {
        if flows.indices.contains(hop) { return flows[hop].control.sendableCells }
        return role == .relay && hop == 0 ? makeFlow().control.sendableCells : 0
    }

    /// How many DATA cells a stream may send now: what its window and the circuit's leave.
    package func sendableCells(_ handle: StreamHandle) -> Int {
        guard let slot = streams.slot(of: handle), let stream = streams[slot] else { return 0 }
        return sendableCells(stream)
    }

    private func sendableCells(_ stream: StreamMachine) -> Int {
        min(stream.sendableCells, sendableCells(hop: Int(stream.hop)))
    }

    /// How many bytes `package` would take now, one cell after the other; a little less at times, never more.
    package func sendableBytes(_ handle: StreamHandle) -> Int {
        let cells = sendableCells(handle)
        guard cells > 0 else { return 0 }
        let roomy = 1 + cells / EndpointLimits.cellsBetweenRandomness
        return cells * CellsSpec.relayDataLength - roomy * Self.roomForRandomness
    }

    /// Whether a stream may send a DATA cell.
    package func canPackage(_ handle: StreamHandle) -> Bool {
        sendableCells(handle) > 0
    }

    /// Packages a DATA cell of a stream: counts it, and says how many bytes to put into it.
    ///
    /// The cell has to be sealed later, and `dataSealed` to be told.
    ///
    /// - Parameter available: how many bytes there are to send.
    /// - Returns: how many go into this cell; 0 if none may be sent.
    package mutating func package(
        _ handle: StreamHandle, available: Int, using random: inout some RandomNumberGenerator
    ) -> Int {
        guard available > 0, let slot = streams.slot(of: handle), let stream = streams[slot],
            sendableCells(stream) > 0
        else { return 0 }
        let hop = Int(stream.hop)
        ensureFlow()
        flows[hop].notePackaged()
        streams.sendData(slot)
        return packagedLength(available, using: &random)
    }

    /// A DATA cell for a hop has been sealed, in sending order.
    package mutating func dataSealed(_ tag: OnionTag, hop: Int = 0) {
        ensureFlow()
        guard flows.indices.contains(hop) else { return }
        flows[hop].noteSealed(tag)
    }

    /// Puts a stream in line: its owner has more to send than it could. `streamMaySend`, or `nextWaiting`, takes it out.
    package mutating func wait(_ handle: StreamHandle) {
        guard let slot = streams.slot(of: handle) else { return }
        streams.wait(slot)
    }

    /// Takes the next stream out of the line that may send to `hop` now; nil if there is none.
    ///
    /// Ask until nil, as long as the circuit's queue takes cells, and tell each owner, then or later. Who cannot send all must
    /// `wait` again. Who finds nothing left comes before who was served: streams take turns, however the driver asks.
    package mutating func nextWaiting(hop: Int = 0) -> StreamHandle? {
        guard sendableCells(hop: hop) > 0, let slot = streams.callNext(hop: hop) else { return nil }
        return streams.handle(at: slot)
    }

    /// How many SENDMEs to send for a stream whose owner has passed on, or can pass on, what it got. They count as sent.
    package mutating func acknowledge(_ handle: StreamHandle) -> Int {
        guard let slot = streams.slot(of: handle) else { return 0 }
        return streams.acknowledge(slot)
    }

    /// A DATA from a hop has come in; windows of the circuit only.
    mutating func noteData(hop: Int) -> FlowControl.ReceiveDataAction {
        ensureFlow()
        return flows.indices.contains(hop) ? flows[hop].receiveData() : .destroyCircuit
    }

    /// A SENDME of the circuit has come in.
    mutating func noteSendme(_ data: RawSpan, hop: Int) -> HopFlow.ReceiveSendmeAction {
        guard flows.indices.contains(hop) else { return .destroyCircuit }
        return flows[hop].receiveSendme(data, minimumVersion: parameters.sendmeAcceptMinVersion)
    }

    private func makeFlow() -> HopFlow {
        HopFlow(.windows(CircuitWindow(start: parameters.circuitWindow)))
    }

    private mutating func ensureFlow() {
        if role == .relay, flows.isEmpty { flows.append(makeFlow()) }
    }

    // MARK: Unpredictable cells

    /// What a DATA cell gives up so that random bytes fit behind the four zeros.
    static let roomForRandomness = CellsSpec.relayPaddingZeros + EndpointSpec.unpredictableLength

    /// Proposal 289 §3.3: of the cells that a SENDME covers, one must end with random bytes, or the client, who knows the
    /// plaintext of a download, could compute the tags of cells that it has not received.
    private mutating func packagedLength(_ available: Int, using random: inout some RandomNumberGenerator) -> Int {
        let roomy = CellsSpec.relayDataLength - Self.roomForRandomness
        let isForced = cellsUntilRandomness == 0 && !hasSentRandomness
        let length = min(available, isForced ? roomy : CellsSpec.relayDataLength)
        if length <= roomy { hasSentRandomness = true }
        if cellsUntilRandomness == 0 {
            let least = EndpointLimits.cellsBetweenRandomness
            cellsUntilRandomness = Int.random(in: least..<(2 * least), using: &random)
            hasSentRandomness = false
        }
        cellsUntilRandomness -= 1
        return length
    }
}
