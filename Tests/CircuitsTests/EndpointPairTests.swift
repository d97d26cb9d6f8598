import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

/// A client and its relays, both ends' machines and real layers, over cells in memory.
struct EndpointPairTests {
    static let paths: [[HandshakeType]] = [
        [.fast], [.ntor], [.fast, .ntor, .ntorV3], [.ntorV3, .ntorV3, .ntorV3], [.ntor, .ntor, .ntor, .ntor, .ntor],
    ]

    /// Opens a stream to the last hop and returns both ends of it.
    private func openStream(_ circuit: TestCircuit) throws -> (client: StreamHandle, relay: StreamHandle, id: StreamID)
    {
        let last = circuit.relays.count - 1
        guard let stream = circuit.client.openStream(.connection, hop: last) else { throw TestFailure() }
        let begin = BeginMessage(address: "example.org", port: 443)
        let asked = try circuit.sendForward(begin, stream: stream.id, hop: last).action
        guard case .openStream(let handle, stream.id, .begin(begin)) = asked else { throw TestFailure() }
        guard circuit.relays[last].endpoint.sendConnected(handle) == stream.id else { throw TestFailure() }
        let connected = ConnectedMessage(address: .v4(0x5DB8_D822), timeToLive: 300)
        let told = try circuit.sendBackward(connected, stream: stream.id, from: last)
        #expect(told.hop == last && told.received.action == .streamConnected(stream.handle, connected))
        return (stream.handle, handle, stream.id)
    }

    @Test(arguments: paths) func `a circuit is built and a stream works both ways`(_ path: [HandshakeType]) throws {
        let circuit = try TestCircuit(path)
        #expect(circuit.origin.isOpen == true && circuit.origin.hopCount == path.count)
        let last = path.count - 1
        let stream = try openStream(circuit)
        let data = DataMessage(Array("GET / HTTP/1.0\r\n\r\n".utf8))
        #expect(circuit.client.package(stream.client, available: 18, using: &circuit.random) == 18)
        let forward = try circuit.sendForward(data, stream: stream.id, hop: last)
        #expect(forward.action == .deliverData(stream.relay))
        #expect(circuit.relays[last].endpoint.package(stream.relay, available: 18, using: &circuit.random) == 18)
        let backward = try circuit.sendBackward(data, stream: stream.id, from: last)
        #expect(backward.hop == last && backward.received.action == .deliverData(stream.client))
        let end = EndMessage(reason: .done)
        #expect(circuit.relays[last].endpoint.endStream(stream.relay) != nil)
        let told = try circuit.sendBackward(end, stream: stream.id, from: last)
        #expect(told.received.action == .streamEnded(stream.client, end))
        #expect(circuit.client.streamCount == 0 && circuit.relays[last].endpoint.streamCount == 0)
    }

    @Test func `every hop can be spoken to`() throws {
        let circuit = try TestCircuit([.ntor, .ntorV3, .ntor])
        for hop in 0..<3 {
            #expect(try circuit.sendForward(DropMessage(), hop: hop).action == .drop)
            let answer = try circuit.sendBackward(DropMessage(), from: hop)
            #expect(answer.hop == hop && answer.received.action == .drop)
        }
    }

    @Test func `a long download is held back by the windows and goes on with each SENDME`() throws {
        let circuit = try TestCircuit([.ntor, .ntor, .ntor])
        let stream = try openStream(circuit)
        let exit = circuit.relays[2]
        let total = 2_000_000
        var sent = 0
        var received = 0
        var circuitSendmes = 0
        var streamSendmes = 0
        var stalls = 0
        var owed: [OnionTag] = []
        while received < total {
            let length = exit.endpoint.package(stream.relay, available: total - sent, using: &circuit.random)
            if length > 0 {
                sent += length
                let body = circuit.layOut(.data, stream.id, [UInt8](repeating: 7, count: length))
                let answer = try circuit.sendBackward(body: body, .data, from: 2).received
                #expect(answer.action == .deliverData(stream.client))
                if let tag = answer.sendmeDue { owed.append(tag) }
                received += length
                continue
            }
            // The exit's window is empty: only now the client acknowledges.
            stalls += 1
            exit.endpoint.wait(stream.relay)
            #expect(exit.endpoint.nextWaiting() == nil)
            for tag in owed {
                circuitSendmes += 1
                #expect(
                    try circuit.sendForward(body: circuit.layOutSendme(tag), .sendme, hop: 2).action
                        == .circuitMaySend(hop: 0))
            }
            owed = []
            for number in 0..<circuit.client.acknowledge(stream.client) {
                streamSendmes += 1
                let body = circuit.layOut(.sendme, stream.id, [])
                #expect(
                    try circuit.sendForward(body: body, .sendme, hop: 2).action
                        == (number == 0 ? .streamMaySend(stream.relay) : .none))
            }
        }
        let cells = total / 498
        #expect(stalls == cells / 500)
        #expect(circuitSendmes >= cells / 100 - 5 && streamSendmes >= cells / 50 - 10)
    }

    @Test func `a long upload awaits SENDMEs of the exit`() throws {
        let circuit = try TestCircuit([.fast, .ntor])
        let stream = try openStream(circuit)
        let exit = circuit.relays[1]
        for number in 1...3000 {
            let length = circuit.client.package(stream.client, available: 100_000, using: &circuit.random)
            #expect(length > 0)
            let body = circuit.layOut(.data, stream.id, [UInt8](repeating: 7, count: length))
            let answer = try circuit.sendForward(body: body, .data, hop: 1)
            #expect(answer.action == .deliverData(stream.relay))
            #expect((answer.sendmeDue != nil) == (number % 100 == 0))
            if let tag = answer.sendmeDue {
                let told = try circuit.sendBackward(body: circuit.layOutSendme(tag), .sendme, from: 1)
                #expect(told.received.action == .circuitMaySend(hop: 1))
            }
            for _ in 0..<exit.endpoint.acknowledge(stream.relay) {
                _ = try circuit.sendBackward(body: circuit.layOut(.sendme, stream.id, []), .sendme, from: 1)
            }
        }
        #expect(circuit.client.sendableCells(hop: 1) == 1000)
    }

    @Test func `a SENDME that quotes another cell destroys the circuit`() throws {
        let circuit = try TestCircuit([.ntor, .ntor])
        let stream = try openStream(circuit)
        var due: OnionTag?
        for _ in 1...100 {
            _ = circuit.relays[1].endpoint.package(stream.relay, available: 1, using: &circuit.random)
            let answer = try circuit.sendBackward(DataMessage([1]), stream: stream.id, from: 1).received
            due = answer.sendmeDue ?? due
        }
        let right = try #require(due)
        var bytes = [UInt8](copying: right.bytes)
        bytes[19] ^= 1
        guard let wrong = OnionTag(bytes.span.bytes) else { throw TestFailure() }
        #expect(
            try circuit.sendForward(body: circuit.layOutSendme(wrong), .sendme, hop: 1).action
                == .destroyCircuit(.torProtocol))
    }

    @Test func `a cell changed on its way is nobody's`() throws {
        let circuit = try TestCircuit([.ntor, .ntor])
        var body = circuit.layOut(.drop, .zero, [])
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        _ = circuit.relays[1].backward?.originate(command: 3, &span)
        circuit.relays[0].backward?.crypt(command: 3, &span)
        span.storeBytes(
            of: span.bytes.unsafeLoad(fromByteOffset: 300, as: UInt8.self) ^ 1, toByteOffset: 300, as: UInt8.self)
        #expect(circuit.origin.open(command: .relay, body: &span) == nil)
    }
}
