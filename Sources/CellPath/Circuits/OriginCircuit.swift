internal import Cells
internal import Circuits
internal import Hooks
internal import NIOCore

/// A circuit that starts here, as its corridor keeps it.
struct OriginRecord: ~Copyable {
    /// What its owner holds.
    let object: OriginCircuit
    var machine: OriginCircuitMachine
    /// The first hop's channel; `.none` until it is there.
    var channel = SlabHandle.none
    var circuitID = CircuitID.zero
    /// Forward cells that wait for the channel; sealed when they leave.
    var queue = CircuitQueue()
    var schedule = ScheduleState()
    var endpoint: UnsafeMutablePointer<CircuitEndpoint>?
    /// Which of its doors are attended.
    var attended: DoorSet = []
    /// Whether its cells are held: it is marked as scheduled and is not in the scheduler.
    var isParked = false
    /// Its plugins; nil where it has none.
    var doors: UnsafeMutablePointer<CircuitDoors>?
    /// What it and its hops bring each other; nil where no hop speaks of plugins.
    var exchange: CircuitExchange?
    /// How long hops took to answer.
    var handshakes = HandshakeTimes()

    init(object: OriginCircuit, machine: consuming OriginCircuitMachine) {
        self.object = object
        self.machine = machine
    }
}

/// How long each hop's handshake took, from CREATE or EXTEND2 to its answer.
struct HandshakeTimes {
    private var begun: ContinuousClock.Instant?
    /// Microseconds by hop; 0 where there is no hop yet.
    private(set) var microseconds = InlineArray<8, UInt32>(repeating: 0)

    mutating func begin(_ now: ContinuousClock.Instant) { begun = now }

    mutating func end(hop: Int, _ now: ContinuousClock.Instant) {
        guard let begun = begun.take(), microseconds.indices.contains(hop) else { return }
        microseconds[hop] = UInt32(clamping: Int64((now - begun) / .microseconds(1)))
    }
}

/// What a queued cell of a circuit that starts here still needs: `Cell.mark`.
enum OriginMark {
    /// Nothing: CREATE2 and CREATE_FAST.
    static let ready: UInt8 = 0x80
    /// Set for DATA, beside the hop in the lower bits.
    static let data: UInt8 = 0x40
    /// Set for padding made for a plugin, beside the hop.
    static let padding: UInt8 = 0x20
    /// Which bits say the hop.
    static let hop: UInt8 = 0x0F
}

/// A circuit that starts here, as its owner holds it.
final class OriginCircuit: ClientCircuit {
    let id: UInt64
    private unowned let corridor: Corridor
    /// `.none` once it has ended.
    var handle = SlabHandle.none
    /// Held until `circuitClosed`.
    private var owner: (any ClientCircuitOwner)?
    private(set) var path: [HopTarget]
    private(set) var hopCount = 0
    private(set) var isOpen = false
    private(set) var streamCount = 0

    private var isTouched = false
    private var hasGrown = false
    private var isBuilt = false
    private var ending: CircuitEnding?

    init(id: UInt64, path: [HopTarget], corridor: Corridor, owner: any ClientCircuitOwner) {
        self.id = id
        self.path = path
        self.corridor = corridor
        self.owner = owner
    }

    // MARK: What the corridor notes

    func noteHops(_ count: Int, isBuilt: Bool) {
        if count > hopCount, !isBuilt { hasGrown = true }
        hopCount = count
        if isBuilt {
            isOpen = true
            self.isBuilt = true
        }
        touch()
    }

    func note(_ ending: CircuitEnding) {
        isOpen = false
        handle = .none
        streamCount = 0
        if self.ending == nil { self.ending = ending }
        touch()
    }

    func streamsChanged() {
        streamCount = corridor.streamCount(of: handle)
    }

    private func touch() {
        guard !isTouched else { return }
        isTouched = true
        corridor.touchedOrigins.append(self)
        corridor.settleSoon()
    }

    func tellOwner() {
        isTouched = false
        if hasGrown {
            hasGrown = false
            owner?.circuitGrew(self)
        }
        if isBuilt {
            isBuilt = false
            if ending == nil { owner?.circuitBuilt(self) }
        }
        if let ending = ending.take() {
            let owner = self.owner.take()
            owner?.circuitClosed(self, ending)
        }
    }

    // MARK: ClientCircuit

    var eventLoop: any EventLoop { corridor.eventLoop }

    func openStream(_ request: StreamRequest, owner: any StreamOwner) -> (any StreamPort)? {
        guard isOpen else { return nil }
        let stream = corridor.openStream(request, origin: handle, circuit: id, owner: owner)
        streamsChanged()
        return stream
    }

    func extend(to target: HopTarget) {
        guard handle != .none else { return }
        path.append(target)
        isOpen = false
        corridor.extendOrigin(handle, to: target)
    }

    func close(_ reason: DestroyReason) {
        guard handle != .none else { return }
        corridor.closeOrigin(
            handle.slot, CircuitEnding(reason: reason, isRemote: false, hopCount: hopCount))
    }
}
