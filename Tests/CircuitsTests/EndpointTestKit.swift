import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

// The machines as the built-in alone decides.

extension EndpointMachine {
    mutating func receive(
        _ header: RelayMessageHeader, data: RawSpan, tag: OnionTag, hop: Int = 0, isEarly: Bool = false
    ) -> ReceivedMessage {
        var flow = BuiltInFlow()
        return receive(header, data: data, tag: tag, hop: hop, isEarly: isEarly, by: &flow)
    }

    mutating func sendableCells(hop: Int) -> Int {
        var flow = BuiltInFlow()
        return sendableCells(hop: hop, by: &flow)
    }

    mutating func sendableCells(_ handle: StreamHandle) -> Int {
        var flow = BuiltInFlow()
        return sendableCells(handle, by: &flow)
    }

    mutating func sendableBytes(_ handle: StreamHandle) -> Int {
        var flow = BuiltInFlow()
        return sendableBytes(handle, by: &flow)
    }

    mutating func canPackage(_ handle: StreamHandle) -> Bool {
        var flow = BuiltInFlow()
        return canPackage(handle, by: &flow)
    }

    mutating func package(
        _ handle: StreamHandle, available: Int, using random: inout some RandomNumberGenerator
    ) -> Int {
        var flow = BuiltInFlow()
        return package(handle, available: available, using: &random, by: &flow)
    }

    mutating func nextWaiting(hop: Int = 0) -> StreamHandle? {
        var flow = BuiltInFlow()
        return nextWaiting(hop: hop, by: &flow)
    }

    mutating func acknowledge(_ handle: StreamHandle) -> Int {
        var flow = BuiltInFlow()
        return acknowledge(handle, by: &flow) ?? -1
    }
}

extension StreamMachine {
    var sendableCells: Int {
        mutating get {
            var flow = BuiltInFlow()
            return sendableCells(by: &flow)
        }
    }

    mutating func receiveData() -> Verdict {
        var flow = BuiltInFlow()
        return receiveData(by: &flow)
    }

    mutating func receiveSendme() -> Verdict {
        var flow = BuiltInFlow()
        return receiveSendme(by: &flow)
    }

    mutating func acknowledge() -> Int {
        var flow = BuiltInFlow()
        return acknowledge(by: &flow) ?? -1
    }

    /// Packages a cell as an endpoint does, which asks first.
    mutating func sendCell() {
        #expect(sendableCells > 0)
        sendData()
    }
}

extension StreamTable {
    mutating func callNext(hop: Int) -> Int? {
        var flow = BuiltInFlow()
        return callNext(hop: hop, by: &flow)
    }
}

/// A tag of 20 bytes that are all alike.
func tag(_ byte: UInt8) -> OnionTag {
    OnionTag([UInt8](repeating: byte, count: 20).span.bytes)!
}

/// A SENDME's own bytes, quoting a tag.
func sendme(_ tag: OnionTag) -> [UInt8] {
    [1, 0, tag.count] + [UInt8](copying: tag.bytes)
}

/// A message's own bytes.
func encoded(_ message: some RelayMessage) -> [UInt8] {
    var bytes: [UInt8] = []
    message.encode(into: &bytes)
    return bytes
}

/// Hands an endpoint a message as if its cell had been recognised.
func receive(
    _ endpoint: inout EndpointMachine, _ command: RelayCommand, stream: UInt16 = 0, _ data: [UInt8] = [],
    tag: OnionTag = tag(0),
    hop: Int = 0, isEarly: Bool = false
) -> ReceivedMessage {
    let header = RelayMessageHeader(
        command: command, streamID: StreamID(rawValue: stream), dataOffset: 11, length: data.count)
    return endpoint.receive(header, data: data.span.bytes, tag: tag, hop: hop, isEarly: isEarly)
}

/// An endpoint; a client's has three hops.
func makeEndpoint(_ role: EndpointMachine.Role, _ parameters: EndpointParameters = EndpointParameters())
    -> EndpointMachine
{
    var random = SeededRandom()
    var endpoint = EndpointMachine(role: role, parameters: parameters, using: &random)
    if role == .client { for _ in 0..<3 { endpoint.addHop() } }
    return endpoint
}

/// A relay of a test circuit: keys, the circuit's layers, its endpoint.
final class TestRelay {
    let keys: OnionKeySnapshot
    let target: HopTarget
    var forward: OnionLayer?
    var backward: OnionLayer?
    var endpoint: EndpointMachine

    init(number: UInt8, handshake: HandshakeType, parameters: EndpointParameters) {
        let rsa = [UInt8](repeating: number, count: 20)
        let ed25519 = [UInt8](repeating: number ^ 0xFF, count: 32)
        keys = OnionKeySnapshot(rsaIdentity: rsa, ed25519Identity: ed25519, current: X25519.KeyPair())
        target = HopTarget(
            rsaIdentity: RSAIdentity(rsa)!, ed25519Identity: Ed25519Identity(ed25519),
            endpoints: [
                SocketEndpoint(address: .v4(0x7F00_0001), port: 9001),
                SocketEndpoint(address: .v6(high: 0x2001_0db8 << 32, low: 1), port: 9001),
            ],
            onionKey: handshake == .fast ? nil : keys.current.publicKey, supportsNtorV3: handshake == .ntorV3)
        var random = SeededRandom(seed: UInt64(number))
        endpoint = EndpointMachine(role: .relay, parameters: parameters, using: &random)
    }

    /// Answers a circuit handshake and makes the layers.
    func answer(_ type: HandshakeType, _ message: [UInt8]) throws -> [UInt8] {
        switch type {
        case .fast: finish(try CreateFastHandshake.respond(to: message.span.bytes))
        case .ntor: finish(try NtorHandshake.respond(to: message.span.bytes, keys: keys))
        default: finish(try NtorV3Handshake.Server(message.span.bytes, keys: keys).respond(extensions: []))
        }
    }

    private func finish(_ reply: consuming HandshakeReply) -> [UInt8] {
        let circuitKeys = reply.keyStream.circuitKeys()
        forward = circuitKeys.makeForwardLayer()
        backward = circuitKeys.makeBackwardLayer()
        return reply.message
    }
}

/// A client's machines and its relays, joined by cells in memory that real layers seal and peel.
final class TestCircuit {
    var origin: OriginCircuitMachine
    var client: EndpointMachine
    let relays: [TestRelay]
    var random = SeededRandom(seed: 7)
    /// The commands of the cells that the client sent.
    var cellCommands: [CellCommand] = []

    init(_ handshakes: [HandshakeType], parameters: EndpointParameters = EndpointParameters()) throws {
        relays = handshakes.enumerated().map {
            TestRelay(number: UInt8($0.offset + 1), handshake: $0.element, parameters: parameters)
        }
        client = EndpointMachine(role: .client, parameters: parameters, using: &random)
        origin = OriginCircuitMachine(path: relays.map(\.target), using: &random)
        var action = origin.start()
        while true {
            let hopsBefore = origin.hopCount
            switch action {
            case .sendCreateFast(let cell):
                let reply = try relays[0].answer(.fast, cell.clientRandom)
                action = origin.receiveCreatedFast(
                    CreatedFastCell(relayRandom: Array(reply[..<20]), keyDigest: Array(reply[20...])))
            case .sendCreate2(let cell):
                let reply = try relays[0].answer(cell.handshakeType, cell.handshakeData)
                action = origin.receiveCreated2(Created2Cell(handshakeData: reply))
            case .sendExtend2(let message, let hop):
                guard case .extend(let extend) = try sendForward(message, hop: hop).action else { throw TestFailure() }
                let reply = try relays[hop + 1].answer(extend.handshakeType, extend.handshakeData)
                let answer = try sendBackward(Extended2Message(handshakeData: reply), from: hop)
                guard case .extended(let extended) = answer.received.action else { throw TestFailure() }
                action = origin.receiveExtended2(extended, hop: answer.hop)
            case .built: return
            case .none, .destroyCircuit: throw TestFailure()
            }
            if origin.hopCount > hopsBefore { client.addHop() }
        }
    }

    /// A body with a message laid out.
    func layOut(_ command: RelayCommand, _ stream: StreamID, _ data: [UInt8]) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: 509)
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        RelayCellFormat.v0.encode(command, streamID: stream, data: data.span.bytes, into: &span, using: &random)
        return body
    }

    /// Sends a message from the client; all relays on its way peel.
    func sendForward<Message: RelayMessage>(
        _ message: Message, stream: StreamID = .zero, hop: Int
    ) throws -> ReceivedMessage {
        try sendForward(body: layOut(Message.command, stream, encoded(message)), Message.command, hop: hop)
    }

    func sendForward(body: consuming [UInt8], _ relayCommand: RelayCommand, hop: Int) throws -> ReceivedMessage {
        var body = body
        let command = origin.cellCommand(for: relayCommand, hop: hop)
        cellCommands.append(command)
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        guard let sealed = origin.seal(forHop: hop, command: command, body: &span) else { throw TestFailure() }
        if relayCommand == .data { client.dataSealed(sealed, hop: hop) }
        for index in 0...hop {
            guard let tag = relays[index].forward?.receive(command: command.rawValue, &span) else { continue }
            guard index == hop, tag == sealed else { throw TestFailure() }
            let header = try RelayCellFormat.v0.decodeHeader(span.bytes)
            return relays[index].endpoint.receive(
                header, data: span.bytes.extracting(header.dataRange), tag: tag, isEarly: command == .relayEarly)
        }
        throw TestFailure()
    }

    /// Sends a message from a relay; the client peels.
    func sendBackward<Message: RelayMessage>(
        _ message: Message, stream: StreamID = .zero, from relay: Int
    ) throws -> (hop: Int, received: ReceivedMessage) {
        try sendBackward(body: layOut(Message.command, stream, encoded(message)), Message.command, from: relay)
    }

    func sendBackward(
        body: consuming [UInt8], _ relayCommand: RelayCommand, from relay: Int
    ) throws -> (hop: Int, received: ReceivedMessage) {
        var body = body
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        guard let sealed = relays[relay].backward?.originate(command: 3, &span) else { throw TestFailure() }
        if relayCommand == .data { relays[relay].endpoint.dataSealed(sealed) }
        for index in (0..<relay).reversed() { relays[index].backward?.crypt(command: 3, &span) }
        guard let opened = origin.open(command: .relay, body: &span), opened.tag == sealed else { throw TestFailure() }
        let header = try RelayCellFormat.v0.decodeHeader(span.bytes)
        let received = client.receive(
            header, data: span.bytes.extracting(header.dataRange), tag: opened.tag, hop: opened.hop)
        return (opened.hop, received)
    }

    /// Lays a circuit's SENDME out, as a driver does.
    func layOutSendme(_ tag: OnionTag) -> [UInt8] {
        var body = [UInt8](repeating: 0, count: 509)
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        RelayCellFormat.v0.encodeCircuitSendme(quoting: tag, version: 1, into: &span, using: &random)
        return body
    }
}

/// A test circuit did what it should not.
struct TestFailure: Error {}
