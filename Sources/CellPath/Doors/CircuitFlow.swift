internal import Circuits
internal import Hooks
internal import PluginHost

/// Who decides about flow control at our end of a circuit: the plugin at its doors, or nobody but the built-in.
///
/// A value of one call into the endpoint's machine, which asks only when an answer is needed. What a question left behind
/// (a failure, padding, messages) is `Corridor.settle`'s when the call is over.
struct CircuitFlow: FlowDecider {
    /// Nil where no plugin stands at a door of flow control.
    let doors: UnsafeMutablePointer<CircuitDoors>?
    let queue: UInt32
    let isBlocked: Bool
    private let epoch: ContinuousClock.Instant
    /// Whether a plugin was asked.
    private(set) var hasAsked = false

    init(
        _ doors: UnsafeMutablePointer<CircuitDoors>?, attended: DoorSet, queue: UInt32, isBlocked: Bool,
        epoch: ContinuousClock.Instant
    ) {
        self.doors = attended.decidesFlow ? doors : nil
        self.queue = queue
        self.isBlocked = isBlocked
        self.epoch = epoch
    }

    /// Not the batch's clock: what is packaged from a program's bytes may be long after the last batch.
    var now: UInt64 { Corridor.microseconds(since: epoch) }

    var ackInterval: UInt32? {
        guard let doors, doors.pointee.doors.attended.contains(.ackDue) else { return nil }
        return doors.pointee.doors.flow.ackInterval
    }

    mutating func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> {
        guard let doors else { return .builtIn }
        prepare(doors)
        return doors.pointee.doors.maySend(&context)
    }

    mutating func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> {
        guard let doors else { return .builtIn }
        prepare(doors)
        return doors.pointee.doors.ackDue(&context)
    }

    mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> {
        guard let doors else { return .builtIn }
        prepare(doors)
        return doors.pointee.doors.onAck(&context)
    }

    private mutating func prepare(_ doors: UnsafeMutablePointer<CircuitDoors>) {
        hasAsked = true
        doors.pointee.noteQueue(queue)
    }
}

extension CircuitDoors {
    /// Tells `flow_get` how many cells wait.
    mutating func noteQueue(_ count: UInt32) {
        if direction == .forward { doors.flow.queueForward = count } else { doors.flow.queueBackward = count }
    }
}

extension DoorSet {
    /// Whether somebody stands at a door of flow control.
    @inline(__always)
    var decidesFlow: Bool { contains(.maySend) || contains(.ackDue) || contains(.onAck) }
}

extension Corridor {
    /// Who decides about a relay's circuit.
    @inline(__always)
    func flow(
        of circuit: UnsafeMutablePointer<RelayCircuit>, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) -> CircuitFlow {
        CircuitFlow(
            circuit.pointee.doors, attended: circuit.pointee.attended, queue: circuit.pointee.queue.count,
            isBlocked: endpoint.pointee.isQueueFull, epoch: epoch)
    }

    /// Who decides about a circuit that starts here.
    @inline(__always)
    func flow(
        of origin: UnsafeMutablePointer<OriginRecord>, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) -> CircuitFlow {
        CircuitFlow(
            origin.pointee.doors, attended: origin.pointee.attended, queue: origin.pointee.queue.count,
            isBlocked: endpoint.pointee.isQueueFull, epoch: epoch)
    }

    /// Who decides about either.
    func flow(of reference: CircuitReference, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>) -> CircuitFlow {
        switch reference.kind {
        case .relay: flow(of: circuits.pointer(reference.slot), endpoint)
        case .origin: flow(of: origins.pointer(reference.slot), endpoint)
        case .leg: CircuitFlow(nil, attended: [], queue: 0, isBlocked: false, epoch: epoch)
        }
    }

    /// After a call into the machine: if a plugin was asked, does what else it wanted.
    ///
    /// - Returns: false if the circuit is gone.
    @inline(__always)
    func settle(_ flow: CircuitFlow, _ reference: CircuitReference) -> Bool {
        guard flow.hasAsked, let doors = flow.doors else { return true }
        return finishAsking(reference, doors)
    }

    /// Our end of a circuit, if there is one.
    func endpoint(of reference: CircuitReference) -> UnsafeMutablePointer<CircuitEndpoint>? {
        switch reference.kind {
        case .relay: circuits.pointer(reference.slot).pointee.endpoint
        case .origin: origins.pointer(reference.slot).pointee.endpoint
        case .leg: nil
        }
    }

    /// A plugin's timer has run: what it answered at `may_send` may be another answer now.
    ///
    /// - Returns: false if the circuit is gone.
    func askFlowAgain(_ reference: CircuitReference) -> Bool {
        guard let endpoint = endpoint(of: reference) else { return true }
        endpoint.pointee.machine.askAgain()
        return wakeStreams(endpoint, reference)
    }
}

/// Congestion control and plugins: both ends of a circuit must count alike, so who does not ask how many cells a SENDME is for
/// stands only where the number is Tor's first, 100.
extension Corridor {
    /// Our `cc_sendme_inc`, if new circuits, of others or of our own, are to be under congestion control.
    func offersCongestion(isRelay: Bool) -> UInt8? {
        let parameters = settings.endpoint.congestion
        let role = isRelay ? PluginRoles.relay : .client
        guard parameters.isEnabled,
            !plugins.entries.contains(where: { entry in
                entry.plugin.file.hasFixedFlow && !entry.plugin.metadata.roles.isDisjoint(with: role)
            })
        else { return nil }
        // Nor if one of them is to be brought to a hop.
        guard isRelay || !wishes.contains(where: \.file.hasFixedFlow) else { return nil }
        return parameters.sendmeIncrement
    }

    /// The plugins for a circuit.
    func plugins(for reference: CircuitReference) -> PluginSet {
        let isCongested: Bool
        switch reference.kind {
        case .relay: isCongested = circuits.pointer(reference.slot).pointee.congestion != nil
        case .origin: isCongested = origins.pointer(reference.slot).pointee.machine.lastHopCongestion != nil
        case .leg: isCongested = false
        }
        return isCongested ? congestedPlugins : plugins
    }

    /// Whether a negotiated plugin may stand at a circuit's doors.
    func admitsFlow(of plugin: Plugin, _ reference: CircuitReference) throws(PluginFailure) {
        if plugin.file.hasFixedFlow, ackInterval(of: reference) != nil { throw .wrongPlace }
    }

    /// DATA cells for one SENDME on a circuit; of its last hop, where it starts here.
    func ackInterval(of reference: CircuitReference) -> UInt32? {
        switch reference.kind {
        case .relay:
            return circuits.pointer(reference.slot).pointee.congestion.map { UInt32($0) }
        case .origin:
            return origins.pointer(reference.slot).pointee.machine.lastHopCongestion.map { UInt32($0) }
        case .leg: return nil
        }
    }
}

extension PluginFile {
    /// Whether it decides about flow control and does not ask, by the capability for it, how many cells a SENDME is for.
    var hasFixedFlow: Bool { doors.decidesFlow && !metadata.capabilities.contains(.flow) }
}
