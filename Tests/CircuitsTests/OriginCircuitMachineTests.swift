import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

struct OriginCircuitMachineTests {
    private func relays(_ handshakes: [HandshakeType]) -> [TestRelay] {
        handshakes.enumerated().map {
            TestRelay(number: UInt8($0.offset + 1), handshake: $0.element, parameters: EndpointParameters())
        }
    }

    private func machine(_ relays: [TestRelay]) -> OriginCircuitMachine {
        var random = SeededRandom()
        return OriginCircuitMachine(path: relays.map(\.target), using: &random)
    }

    /// Has a machine send CREATE2; returns the relay's right answer.
    private func create(_ origin: inout OriginCircuitMachine, _ relays: [TestRelay]) throws -> Created2Cell {
        guard case .sendCreate2(let cell) = origin.start() else { throw TestFailure() }
        return Created2Cell(handshakeData: try relays[0].answer(cell.handshakeType, cell.handshakeData))
    }

    @Test func `the first hop's handshake is what its target allows`() throws {
        var fast = machine(relays([.fast]))
        guard case .sendCreateFast(let cell) = fast.start() else { throw TestFailure() }
        #expect(cell.clientRandom.count == 20)
        var ntor = machine(relays([.ntor]))
        guard case .sendCreate2(let ntorCell) = ntor.start() else { throw TestFailure() }
        #expect(ntorCell.handshakeType == .ntor && ntorCell.handshakeData.count == 84)
        var ntorV3 = machine(relays([.ntorV3]))
        guard case .sendCreate2(let ntorV3Cell) = ntorV3.start() else { throw TestFailure() }
        #expect(ntorV3Cell.handshakeType == .ntorV3 && ntorV3Cell.handshakeData.count == 129)
        // Without the identity that it is keyed on there is no ntor-v3.
        var target = relays([.ntorV3])[0].target
        target.ed25519Identity = nil
        var random = SeededRandom()
        var nameless = OriginCircuitMachine(path: [target], using: &random)
        guard case .sendCreate2(let namelessCell) = nameless.start() else { throw TestFailure() }
        #expect(namelessCell.handshakeType == .ntor)
    }

    @Test func `EXTEND2 names the next relay, without its IPv6 address`() throws {
        let relays = relays([.ntor, .ntorV3])
        var origin = machine(relays)
        let reply = try create(&origin, relays)
        guard case .sendExtend2(let message, 0) = origin.receiveCreated2(reply) else {
            throw TestFailure()
        }
        #expect(origin.hopCount == 1 && origin.isOpen == false)
        #expect(message.handshakeType == .ntorV3)
        let target = relays[1].target
        #expect(
            message.linkSpecifiers == [
                .endpoint(target.endpoints[0]), .rsaIdentity(target.rsaIdentity),
                .ed25519Identity(target.ed25519Identity!),
            ])
    }

    @Test func `a wrong answer destroys the circuit, and nothing follows`() throws {
        let path = relays([.ntor, .ntor])
        var origin = machine(path)
        let reply = try create(&origin, path)
        var wrong = reply
        wrong.handshakeData[40] ^= 1
        #expect(origin.receiveCreated2(wrong) == .destroyCircuit(.torProtocol))
        #expect(origin.receiveCreated2(reply) == .none)
        #expect(origin.start() == .none)
        #expect(origin.receiveExtended2(Extended2Message(reply), hop: 0) == .none)
        #expect(origin.extend(to: relays([.ntor])[0].target) == .none)
        #expect(origin.receiveTruncated(.finished) == .none)
        #expect(origin.close() == false)
        #expect(origin.hopCount == 0)
    }

    @Test func `an answer that nobody asked for destroys the circuit`() throws {
        let relays = relays([.ntor])
        let created = Created2Cell(handshakeData: [UInt8](repeating: 0, count: 64))
        let createdFast = CreatedFastCell(
            relayRandom: [UInt8](repeating: 0, count: 20), keyDigest: [UInt8](repeating: 0, count: 20))
        let extended = Extended2Message(handshakeData: created.handshakeData)
        var idle = machine(relays)
        #expect(idle.receiveCreated2(created) == .destroyCircuit(.torProtocol))
        var idleExtended = machine(relays)
        #expect(idleExtended.receiveExtended2(extended, hop: 0) == .destroyCircuit(.torProtocol))
        var creatingExtended = machine(relays)
        _ = try create(&creatingExtended, relays)
        #expect(creatingExtended.receiveExtended2(extended, hop: 0) == .destroyCircuit(.torProtocol))
        var creatingFast = machine(relays)
        _ = try create(&creatingFast, relays)
        #expect(creatingFast.receiveCreatedFast(createdFast) == .destroyCircuit(.torProtocol))
        var open = try TestCircuit([.ntor]).takeOrigin()
        #expect(open.receiveCreated2(created) == .destroyCircuit(.torProtocol))
        var openExtended = try TestCircuit([.ntor]).takeOrigin()
        #expect(openExtended.receiveExtended2(extended, hop: 0) == .destroyCircuit(.torProtocol))
    }

    @Test func `only the last hop may say EXTENDED2`() throws {
        let circuit = try TestCircuit([.ntor, .ntor])
        let more = relays([.ntor, .ntor, .ntor])[2]
        guard case .sendExtend2(let message, 1) = circuit.origin.extend(to: more.target) else { throw TestFailure() }
        let reply = try more.answer(message.handshakeType, message.handshakeData)
        #expect(
            circuit.origin.receiveExtended2(Extended2Message(handshakeData: reply), hop: 0)
                == .destroyCircuit(.torProtocol))
    }

    @Test func `an open circuit takes one more hop`() throws {
        let circuit = try TestCircuit([.ntor])
        let more = relays([.ntor, .ntorV3])[1]
        guard case .sendExtend2(let message, 0) = circuit.origin.extend(to: more.target) else { throw TestFailure() }
        #expect(circuit.origin.isOpen == false && circuit.origin.path.count == 2)
        let reply = try more.answer(message.handshakeType, message.handshakeData)
        #expect(circuit.origin.receiveExtended2(Extended2Message(handshakeData: reply), hop: 0) == .built)
        #expect(circuit.origin.isOpen == true && circuit.origin.hopCount == 2)
    }

    @Test func `a hop without an onion key can only be the first`() throws {
        let path = relays([.ntor, .fast])
        var origin = machine(path)
        let reply = try create(&origin, path)
        #expect(origin.receiveCreated2(reply) == .destroyCircuit(.internal))
    }

    @Test func `paths have one to eight hops`() throws {
        var none = machine([])
        #expect(none.start() == .destroyCircuit(.internal))
        var nine = machine(relays([HandshakeType](repeating: .ntor, count: 9)))
        #expect(nine.start() == .destroyCircuit(.internal))
        let eight = try TestCircuit([HandshakeType](repeating: .ntor, count: 8))
        #expect(eight.origin.isOpen == true && eight.origin.hopCount == 8)
        #expect(eight.origin.extend(to: eight.relays[0].target) == .destroyCircuit(.internal))
    }

    @Test func `TRUNCATED ends the circuit with its reason`() throws {
        let circuit = try TestCircuit([.ntor, .ntor])
        #expect(circuit.origin.receiveTruncated(.connectFailed) == .destroyCircuit(.connectFailed))
        #expect(circuit.origin.isOpen == false)
    }

    @Test func `RELAY_EARLY serves EXTEND2, then the first messages to later hops, then no more`() throws {
        let circuit = try TestCircuit([.ntor, .ntor, .ntor])
        #expect(circuit.cellCommands == [.relayEarly, .relayEarly])
        let left = circuit.origin.relayEarlyCellsLeft
        #expect(left == 5 || left == 6)
        #expect(circuit.origin.cellCommand(for: .begin, hop: 0) == .relay)
        for _ in 0..<left { #expect(circuit.origin.cellCommand(for: .data, hop: 2) == .relayEarly) }
        #expect(circuit.origin.cellCommand(for: .data, hop: 2) == .relay)
        #expect(circuit.origin.extend(to: circuit.relays[0].target) == .destroyCircuit(.internal))
    }

    @Test func `a cell that no hop made is nobody's, and there is no hop beyond the last`() throws {
        let circuit = try TestCircuit([.ntor, .ntor])
        var body = SeededRandomBytes.make(509)
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        #expect(circuit.origin.open(command: .relay, body: &span) == nil)
        #expect(circuit.origin.seal(forHop: 2, command: .relay, body: &span) == nil)
        #expect(circuit.origin.seal(forHop: -1, command: .relay, body: &span) == nil)
    }

    @Test func `congestion control is settled with a last hop that has it, within one of our own increment`() throws {
        let relay = relays([.ntorV3])[0]
        var random = SeededRandom()
        typealias Row = (own: UInt8?, hasIt: Bool, answer: [UInt8]?, settled: UInt8?, isFine: Bool)
        let rows: [Row] = [
            (nil, true, nil, nil, true), (31, false, nil, nil, true), (31, true, nil, nil, true),
            (31, true, [31], 31, true), (31, true, [30], 30, true), (31, true, [32], 32, true),
            (31, true, [31, 9], 31, true),
            // Too far, not read, or not asked for.
            (31, true, [33], nil, false), (31, true, [29], nil, false), (31, true, [], nil, false),
            (1, true, [0], nil, false), (nil, true, [31], nil, false), (31, false, [31], nil, false),
        ]
        for row in rows {
            var target = relay.target
            target.supportsCongestionControl = row.hasIt
            var origin = OriginCircuitMachine(path: [target], congestion: row.own, using: &random)
            guard case .sendCreate2(let cell) = origin.start() else { throw TestFailure() }
            let server = try NtorV3Handshake.Server(cell.handshakeData.span.bytes, keys: relay.keys)
            let isAsked = row.own != nil && row.hasIt
            #expect(server.extensions == (isAsked ? [HandshakeExtension(type: 1, body: [])] : []))
            let answers = row.answer.map { [HandshakeExtension(type: 2, body: $0)] } ?? []
            let reply = try server.respond(extensions: answers)
            let action = origin.receiveCreated2(Created2Cell(handshakeData: reply.message))
            #expect(action == (row.isFine ? .built : .destroyCircuit(.torProtocol)), "\(row)")
            #expect(origin.lastHopCongestion == row.settled, "\(row)")
        }
    }

    @Test func `only the last hop is asked for congestion control`() throws {
        let relays = relays([.ntorV3, .ntorV3])
        var targets = relays.map(\.target)
        for index in targets.indices { targets[index].supportsCongestionControl = true }
        var random = SeededRandom()
        var origin = OriginCircuitMachine(path: targets, congestion: 31, using: &random)
        guard case .sendCreate2(let cell) = origin.start() else { throw TestFailure() }
        let first = try NtorV3Handshake.Server(cell.handshakeData.span.bytes, keys: relays[0].keys)
        #expect(first.extensions == [])
        let reply = try first.respond(extensions: []).message
        guard case .sendExtend2(let extend, _) = origin.receiveCreated2(Created2Cell(handshakeData: reply)) else {
            throw TestFailure()
        }
        let second = try NtorV3Handshake.Server(extend.handshakeData.span.bytes, keys: relays[1].keys)
        #expect(second.extensions == [HandshakeExtension(type: 1, body: [])])
    }
}

enum SeededRandomBytes {
    static func make(_ count: Int) -> [UInt8] {
        var random = SeededRandom(seed: 99)
        return random.bytes(count)
    }
}

extension TestCircuit {
    /// The origin machine; an idle one takes its place.
    func takeOrigin() -> OriginCircuitMachine {
        var taken = OriginCircuitMachine(path: [], using: &random)
        swap(&taken, &origin)
        return taken
    }
}
