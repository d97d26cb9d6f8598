package import Cells
package import OnionCrypto

/// A circuit that starts here, as it is built hop by hop, and its onion layers (tor-spec §5.1-5.5).
///
///     idle --start--> creating --CREATED--> [ extending --EXTENDED2--> ]* open --extend--> extending ...
///
/// and from each of them to closed: by DESTROY, TRUNCATED, a handshake that fails, or whoever owns it. Not for streams and
/// windows, which are `EndpointMachine`'s, nor for queues: a cell is sealed here when it leaves one.
package struct OriginCircuitMachine: ~Copyable {
    private enum State: ~Copyable, Sendable {
        /// Nothing sent.
        case idle
        /// CREATE_FAST or CREATE2 is under way.
        case creating(HopHandshake)
        /// EXTEND2 is under way, to the last hop there is.
        case extending(HopHandshake)
        /// All hops are there.
        case open
        /// It is over.
        case closed
    }

    /// What to do to build on. That a hop was added shows in `hopCount`.
    package enum BuildAction: Equatable, Sendable {
        /// Send this on the channel to the first hop.
        case sendCreateFast(CreateFastCell)
        /// Send this on the channel to the first hop.
        case sendCreate2(Create2Cell)
        /// Send this to the hop that is the last one now, in RELAY_EARLY.
        case sendExtend2(Extend2Message, hop: Int)
        /// All hops are there.
        case built
        /// Nothing now.
        case none
        /// Destroy the circuit; it is closed here already. (On the wire the reason is NONE: tor-spec §5.4.)
        case destroyCircuit(DestroyReason)
    }

    /// The hops: those there are and those to come, the first one first.
    package private(set) var path: [HopTarget]
    /// What the last hop said in an ntor-v3 handshake.
    package private(set) var lastHopExtensions: [HandshakeExtension] = []
    /// DATA cells for one SENDME, if congestion control was settled with the last hop.
    package private(set) var lastHopCongestion: UInt8?
    /// How many RELAY_EARLY cells may still be sent.
    package private(set) var relayEarlyCellsLeft: Int
    private var state = State.idle
    private var layers = OriginLayers()
    /// What to ask of the path's last hop, if it takes ntor-v3.
    private let extensions: [HandshakeExtension]
    /// What to ask of each hop beside, by hop, if it takes ntor-v3; hops that are missing are asked nothing.
    package var hopExtensions: [[HandshakeExtension]] = []
    private let includesIPv6: Bool
    /// Our own `cc_sendme_inc`, if congestion control is to be asked for.
    private let congestion: UInt8?

    /// A circuit along `path`, of which nothing has been sent.
    ///
    /// - Parameters:
    ///   - path: at least one hop.
    ///   - extensions: what to ask of the last hop, in ntor-v3.
    ///   - congestion: our own `cc_sendme_inc`, if the last hop is to be asked for congestion control where it has it.
    ///   - includesIPv6: whether EXTEND2 names IPv6 addresses beside IPv4 ones. C Tor's relays do, its clients do not.
    ///   - random: for the number of RELAY_EARLY cells.
    package init(
        path: [HopTarget], extensions: [HandshakeExtension] = [], congestion: UInt8? = nil, includesIPv6: Bool = false,
        using random: inout some RandomNumberGenerator
    ) {
        self.path = path
        self.extensions = extensions
        self.includesIPv6 = includesIPv6
        self.congestion = congestion
        // As C Tor: now and then one less, so that a hop cannot conclude its place from the number.
        relayEarlyCellsLeft = OriginLimits.relayEarlyCells - Int(random.next() & 1)
    }

    /// How many hops there are.
    package var hopCount: Int { layers.count }

    /// Whether all hops are there and the circuit has not ended.
    package var isOpen: Bool {
        switch state {
        case .open: true
        case .idle: false
        case .creating: false
        case .extending: false
        case .closed: false
        }
    }

    // MARK: Building

    /// The channel to the first hop is there.
    package mutating func start() -> BuildAction {
        switch takeState() {
        case .idle:
            guard let first = path.first, path.count <= OriginLimits.hops else { return .destroyCircuit(.internal) }
            guard let handshake = makeHandshake(first, hop: 0) else {
                return .destroyCircuit(.internal)
            }
            let message = handshake.message
            let type = handshake.type
            state = .creating(handshake)
            guard let type else { return .sendCreateFast(CreateFastCell(clientRandom: message)) }
            return .sendCreate2(Create2Cell(handshakeType: type, handshakeData: message))
        case .creating(let handshake):
            state = .creating(handshake)
            return .none
        case .extending(let handshake):
            state = .extending(handshake)
            return .none
        case .open:
            state = .open
            return .none
        case .closed:
            return .none
        }
    }

    /// CREATED_FAST has come.
    package mutating func receiveCreatedFast(_ cell: CreatedFastCell) -> BuildAction {
        receiveCreated(cell.relayRandom + cell.keyDigest, isFast: true)
    }

    /// CREATED2 has come.
    package mutating func receiveCreated2(_ cell: Created2Cell) -> BuildAction {
        receiveCreated(cell.handshakeData, isFast: false)
    }

    private mutating func receiveCreated(_ reply: [UInt8], isFast: Bool) -> BuildAction {
        switch takeState() {
        case .creating(let handshake):
            // tor-spec §5.1: each kind of CREATE has its own answer.
            guard (handshake.type == nil) == isFast else { return .destroyCircuit(.torProtocol) }
            return finish(handshake, reply)
        case .idle: return .destroyCircuit(.torProtocol)
        case .extending: return .destroyCircuit(.torProtocol)
        case .open: return .destroyCircuit(.torProtocol)
        case .closed: return .none
        }
    }

    /// EXTENDED2 has come from a hop.
    package mutating func receiveExtended2(_ message: Extended2Message, hop: Int) -> BuildAction {
        switch takeState() {
        case .extending(let handshake):
            // Only the hop that was asked may answer.
            guard hop == layers.count - 1 else { return .destroyCircuit(.torProtocol) }
            return finish(handshake, message.handshakeData)
        case .idle: return .destroyCircuit(.torProtocol)
        case .creating: return .destroyCircuit(.torProtocol)
        case .open: return .destroyCircuit(.torProtocol)
        case .closed: return .none
        }
    }

    /// Adds a hop to the path.
    package mutating func extend(to target: HopTarget) -> BuildAction {
        switch takeState() {
        case .open:
            path.append(target)
            return buildOn()
        case .idle:
            path.append(target)
            state = .idle
            return .none
        case .creating(let handshake):
            path.append(target)
            state = .creating(handshake)
            return .none
        case .extending(let handshake):
            path.append(target)
            state = .extending(handshake)
            return .none
        case .closed:
            return .none
        }
    }

    // MARK: Ending

    /// DESTROY has come, or our owner or the channel ends the circuit: nothing more is to be built, sealed or opened.
    ///
    /// - Returns: false if it had ended already.
    package mutating func close() -> Bool {
        switch takeState() {
        case .closed: return false
        case .idle: return true
        case .creating: return true
        case .extending: return true
        case .open: return true
        }
    }

    /// TRUNCATED has come. Like C Tor we do not build on what is left.
    package mutating func receiveTruncated(_ reason: DestroyReason) -> BuildAction {
        close() ? .destroyCircuit(reason) : .none
    }

    // MARK: Cells

    /// The command of the cell that a message will travel in; to be asked once per cell, in sealing order.
    ///
    /// tor-spec §5.6: EXTEND2 needs RELAY_EARLY. Like C Tor we also send the first few messages to later hops so, lest the
    /// command tells a hop what a cell is for; but not while a hop is being added, so that there is one left for EXTEND2.
    package mutating func cellCommand(for message: RelayCommand, hop: Int) -> CellCommand {
        guard relayEarlyCellsLeft > 0, message == .extend2 || hop > 0 && isOpen else { return .relay }
        relayEarlyCellsLeft -= 1
        return .relayEarly
    }

    /// Finishes a relay message for one hop and wraps it for those before, in place.
    ///
    /// - Returns: the message's tag, which goes to `EndpointMachine.dataSealed` if it is DATA; nil if there is no such hop.
    package mutating func seal(forHop hop: Int, command: CellCommand, body: inout MutableRawSpan) -> OnionTag? {
        layers.seal(forHop: hop, command: command, body: &body)
    }

    /// Peels a backward cell in place.
    ///
    /// - Returns: whose message it is, and its tag; nil if it is nobody's: destroy the circuit, TORPROTOCOL.
    package mutating func open(command: CellCommand, body: inout MutableRawSpan) -> (hop: Int, tag: OnionTag)? {
        layers.open(command: command, body: &body)
    }
}

extension OriginCircuitMachine {
    /// Takes the state out; closed is left behind, so that whatever is not put back has ended.
    private mutating func takeState() -> State {
        var taken = State.closed
        swap(&taken, &state)
        return taken
    }

    private func makeHandshake(_ target: HopTarget, hop: Int) -> HopHandshake? {
        let others = hop < hopExtensions.count ? hopExtensions[hop] : []
        do throws(CryptoError) {
            let isLast = hop == path.count - 1
            return try HopHandshake(with: target, extensions: (isLast ? wishes(of: target) : []) + others)
        } catch {
            return nil
        }
    }

    /// The next hop has answered.
    private mutating func finish(_ handshake: consuming HopHandshake, _ reply: [UInt8]) -> BuildAction {
        do throws(CryptoError) {
            let result = try handshake.finish(reply.span.bytes)
            layers.append(result.keys)
            lastHopExtensions = result.extensions
        } catch {
            return .destroyCircuit(.torProtocol)
        }
        let asked = layers.count == path.count ? wishes(of: path[layers.count - 1]) : []
        guard settleCongestion(asked) else { return .destroyCircuit(.torProtocol) }
        return buildOn()
    }

    /// What to ask of the path's last hop.
    private func wishes(of target: HopTarget) -> [HandshakeExtension] {
        guard congestion != nil, target.supportsCongestionControl,
            !extensions.contains(where: { $0.type == EndpointSpec.congestionControlRequest })
        else { return extensions }
        return extensions + [HandshakeExtension(type: EndpointSpec.congestionControlRequest, body: [])]
    }

    /// Takes what the hop has said of congestion control (proposal 324 §10.3).
    ///
    /// - Returns: false if it may not say that: an answer to what was not asked, or an increment far from ours.
    private mutating func settleCongestion(_ asked: [HandshakeExtension]) -> Bool {
        lastHopCongestion = nil
        guard let answer = lastHopExtensions.first(where: { $0.type == EndpointSpec.congestionControlResponse }) else {
            return true
        }
        guard asked.contains(where: { $0.type == EndpointSpec.congestionControlRequest }), let congestion,
            let increment = answer.body.first, increment > 0, abs(Int(increment) - Int(congestion)) <= 1
        else { return false }
        lastHopCongestion = increment
        return true
    }

    /// Asks for the next hop of the path, if one is missing.
    private mutating func buildOn() -> BuildAction {
        let next = layers.count
        guard next < path.count else {
            state = .open
            return .built
        }
        let target = path[next]
        // Without an onion key there is no EXTEND2; without RELAY_EARLY cells nobody takes it.
        guard next < OriginLimits.hops, target.onionKey != nil, relayEarlyCellsLeft > 0,
            let handshake = makeHandshake(target, hop: next)
        else { return .destroyCircuit(.internal) }
        let message = Extend2Message(
            linkSpecifiers: linkSpecifiers(of: target), handshakeType: handshake.type ?? .ntor,
            handshakeData: handshake.message)
        state = .extending(handshake)
        return .sendExtend2(message, hop: next - 1)
    }

    /// How EXTEND2 names a relay: without IPv6 addresses if it has an IPv4 one, unless they are wanted.
    private func linkSpecifiers(of target: HopTarget) -> [LinkSpecifier] {
        var target = target
        if !includesIPv6, target.endpoints.contains(where: { $0.address.isV4 }) {
            target.endpoints.removeAll { $0.address.isV6 }
        }
        return target.linkSpecifiers
    }
}
