import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

struct EndpointMachineTests {
    private let begin = encoded(BeginMessage(address: "example.org", port: 80))
    private var strict: EndpointParameters {
        var parameters = EndpointParameters()
        parameters.isStrict = true
        return parameters
    }

    /// Opens stream 5 at a relay.
    private func openStream(_ relay: inout EndpointMachine) throws -> StreamHandle {
        guard case .openStream(let handle, let id, _) = receive(&relay, .begin, stream: 5, begin).action,
            relay.sendConnected(handle) == id
        else { throw TestFailure() }
        return handle
    }

    /// Opens a stream at a client's hop 2.
    private func connectStream(_ client: inout EndpointMachine) throws -> (StreamHandle, UInt16) {
        guard let stream = client.openStream(.connection, hop: 2) else { throw TestFailure() }
        let answer = receive(&client, .connected, stream: stream.id.rawValue, hop: 2)
        #expect(answer.action == .streamConnected(stream.handle, ConnectedMessage()))
        return (stream.handle, stream.id.rawValue)
    }

    // MARK: Commands

    @Test func `messages that are not for this end are dropped, by a strict endpoint with the circuit`() throws {
        let cases: [(EndpointMachine.Role, RelayCommand, UInt16, IgnoreReason)] = [
            (.client, .begin, 5, .wrongEnd), (.client, .beginDirectory, 5, .wrongEnd),
            (.client, .resolve, 5, .wrongEnd), (.client, .extend2, 0, .wrongEnd), (.client, .truncate, 0, .wrongEnd),
            (.relay, .extended2, 0, .wrongEnd), (.relay, .extended, 0, .wrongEnd), (.relay, .truncated, 0, .wrongEnd),
            (.relay, .extend2, 5, .wrongEnd), (.relay, .extend2, 0, .notEarly),
            (.relay, .begin, 0, .noStream), (.relay, .beginDirectory, 0, .noStream), (.relay, .resolve, 0, .noStream),
            (.relay, .data, 0, .noStream), (.client, .connected, 0, .noStream), (.client, .resolved, 0, .noStream),
            (.client, .end, 0, .noStream), (.relay, .data, 9, .unknownStream), (.relay, .sendme, 9, .unknownStream),
            (.relay, .connected, 9, .unknownStream), (.relay, .resolved, 9, .unknownStream),
            (.relay, .end, 9, .unknownStream), (.client, .data, 9, .unknownStream),
            (.relay, .xon, 9, .unknownStream), (.client, .xoff, 9, .unknownStream),
            (.relay, .establishIntro, 0, .unknownCommand),
            (.client, RelayCommand(rawValue: 200), 0, .unknownCommand),
        ]
        for (role, command, stream, reason) in cases {
            var endpoint = makeEndpoint(role)
            let answer = receive(&endpoint, command, stream: stream, [6])
            #expect(answer.action == .ignore(reason) && answer.sendmeDue == nil, "\(command) at \(role)")
            var strictEndpoint = makeEndpoint(role, strict)
            #expect(
                receive(&strictEndpoint, command, stream: stream, [6]).action == .destroyCircuit(.torProtocol),
                "\(command) at \(role)")
        }
    }

    @Test func `padding is dropped, even by a strict endpoint`() {
        for role in [EndpointMachine.Role.client, .relay] {
            var endpoint = makeEndpoint(role, strict)
            #expect(receive(&endpoint, .drop, [1, 2, 3]).action == .drop)
        }
    }

    @Test func `TRUNCATE and TRUNCATED carry their reason`() {
        var relay = makeEndpoint(.relay)
        #expect(receive(&relay, .truncate, [3]).action == .truncate(.requested))
        #expect(receive(&relay, .truncate).action == .truncate(nil))
        var client = makeEndpoint(.client)
        #expect(receive(&client, .truncated, [6], hop: 1).action == .truncated(.connectFailed))
        #expect(receive(&client, .truncated, hop: 1).action == .destroyCircuit(.torProtocol))
    }

    @Test func `EXTEND2 must come early and be whole`() {
        let target = TestRelay(number: 9, handshake: .ntor, parameters: EndpointParameters()).target
        let message = Extend2Message(
            linkSpecifiers: target.linkSpecifiers, handshakeType: .ntor, handshakeData: [UInt8](repeating: 1, count: 84)
        )
        var relay = makeEndpoint(.relay)
        #expect(receive(&relay, .extend2, encoded(message), isEarly: true).action == .extend(message))
        #expect(receive(&relay, .extend2, encoded(message)).action == .ignore(.notEarly))
        var lenient = EndpointParameters()
        lenient.allowsNonEarlyExtend = true
        var other = makeEndpoint(.relay, lenient)
        #expect(receive(&other, .extend2, encoded(message)).action == .extend(message))

        #expect(receive(&relay, .extend, encoded(message), isEarly: true).action == .destroyCircuit(.torProtocol))
        var broken = message
        broken.linkSpecifiers.removeAll { if case .rsaIdentity = $0 { true } else { false } }
        #expect(receive(&relay, .extend2, encoded(broken), isEarly: true).action == .destroyCircuit(.torProtocol))
        broken = message
        broken.linkSpecifiers += [.rsaIdentity(target.rsaIdentity)]
        #expect(receive(&relay, .extend2, encoded(broken), isEarly: true).action == .destroyCircuit(.torProtocol))
        broken = message
        broken.linkSpecifiers.removeAll { if case .endpoint = $0 { true } else { false } }
        #expect(receive(&relay, .extend2, encoded(broken), isEarly: true).action == .destroyCircuit(.torProtocol))
        broken = message
        broken.handshakeType = .tap
        #expect(receive(&relay, .extend2, encoded(broken), isEarly: true).action == .destroyCircuit(.torProtocol))
        let whole = encoded(message)
        for count in 0..<whole.count {
            #expect(
                receive(&relay, .extend2, Array(whole[..<count]), isEarly: true).action
                    == .destroyCircuit(.torProtocol))
        }
    }

    @Test func `EXTENDED2 is handed on whole`() {
        var client = makeEndpoint(.client)
        let message = Extended2Message(handshakeData: [1, 2, 3])
        #expect(receive(&client, .extended2, encoded(message), hop: 1).action == .extended(message))
        #expect(receive(&client, .extended2, [0, 9, 1], hop: 1).action == .destroyCircuit(.torProtocol))
        #expect(receive(&client, .extended, hop: 1).action == .destroyCircuit(.torProtocol))
    }

    // MARK: Streams at a relay

    @Test func `a relay's stream is asked for, opened, used and ended`() throws {
        var relay = makeEndpoint(.relay)
        let asked = receive(&relay, .begin, stream: 5, begin).action
        guard case .openStream(let handle, let id, let opening) = asked else { throw TestFailure() }
        #expect(id == StreamID(rawValue: 5) && opening == .begin(BeginMessage(address: "example.org", port: 80)))
        #expect(relay.streamCount == 1 && relay.streamID(of: handle) == id && relay.hop(of: handle) == 0)
        #expect(receive(&relay, .begin, stream: 5, begin).action == .ignore(.streamInUse))
        #expect(receive(&relay, .data, stream: 5, [1]).action == .deliverData(handle))
        #expect(relay.canPackage(handle) == false)
        #expect(relay.sendConnected(handle) == id)
        #expect(relay.sendConnected(handle) == nil)
        #expect(relay.sendResolved(handle) == nil)
        #expect(relay.canPackage(handle) == true)
        let ended = relay.endStream(handle)
        #expect(ended?.id == id && ended?.hop == 0)
        #expect(relay.endStream(handle) == nil)
        #expect(relay.streamCount == 0)
        #expect(receive(&relay, .data, stream: 5, [1]).action == .ignore(.unknownStream))
        guard case .openStream = receive(&relay, .beginDirectory, stream: 5).action else { throw TestFailure() }
    }

    @Test func `a client's END reaches the stream's owner`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        let end = EndMessage(reason: .done)
        #expect(receive(&relay, .end, stream: 5, encoded(end)).action == .streamEnded(handle, end))
        #expect(relay.streamCount == 0 && relay.streamID(of: handle) == nil)
    }

    @Test func `RESOLVE is answered once`() throws {
        var relay = makeEndpoint(.relay)
        let message = ResolveMessage(name: "example.org")
        guard
            case .openStream(let handle, let id, .resolve(message)) = receive(
                &relay, .resolve, stream: 5, encoded(message)
            ).action
        else { throw TestFailure() }
        #expect(relay.sendConnected(handle) == nil)
        #expect(relay.sendResolved(handle) == id)
        #expect(relay.sendResolved(handle) == nil)
        #expect(relay.streamCount == 0)
    }

    @Test func `malformed requests cost their stream only`() {
        var relay = makeEndpoint(.relay)
        let id = StreamID(rawValue: 5)
        for wrong in [[], Array("example.org:80".utf8), Array("example.org:0\0".utf8), Array("example.org\0".utf8)] {
            #expect(
                receive(&relay, .begin, stream: 5, wrong).action
                    == .refuseStream(id, .end(EndMessage(reason: .torProtocol))))
        }
        let answer = ResolvedMessage(answers: [.init(.permanentError, timeToLive: 0)])
        #expect(receive(&relay, .resolve, stream: 5).action == .refuseStream(id, .resolved(answer)))
        #expect(relay.streamCount == 0)
    }

    @Test func `too many streams are refused with MISC`() throws {
        var relay = makeEndpoint(.relay)
        for id in 1...UInt16(EndpointLimits.streams) {
            guard case .openStream = receive(&relay, .begin, stream: id, begin).action else { throw TestFailure() }
        }
        #expect(
            receive(&relay, .begin, stream: 60_000, begin).action
                == .refuseStream(StreamID(rawValue: 60_000), .end(EndMessage(reason: .misc))))
    }

    @Test func `an END without a reason destroys the circuit`() throws {
        var relay = makeEndpoint(.relay)
        _ = try openStream(&relay)
        #expect(receive(&relay, .end, stream: 5).action == .destroyCircuit(.torProtocol))
        #expect(receive(&relay, .end, stream: 99).action == .destroyCircuit(.torProtocol))
    }

    // MARK: Streams at a client

    @Test func `a client's stream IDs are a circle without zero and without those in use`() throws {
        var client = makeEndpoint(.client)
        let first = client.openStream(.connection, hop: 2)!
        _ = client.endStream(first.handle)
        var seen: Set<StreamID> = [first.id]
        for _ in 0..<70_000 {
            guard let stream = client.openStream(.connection, hop: 2) else { throw TestFailure() }
            #expect(stream.id != .zero && stream.id != first.id)
            seen.insert(stream.id)
            #expect(
                receive(&client, .end, stream: stream.id.rawValue, [6], hop: 2).action
                    == .streamEnded(stream.handle, EndMessage(reason: .done)))
        }
        #expect(seen.count == 65_535)
        var relay = makeEndpoint(.relay)
        #expect(relay.openStream(.connection, hop: 0) == nil)
    }

    @Test func `a stream belongs to its hop`() throws {
        var client = makeEndpoint(.client)
        let (handle, id) = try connectStream(&client)
        #expect(receive(&client, .data, stream: id, [1], hop: 1).action == .ignore(.unknownStream))
        #expect(receive(&client, .end, stream: id, [6], hop: 0).action == .ignore(.unknownStream))
        #expect(receive(&client, .sendme, stream: id, hop: 0).action == .ignore(.unknownStream))
        #expect(receive(&client, .data, stream: id, [1], hop: 2).action == .deliverData(handle))
    }

    @Test func `an open stream takes neither CONNECTED nor RESOLVED`() throws {
        for command in [RelayCommand.connected, .resolved] {
            var client = makeEndpoint(.client)
            let (_, id) = try connectStream(&client)
            #expect(receive(&client, command, stream: id, hop: 2).action == .destroyCircuit(.torProtocol))
            var relay = makeEndpoint(.relay)
            _ = try openStream(&relay)
            #expect(receive(&relay, command, stream: 5).action == .destroyCircuit(.torProtocol))
        }
    }

    @Test func `a malformed CONNECTED ends the stream, not the circuit`() throws {
        for wrong in [[1, 2, 3], [UInt8](repeating: 0, count: 4) + [6] + [UInt8](repeating: 0, count: 20)] {
            var client = makeEndpoint(.client)
            let stream = client.openStream(.connection, hop: 2)!
            #expect(
                receive(&client, .connected, stream: stream.id.rawValue, wrong, hop: 2).action
                    == .failStream(
                        stream.handle, stream.id, sending: EndMessage(reason: .misc),
                        telling: EndMessage(reason: .torProtocol)))
            #expect(client.streamID(of: stream.handle) == nil)
            #expect(receive(&client, .data, stream: stream.id.rawValue, [1], hop: 2).action == .ignore(.late))
            #expect(receive(&client, .end, stream: stream.id.rawValue, [6], hop: 2).action == .ignore(.late))
            #expect(receive(&client, .end, stream: stream.id.rawValue, [6], hop: 2).action == .ignore(.unknownStream))
        }
    }

    @Test func `RESOLVED ends its stream, whatever it says`() throws {
        var client = makeEndpoint(.client)
        let found = ResolvedMessage(answers: [.init(.address(.v4(0x0102_0304)), timeToLive: 60)])
        let first = client.openStream(.resolve, hop: 2)!
        #expect(
            receive(&client, .resolved, stream: first.id.rawValue, encoded(found), hop: 2).action
                == .streamResolved(first.handle, found))
        let second = client.openStream(.resolve, hop: 2)!
        #expect(
            receive(&client, .resolved, stream: second.id.rawValue, [4, 3, 1], hop: 2).action
                == .streamEnded(second.handle, EndMessage(reason: .torProtocol)))
        let third = client.openStream(.resolve, hop: 2)!
        #expect(receive(&client, .connected, stream: third.id.rawValue, hop: 2).action == .ignore(.streamState))
        _ = client.endStream(third.handle)
        #expect(receive(&client, .resolved, stream: third.id.rawValue, hop: 2).action == .ignore(.late))
        #expect(receive(&client, .resolved, stream: third.id.rawValue, hop: 2).action == .ignore(.unknownStream))
        #expect(client.streamCount == 0)
    }

    @Test func `a malformed EXITPOLICY ends its stream`() throws {
        var client = makeEndpoint(.client)
        let (handle, id) = try connectStream(&client)
        #expect(
            receive(&client, .end, stream: id, [4, 1, 2], hop: 2).action
                == .streamEnded(handle, EndMessage(reason: .torProtocol)))
    }

    @Test func `an END that hints at a tagged cell destroys the circuit before CONNECTED`() throws {
        var client = makeEndpoint(.client)
        let stream = client.openStream(.connection, hop: 2)!
        #expect(
            receive(&client, .end, stream: stream.id.rawValue, [13], hop: 2).action == .destroyCircuit(.torProtocol))
    }

    @Test func `a strict client takes what crossed its END, and nothing beyond`() throws {
        var client = makeEndpoint(.client, strict)
        let (handle, id) = try connectStream(&client)
        for _ in 1...498 {
            #expect(receive(&client, .data, stream: id, [1], hop: 2).action == .deliverData(handle))
        }
        #expect(client.endStream(handle)?.hop == 2)
        #expect(client.endStream(handle) == nil)
        #expect(receive(&client, .data, stream: id, [1], hop: 2).action == .ignore(.late))
        #expect(receive(&client, .data, stream: id, [1], hop: 2).action == .ignore(.late))
        #expect(receive(&client, .data, stream: id, [1], hop: 2).action == .destroyCircuit(.torProtocol))
    }

    // MARK: Windows

    @Test func `DATA of an unknown stream counts for the circuit's window`() {
        var relay = makeEndpoint(.relay)
        for number in 1...200 {
            let answer = receive(&relay, .data, stream: 77, tag: tag(UInt8(number)))
            #expect(answer.action == .ignore(.unknownStream))
            #expect(answer.sendmeDue == (number % 100 == 0 ? tag(UInt8(number)) : nil))
        }
    }

    @Test func `DATA beyond the stream's window destroys the circuit`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        for number in 1...500 {
            let answer = receive(&relay, .data, stream: 5, [1], tag: tag(UInt8(truncatingIfNeeded: number)))
            #expect(answer.action == .deliverData(handle))
        }
        #expect(receive(&relay, .data, stream: 5, [1]).action == .destroyCircuit(.torProtocol))
    }

    @Test func `a stream sends up to its window, waits, and is told`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        var random = SeededRandom()
        for _ in 1...500 { #expect(relay.package(handle, available: 10, using: &random) == 10) }
        #expect(relay.package(handle, available: 10, using: &random) == 0)
        #expect(relay.sendableBytes(handle) == 0 && relay.canPackage(handle) == false)
        #expect(relay.sendableCells(hop: 0) == 500)
        // Nobody waits: nobody need be told.
        #expect(receive(&relay, .sendme, stream: 5).action == .none)
        #expect(relay.sendableCells(handle) == 50)
        for _ in 1...50 { _ = relay.package(handle, available: 10, using: &random) }
        relay.wait(handle)
        #expect(relay.nextWaiting() == nil)
        #expect(receive(&relay, .sendme, stream: 5).action == .streamMaySend(handle))
        for _ in 2...10 { #expect(receive(&relay, .sendme, stream: 5).action == .none) }
        #expect(receive(&relay, .sendme, stream: 5).action == .destroyCircuit(.torProtocol))
    }

    @Test func `streams that wait for the circuit are called in turn`() throws {
        var relay = makeEndpoint(.relay)
        var random = SeededRandom()
        var handles: [StreamHandle] = []
        for id in 1...3 as ClosedRange<UInt16> {
            guard case .openStream(let handle, _, _) = receive(&relay, .begin, stream: id, begin).action else {
                throw TestFailure()
            }
            _ = relay.sendConnected(handle)
            handles.append(handle)
        }
        for number in 0..<1000 {
            let handle = handles[number < 400 ? 0 : number < 800 ? 1 : 2]
            #expect(relay.package(handle, available: 498, using: &random) > 0)
            relay.dataSealed(tag(UInt8(truncatingIfNeeded: number + 1)))
        }
        for handle in handles {
            #expect(relay.package(handle, available: 1, using: &random) == 0)
            relay.wait(handle)
        }
        #expect(relay.nextWaiting() == nil)
        #expect(receive(&relay, .sendme, sendme(tag(100))).action == .circuitMaySend(hop: 0))
        #expect(relay.nextWaiting() == handles[0])
        for _ in 1...60 { #expect(relay.package(handles[0], available: 498, using: &random) > 0) }
        relay.wait(handles[0])
        #expect(relay.nextWaiting() == handles[1])
        for _ in 1...40 { #expect(relay.package(handles[1], available: 498, using: &random) > 0) }
        relay.wait(handles[1])
        #expect(relay.nextWaiting() == nil)
        #expect(receive(&relay, .sendme, sendme(tag(200))).action == .circuitMaySend(hop: 0))
        #expect(relay.nextWaiting() == handles[2])
        #expect(relay.nextWaiting() == handles[0])
        #expect(relay.nextWaiting() == handles[1])
        #expect(relay.nextWaiting() == nil)
    }

    @Test func `no stream starves when all are called at once and each takes all it can`() throws {
        var relay = makeEndpoint(.relay)
        var random = SeededRandom()
        var handles: [StreamHandle] = []
        for id in 1...5 as ClosedRange<UInt16> {
            guard case .openStream(let handle, _, _) = receive(&relay, .begin, stream: id, begin).action else {
                throw TestFailure()
            }
            _ = relay.sendConnected(handle)
            handles.append(handle)
        }
        var served = [Int](repeating: 0, count: 5)
        var called = handles
        for _ in 1...50 {
            for handle in called {
                let index = handles.firstIndex(of: handle)!
                while relay.package(handle, available: 498, using: &random) > 0 {
                    relay.dataSealed(tag(1))
                    served[index] += 1
                    // Its own window shall not hold it back.
                    if served[index] % 50 == 0 { _ = receive(&relay, .sendme, stream: UInt16(index + 1)) }
                }
                relay.wait(handle)
            }
            #expect(receive(&relay, .sendme, sendme(tag(1))).action == .circuitMaySend(hop: 0))
            called = []
            while let handle = relay.nextWaiting() { called.append(handle) }
            #expect(called.count == 5)
        }
        #expect(served.reduce(0, +) == 1000 + 49 * 100)
        // The first round gave all 1000 to one; since then they have had 100 each in turn.
        #expect(served.dropFirst().allSatisfy { (900...1000).contains($0) })
    }

    @Test func `a client has windows for each hop`() throws {
        var client = makeEndpoint(.client)
        let near = client.openStream(.connection, hop: 0)!
        let far = client.openStream(.connection, hop: 2)!
        for stream in [(near, 0), (far, 2)] {
            _ = receive(&client, .connected, stream: stream.0.id.rawValue, hop: stream.1)
        }
        var random = SeededRandom()
        for number in 1...100 {
            #expect(client.package(far.handle, available: 1, using: &random) == 1)
            client.dataSealed(tag(UInt8(number)), hop: 2)
        }
        #expect(client.sendableCells(hop: 0) == 1000 && client.sendableCells(hop: 2) == 900)
        #expect(receive(&client, .sendme, sendme(tag(100)), hop: 2).action == .circuitMaySend(hop: 2))
        #expect(receive(&client, .sendme, sendme(tag(100)), hop: 0).action == .destroyCircuit(.torProtocol))
        #expect(client.sendableCells(hop: 9) == 0)
    }

    @Test func `a first window from the consensus is kept within bounds before and after the first DATA`() throws {
        for (asked, expected) in [(-5, 100), (300, 300), (5000, 1000)] {
            var parameters = EndpointParameters()
            parameters.circuitWindow = asked
            var relay = makeEndpoint(.relay, parameters)
            let handle = try openStream(&relay)
            #expect(relay.sendableCells(hop: 0) == expected)
            var random = SeededRandom()
            #expect(relay.package(handle, available: 1, using: &random) == 1)
            #expect(relay.sendableCells(hop: 0) == expected - 1)
        }
    }

    @Test func `the consensus can refuse SENDMEs of version 0`() throws {
        var parameters = EndpointParameters()
        parameters.sendmeAcceptMinVersion = 1
        var random = SeededRandom()
        for (parameters, expected): (EndpointParameters, ReceiveMessageAction) in [
            (EndpointParameters(), .circuitMaySend(hop: 0)), (parameters, .destroyCircuit(.torProtocol)),
        ] {
            var relay = makeEndpoint(.relay, parameters)
            let handle = try openStream(&relay)
            for _ in 1...100 {
                _ = relay.package(handle, available: 1, using: &random)
                relay.dataSealed(tag(1))
            }
            #expect(receive(&relay, .sendme).action == expected)
        }
    }

    @Test func `of the cells that a SENDME covers one has room for random bytes`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        var random = SeededRandom(seed: 11)
        var sinceRoomy = 0
        var roomy = 0
        for number in 1...5000 {
            // Keeps the stream's window open.
            if number % 50 == 0, number > 50 { _ = receive(&relay, .sendme, stream: 5) }
            let length = relay.package(handle, available: 100_000, using: &random)
            relay.dataSealed(tag(1))
            #expect(length == 498 || length == 478)
            sinceRoomy = length <= 478 ? 0 : sinceRoomy + 1
            roomy += length <= 478 ? 1 : 0
            #expect(sinceRoomy < 100)
            if number % 100 == 0 { _ = receive(&relay, .sendme, sendme(tag(1))) }
        }
        // Not more often than each 50th.
        #expect((50...100).contains(roomy))
    }

    @Test func `never promises more bytes than it takes`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        var random = SeededRandom(seed: 5)
        let promised = relay.sendableBytes(handle)
        var taken = 0
        while true {
            let length = relay.package(handle, available: 100_000, using: &random)
            guard length > 0 else { break }
            taken += length
        }
        #expect(promised <= taken && promised > taken - 500)
    }

    @Test func `a stale handle does nothing`() throws {
        var relay = makeEndpoint(.relay)
        let handle = try openStream(&relay)
        _ = relay.endStream(handle)
        var random = SeededRandom()
        #expect(relay.package(handle, available: 5, using: &random) == 0)
        #expect(relay.acknowledge(handle) == 0 && relay.sendableCells(handle) == 0 && relay.sendableBytes(handle) == 0)
        #expect(relay.sendConnected(handle) == nil && relay.sendResolved(handle) == nil)
        #expect(relay.hop(of: handle) == nil)
        relay.wait(handle)
        #expect(relay.nextWaiting() == nil)
    }

    @Test func `nothing that a peer says traps`() {
        var random = SeededRandom(seed: 42)
        for role in [EndpointMachine.Role.client, .relay] {
            var endpoint = makeEndpoint(role)
            var handles: [StreamHandle] = []
            var destroyed = 0
            for _ in 0..<15_000 {
                let command = RelayCommand(rawValue: UInt8.random(in: 0...16, using: &random))
                let stream: UInt16
                let known = handles.randomElement(using: &random).flatMap { endpoint.streamID(of: $0)?.rawValue }
                stream = Bool.random(using: &random) ? known ?? 1 : UInt16.random(in: 0...20, using: &random)
                let lengths = [0, 1, 4, 8, 23, 100, 498]
                var data = random.bytes(lengths.randomElement(using: &random)!)
                if command == .begin, Bool.random(using: &random) { data = begin }
                let answer = receive(
                    &endpoint, command, stream: stream, data, tag: tag(UInt8.random(in: 0...3, using: &random)),
                    hop: role == .client ? Int.random(in: 0...3, using: &random) : 0,
                    isEarly: Bool.random(using: &random))
                if case .openStream(let handle, _, _) = answer.action { handles.append(handle) }
                if case .destroyCircuit = answer.action { destroyed += 1 }
                switch Int.random(in: 0...9, using: &random) {
                case 0:
                    if let opened = endpoint.openStream(
                        Bool.random(using: &random) ? .connection : .resolve, hop: Int.random(in: 0...2, using: &random)
                    ) {
                        handles.append(opened.handle)
                    }
                case 1: if let handle = handles.randomElement(using: &random) { _ = endpoint.sendConnected(handle) }
                case 2: if let handle = handles.randomElement(using: &random) { _ = endpoint.sendResolved(handle) }
                case 3: if let handle = handles.randomElement(using: &random) { _ = endpoint.endStream(handle) }
                case 4: if let handle = handles.randomElement(using: &random) { _ = endpoint.acknowledge(handle) }
                case 5: if let handle = handles.randomElement(using: &random) { endpoint.wait(handle) }
                case 6: while let handle = endpoint.nextWaiting(hop: 0) { _ = endpoint.acknowledge(handle) }
                default:
                    if let handle = handles.randomElement(using: &random) {
                        let hop = endpoint.hop(of: handle) ?? 0
                        if endpoint.package(handle, available: 900, using: &random) > 0 {
                            endpoint.dataSealed(tag(UInt8.random(in: 0...3, using: &random)), hop: hop)
                        }
                    }
                }
                if handles.count > 40 { handles.removeFirst(20) }
            }
            #expect(destroyed > 0)
        }
    }
}
