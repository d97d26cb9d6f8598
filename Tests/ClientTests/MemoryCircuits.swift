import CellPath
import Cells
import Circuits
import NIOCore
import OnionCrypto

/// A network in memory, as the client's circuits see one: circuits come about on the loop's next turn, and exits do what
/// `answer` says. Confined to its loop.
final class MemoryCircuits: CircuitLauncher {
    /// What an exit does with a stream.
    enum Answer {
        case connect(IPAddress?)
        case resolve([ResolvedMessage.Answer])
        case end(EndReason)
        case silence
    }

    let eventLoop: any EventLoop
    /// What the exit of a circuit does.
    var answer: (StreamRequest, MemoryCircuit) -> Answer = { _, _ in .connect(IPAddress("192.0.2.1")) }
    /// Relays that are gone: as a guard they cannot be reached, behind it the circuit is destroyed.
    var deadRelays: Set<RSAIdentity> = []
    private(set) var circuits: [MemoryCircuit] = []
    private var nextID: UInt64 = 100

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func newID() -> UInt64 {
        nextID += 1
        return nextID
    }

    func launch(_ path: [HopTarget], owner: any ClientCircuitOwner) -> any ClientCircuit {
        let circuit = MemoryCircuit(id: newID(), path: path, owner: owner, network: self)
        circuits.append(circuit)
        circuit.grow()
        return circuit
    }

    func probe(_ target: HopTarget) -> EventLoopFuture<Ed25519Identity?> {
        eventLoop.makeSucceededFuture(target.ed25519Identity)
    }

    /// A relay dies: circuits through it are destroyed.
    func kill(_ identity: RSAIdentity) {
        deadRelays.insert(identity)
        for circuit in circuits {
            guard let index = circuit.path.firstIndex(where: { $0.rsaIdentity == identity }) else { continue }
            circuit.end(CircuitEnding(reason: .channelClosed, isRemote: index > 0, hopCount: circuit.hopCount))
        }
        circuits.removeAll { $0.hasEnded }
    }
}

final class MemoryCircuit: ClientCircuit {
    let id: UInt64
    let path: [HopTarget]
    private(set) var hopCount = 0
    private(set) var hasEnded = false
    private(set) var streams: [MemoryStream] = []
    private var owner: (any ClientCircuitOwner)?
    let network: MemoryCircuits

    init(id: UInt64, path: [HopTarget], owner: any ClientCircuitOwner, network: MemoryCircuits) {
        self.id = id
        self.path = path
        self.owner = owner
        self.network = network
    }

    var eventLoop: any EventLoop { network.eventLoop }
    var isOpen: Bool { !hasEnded && hopCount == path.count }
    var streamCount: Int { streams.count }

    func grow() {
        eventLoop.assumeIsolated().execute { [self] in
            guard !hasEnded else { return }
            if network.deadRelays.contains(path[hopCount].rsaIdentity) {
                end(
                    CircuitEnding(
                        reason: .connectFailed, isRemote: hopCount > 0, hopCount: hopCount,
                        isChannelFailure: hopCount == 0))
                return
            }
            hopCount += 1
            if hopCount == path.count {
                owner?.circuitBuilt(self)
            } else {
                owner?.circuitGrew(self)
                grow()
            }
        }
    }

    func openStream(_ request: StreamRequest, owner: any StreamOwner) -> (any StreamPort)? {
        guard isOpen else { return nil }
        let stream = MemoryStream(id: network.newID(), circuit: self, owner: owner)
        streams.append(stream)
        eventLoop.assumeIsolated().execute { [self] in
            switch network.answer(request, self) {
            case .connect(let address): stream.owner?.streamConnected(ConnectedMessage(address: address))
            case .resolve(let answers):
                let owner = stream.take()
                owner?.streamResolved(ResolvedMessage(answers: answers))
            case .end(let reason): stream.endRemotely(reason)
            case .silence: break
            }
        }
        return stream
    }

    func extend(to target: HopTarget) {}

    func close(_ reason: DestroyReason) {
        end(CircuitEnding(reason: reason, isRemote: false, hopCount: hopCount))
    }

    func end(_ ending: CircuitEnding) {
        guard !hasEnded else { return }
        hasEnded = true
        for stream in streams { stream.endRemotely(.destroy) }
        streams = []
        let owner = owner
        self.owner = nil
        owner?.circuitClosed(self, ending)
    }
}

/// A stream whose other end the test holds.
final class MemoryStream: StreamPort {
    let clientward: (address: IPAddress, isFirstHop: Bool)? = nil
    let id: UInt64
    let circuit: UInt64
    let eventLoop: any EventLoop
    private(set) var owner: (any StreamOwner)?
    var isBacklogged = false
    /// What the exit has got and not consumed.
    private(set) var received: [UInt8] = []
    /// What the client ended it with.
    private(set) var endedWith: EndReason?
    /// How many bytes may be under way.
    var window = 10_000
    private var isStarved = false
    /// Hears of bytes; the exit's program.
    var onReceive: ((MemoryStream) -> Void)?

    init(id: UInt64, circuit: MemoryCircuit, owner: any StreamOwner) {
        self.id = id
        self.circuit = circuit.id
        eventLoop = circuit.eventLoop
        self.owner = owner
    }

    var sendableBytes: Int { owner == nil ? 0 : max(0, window - received.count) }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, sendableBytes)
        received += bytes.prefix(count)
        isStarved = count < bytes.count
        if count > 0, onReceive != nil { eventLoop.assumeIsolated().execute { [self] in onReceive?(self) } }
        return count
    }

    func sendConnected(_ message: ConnectedMessage) {}
    func sendResolved(_ message: ResolvedMessage) {}

    func end(_ message: EndMessage) {
        guard owner != nil else { return }
        owner = nil
        endedWith = message.reason
    }

    // MARK: The exit's side

    /// Takes what has come, which opens the window again.
    func consume() -> [UInt8] {
        let bytes = received
        received = []
        if isStarved {
            isStarved = false
            eventLoop.assumeIsolated().execute { [self] in owner?.streamMaySend() }
        }
        return bytes
    }

    func deliver(_ bytes: [UInt8]) {
        owner?.streamReceived(ByteBuffer(bytes: bytes))
    }

    func endRemotely(_ reason: EndReason) {
        take()?.streamEnded(EndMessage(reason: reason))
    }

    func take() -> (any StreamOwner)? {
        defer { owner = nil }
        return owner
    }
}
