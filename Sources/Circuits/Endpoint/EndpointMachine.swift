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
    /// Which hops speak of plugins, one bit each.
    var pluginHops: UInt8 = 0
    /// Bytes that go into one DATA cell at most, 1 to 498.
    package var dataLimit = CellsSpec.relayDataLength
    /// The next stream ID to try; at a client.
    var nextStreamID: UInt16
    /// DATA cells until one must have room for random bytes; and whether one has had since this was drawn.
    private(set) var cellsUntilRandomness = 0
    private(set) var hasSentRandomness = true

    /// At a relay: DATA cells for one SENDME, if congestion control was settled with the client.
    private let congestion: UInt8?

    /// An end of a circuit without hops, at a client, or with its client, at a relay.
    ///
    /// - Parameter congestion: at a relay, DATA cells for one SENDME, if congestion control was settled with the client.
    package init(
        role: Role, parameters: EndpointParameters, congestion: UInt8? = nil,
        using random: inout some RandomNumberGenerator
    ) {
        self.role = role
        self.parameters = parameters
        self.congestion = congestion
        // tor-spec §6.2: the client may choose any; C Tor starts anywhere.
        nextStreamID = role == .client ? UInt16(truncatingIfNeeded: random.next()) : 0
    }

    /// At a client: there is one more hop.
    ///
    /// - Parameters:
    ///   - congestion: DATA cells for one SENDME, if congestion control was settled with it.
    ///   - path: what kind of path it ends.
    package mutating func addHop(congestion: UInt8? = nil, path: CongestionParameters.Path = .exit) {
        flows.append(makeFlow(congestion, path))
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

    /// Whether bytes may go either way on a stream.
    package func isOpen(_ handle: StreamHandle) -> Bool {
        streams.slot(of: handle).map { streams[$0]?.state == .open } ?? false
    }

    /// The hop at a stream's other end; nil if the handle is stale.
    package func hop(of handle: StreamHandle) -> Int? {
        guard let slot = streams.slot(of: handle), let stream = streams[slot] else { return nil }
        return Int(stream.hop)
    }

    // MARK: Flow control

    /// What went and came of a hop; nil if there was nothing.
    package func flowCounts(hop: Int) -> FlowCounts? { flows.indices.contains(hop) ? flows[hop].counts : nil }

    /// What went and came of a stream; nil if the handle is stale.
    package func flowCounts(_ handle: StreamHandle) -> FlowCounts? {
        streams.slot(of: handle).flatMap { streams[$0]?.counts }
    }

    /// How many DATA cells the circuit would take now for a hop.
    package mutating func sendableCells(hop: Int, by decider: inout some FlowDecider & ~Copyable) -> Int {
        ensureFlow()
        return flows.indices.contains(hop) ? flows[hop].sendableCells(hop: hop, by: &decider) : 0
    }

    /// How many DATA cells a stream may send now: what it may itself, and what the circuit may.
    package mutating func sendableCells(_ handle: StreamHandle, by decider: inout some FlowDecider & ~Copyable) -> Int {
        guard let slot = streams.slot(of: handle) else { return 0 }
        return sendableCells(slot: slot, &decider)
    }

    private mutating func sendableCells(slot: Int, _ decider: inout some FlowDecider & ~Copyable) -> Int {
        let own = streams.sendableCells(slot, by: &decider)
        guard own > 0, let hop = streams[slot]?.hop else { return 0 }
        return min(own, sendableCells(hop: Int(hop), by: &decider))
    }

    /// How many bytes `package` would take now, one cell after the other; a little less at times, never more.
    package mutating func sendableBytes(_ handle: StreamHandle, by decider: inout some FlowDecider & ~Copyable) -> Int {
        // Far more cells than any path holds: no product overflows.
        let cells = min(sendableCells(handle, by: &decider), EndpointLimits.awaitedAcknowledgements)
        guard cells > 0 else { return 0 }
        let roomy = 1 + cells / EndpointLimits.cellsBetweenRandomness
        return cells * dataLimit - roomy * max(0, dataLimit + Self.roomForRandomness - CellsSpec.relayDataLength)
    }

    /// Whether a stream may send a DATA cell.
    package mutating func canPackage(_ handle: StreamHandle, by decider: inout some FlowDecider & ~Copyable) -> Bool {
        sendableCells(handle, by: &decider) > 0
    }

    /// Packages a DATA cell of a stream: counts it, and says how many bytes to put into it.
    ///
    /// The cell has to be sealed later, and `dataSealed` to be told.
    ///
    /// - Parameter available: how many bytes there are to send.
    /// - Returns: how many go into this cell; 0 if none may be sent.
    package mutating func package(
        _ handle: StreamHandle, available: Int, using random: inout some RandomNumberGenerator,
        by decider: inout some FlowDecider & ~Copyable
    ) -> Int {
        guard available > 0, let slot = streams.slot(of: handle), sendableCells(slot: slot, &decider) > 0,
            let hop = streams[slot]?.hop
        else { return 0 }
        flows[Int(hop)].notePackaged(by: &decider)
        streams.sendData(slot)
        return packagedLength(available, using: &random)
    }

    /// A cell that counts like DATA is packaged; there was room for it.
    mutating func notePackaged(hop: Int, by decider: inout some FlowDecider & ~Copyable) {
        if flows.indices.contains(hop) { flows[hop].notePackaged(by: &decider) }
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
    package mutating func nextWaiting(hop: Int = 0, by decider: inout some FlowDecider & ~Copyable) -> StreamHandle? {
        guard streams.waitingCount > 0, sendableCells(hop: hop, by: &decider) > 0,
            let slot = streams.callNext(hop: hop, by: &decider)
        else { return nil }
        return streams.handle(at: slot)
    }

    /// How many SENDMEs to send for a stream whose owner has passed on, or can pass on, what it got. They count as sent.
    ///
    /// - Returns: nil if the circuit cannot go on.
    package mutating func acknowledge(_ handle: StreamHandle, by decider: inout some FlowDecider & ~Copyable) -> Int? {
        guard let slot = streams.slot(of: handle) else { return 0 }
        return streams.acknowledge(slot, by: &decider)
    }

    /// Time has passed for whoever decides: what was answered before holds no longer. Then ask `nextWaiting`.
    package mutating func askAgain() {
        for hop in flows.indices { flows[hop].askAgain() }
        streams.askAgain()
    }

    /// A DATA from a hop has come in; the circuit's count only.
    mutating func noteData(hop: Int, by decider: inout some FlowDecider & ~Copyable) -> FlowControl.ReceiveDataAction {
        ensureFlow()
        return flows.indices.contains(hop) ? flows[hop].receiveData(hop: hop, by: &decider) : .destroyCircuit
    }

    /// A SENDME of the circuit has come in.
    mutating func noteSendme(
        _ data: RawSpan, hop: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> HopFlow.ReceiveSendmeAction {
        guard flows.indices.contains(hop) else { return .destroyCircuit }
        return flows[hop].receiveSendme(
            data, minimumVersion: parameters.sendmeAcceptMinVersion, hop: hop, by: &decider)
    }

    private func makeFlow(_ congestion: UInt8?, _ path: CongestionParameters.Path) -> HopFlow {
        guard let congestion else { return HopFlow(.windows(.circuit(start: parameters.circuitWindow))) }
        return HopFlow(.vegas(FlowVegas(parameters.congestion, path: path, increment: congestion)))
    }

    private mutating func ensureFlow() {
        if role == .relay, flows.isEmpty { flows.append(makeFlow(congestion, .exit)) }
    }

    /// Whether streams to a hop have windows; if not, they stop and go by XOFF and XON.
    package func hasStreamWindows(hop: Int) -> Bool {
        if role == .relay { return congestion == nil }
        return flows.indices.contains(hop) ? flows[hop].control.usesStreamWindows : true
    }

    /// DATA cells that a SENDME of a hop's acknowledges, as the built-in has it.
    package func ackInterval(hop: Int) -> UInt32 {
        if flows.indices.contains(hop) { return flows[hop].control.ackInterval }
        return role == .relay ? congestion.map { UInt32($0) } ?? FlowWindows.circuit().ackInterval : 0
    }

    // MARK: Unpredictable cells

    /// What a DATA cell gives up so that random bytes fit behind the four zeros.
    static let roomForRandomness = CellsSpec.relayPaddingZeros + EndpointSpec.unpredictableLength

    /// Proposal 289 §3.3: of the cells that a SENDME covers, one must end with random bytes, or the client, who knows the
    /// plaintext of a download, could compute the tags of cells that it has not received.
    private mutating func packagedLength(_ available: Int, using random: inout some RandomNumberGenerator) -> Int {
        let available = min(available, dataLimit)
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
