import Cells
import ProtocolTestKit
import Testing

@testable import Circuits

struct StreamDrainTests {
    private let limit = 500 * 488

    private func drain(_ change: (inout CongestionParameters) -> Void = { _ in }) -> StreamDrain {
        var parameters = CongestionParameters()
        change(&parameters)
        return StreamDrain(parameters, isExit: true)
    }

    @Test func `who keeps up hears of nothing`() {
        var drain = drain()
        for second in 1...1000 { #expect(drain.receive(500_000, now: UInt64(second) * 1_000_000) == .none) }
        // Behind, but not by more than the limit.
        drain.fallBehind(now: 2_000_000_000)
        #expect(drain.receive(limit, now: 2_000_100_000) == .none)
        #expect(drain.catchUp(now: 2_000_200_000) == .none)
        #expect(drain.catchUp(now: 2_000_300_000) == .none)
    }

    @Test func `who is behind by more than the limit stops the other end, after the grace, once`() {
        var drain = drain()
        drain.fallBehind(now: 1_000)
        #expect(drain.receive(limit + 1, now: 2_000) == .none)
        #expect(drain.receive(1, now: 7_000) == .none)
        #expect(drain.receive(1, now: 7_001) == .sendXoff)
        #expect(drain.receive(1_000_000, now: 9_000_000) == .none)
        // 1.244 MB in ten seconds.
        #expect(drain.catchUp(now: 10_001_000) == .sendXon(rate: UInt32((limit + 3 + 1_000_000) / 10_000)))
        #expect(!drain.isStopped)
        drain.fallBehind(now: 11_000_000)
        #expect(drain.receive(limit + 1, now: 11_000_001) == .none)
        #expect(drain.catchUp(now: 11_000_002) != .sendXoff)
    }

    @Test func `who sends on and on is stopped for good, and before CONNECTED there is no XOFF`() {
        var drain = drain()
        drain.fallBehind(now: 0)
        #expect(drain.receive(limit + 1, now: 10_000, isOpen: false) == .none)
        #expect(drain.receive(1, now: 20_000, isOpen: false) == .none)
        #expect(drain.receive((16 << 20) - 2, now: 30_000, isOpen: false) == .none)
        #expect(drain.receive(1, now: 40_000, isOpen: false) == .destroyCircuit)
    }

    @Test func `grace begins anew with each time of being behind`() {
        var drain = drain()
        drain.fallBehind(now: 1_000)
        #expect(drain.receive(limit + 1, now: 2_000) == .none)
        #expect(drain.catchUp(now: 3_000) == .none)
        drain.fallBehind(now: 4_000)
        #expect(drain.receive(limit + 1, now: 60_000) == .none)
        #expect(drain.receive(1, now: 65_001) == .sendXoff)
    }

    @Test func `a pace that has changed is told, and one that is kept up is doubled`() {
        var drain = drain { $0.xonRate = 10 }
        func stop(_ now: UInt64, _ drain: inout StreamDrain) {
            drain.fallBehind(now: now)
            #expect(drain.receive(limit + 1, now: now) == .none)
            #expect(drain.receive(1, now: now + 5_001) == .sendXoff)
        }
        stop(0, &drain)
        // 244,002 bytes in 244.002 ms: 1000 times 1000 bytes a second.
        #expect(drain.catchUp(now: 244_002) == .sendXon(rate: 1_000))
        // The same again says nothing new; half of it does: (2 x 500 + 1000) / 3.
        drain.fallBehind(now: 1_000_000)
        _ = drain.receive(10_000, now: 1_000_000)
        #expect(drain.catchUp(now: 1_010_000) == .none)
        drain.fallBehind(now: 2_000_000)
        _ = drain.receive(10_000, now: 2_000_000)
        #expect(drain.catchUp(now: 2_020_000) == .sendXon(rate: 666))
        // Kept up for 4,980 bytes.
        #expect(drain.receive(4_979, now: 3_000_000) == .none)
        #expect(drain.receive(1, now: 3_000_001) == .sendXon(rate: 1_332))
        var told = 0
        for _ in 0..<100 where drain.receive(4_980, now: 4_000_000) != .none { told += 1 }
        // As often as it doubles to the largest rate there is, and no more.
        #expect(told == 11)
    }

    @Test func `a pace lets through a second's worth, and then so much a second`() throws {
        #expect(StreamPace(rate: 0, now: 0) == nil)
        #expect(StreamPace(rate: 2_147_484, now: 0) == nil)
        var pace = try #require(StreamPace(rate: 100, now: 5))
        #expect(pace.room(now: 5) == 100_000)
        pace.spend(100_000)
        #expect(pace.room(now: 5) == 0)
        #expect(pace.room(now: 500_005) == 50_000)
        #expect(pace.room(now: 400_005) == 50_000)
        #expect(pace.room(now: 50_000_000) == 100_000)
        // Small steps are not lost.
        pace.spend(100_000)
        for step in 1...100 { _ = pace.room(now: 50_000_000 + UInt64(step)) }
        #expect(pace.room(now: 50_000_100) == 10)
        #expect(pace.wait == 4_980)
    }
}

struct StreamsWithoutWindowsTests {
    private func stream(_ state: StreamMachine.State) -> StreamMachine {
        StreamMachine(id: StreamID(rawValue: 1), hop: 0, state: state, hasWindows: false)
    }

    @Test func `XOFF stops and XON starts a stream, each state has an answer`() {
        let spent = StreamMachine.State.halfClosed(.init(data: 0, sendmes: 0, isConnectedDue: false))
        let rows: [(StreamMachine.State, StreamMachine.Verdict)] = [
            (.awaitingConnected, .unexpected), (.awaitingResolved, .unexpected), (.owesConnected, .accept),
            (.owesResolved, .unexpected), (.open, .accept), (spent, .late),
        ]
        for (state, verdict) in rows {
            var xoff = stream(state)
            #expect(xoff.receiveXoff() == verdict, "\(state)")
            var xon = stream(state)
            #expect(xon.receiveXon() == verdict, "\(state)")
            // With windows, neither belongs there.
            var other = StreamMachine(id: StreamID(rawValue: 1), hop: 0, state: state)
            #expect(other.receiveXoff() == .unexpected && other.receiveXon() == .unexpected, "\(state)")
        }
        var stream = stream(.open)
        #expect(stream.sendableCells > 1_000_000)
        #expect(stream.receiveXoff() == .accept)
        #expect(stream.sendableCells == 0)
        #expect(stream.receiveXoff() == .unexpected)
        #expect(stream.receiveXon() == .accept)
        #expect(stream.sendableCells > 1_000_000)
    }

    @Test func `there are no SENDMEs, and DATA has no bound`() {
        var stream = stream(.open)
        for _ in 1...2_000 { #expect(stream.receiveData() == .accept) }
        #expect(stream.acknowledge() == 0)
        #expect(stream.receiveSendme() == .violation)
        stream.sendEnd()
        for _ in 1...2_000 { #expect(stream.receiveData() == .late) }
    }

    @Test func `XOFF and XON that nothing sent can have called for are excessive`() {
        let parameters = CongestionParameters()
        var stream = stream(.open)
        _ = stream.receiveXoff()
        #expect(stream.isExcessive(parameters))
        _ = stream.receiveXon()
        for _ in 0..<500 { stream.sendCell() }
        #expect(!stream.isExcessive(parameters))
        _ = stream.receiveXon()
        #expect(stream.isExcessive(parameters))
    }

    @Test func `an endpoint under congestion control takes XOFF and XON, and a SENDME for each 31 cells`() throws {
        var random = SeededRandom()
        var relay = EndpointMachine(
            role: .relay, parameters: EndpointParameters(), congestion: 31, using: &random)
        let begin = encoded(BeginMessage(address: "a.example", port: 80))
        guard case .openStream(let handle, let id, _) = receive(&relay, .begin, stream: 5, begin).action else {
            throw TestFailure()
        }
        #expect(relay.sendConnected(handle) == id)
        for number in 1...93 {
            let received = receive(&relay, .data, stream: 5, [1], tag: tag(UInt8(number)))
            #expect(received.sendmeDue == (number % 31 == 0 ? tag(UInt8(number)) : nil), "\(number)")
        }
        #expect(relay.acknowledge(handle) == 0)
        // The first window.
        for number in 1...124 {
            #expect(relay.package(handle, available: 1, using: &random) == 1)
            relay.dataSealed(tag(UInt8(number)))
        }
        #expect(relay.sendableCells(handle) == 0)
        #expect(receive(&relay, .sendme, sendme(tag(31))).action == .circuitMaySend(hop: 0))
        #expect(relay.sendableCells(handle) > 0)
        #expect(receive(&relay, .xoff, stream: 5, [0]).action == .none)
        #expect(relay.sendableCells(handle) == 0)
        relay.wait(handle)
        #expect(relay.nextWaiting() == nil)
        #expect(
            receive(&relay, .xon, stream: 5, [0, 0, 0, 1, 0]).action == .streamPaced(handle, rate: 256, maySend: true))
        #expect(relay.sendableCells(handle) > 0)
        // What cannot be read, or is not expected, is let be.
        #expect(receive(&relay, .xon, stream: 5, [0, 0, 0, 1]).action == .ignore(.malformed))
        #expect(receive(&relay, .xon, stream: 5, [1, 0, 0, 0, 1]).action == .ignore(.malformed))
        #expect(receive(&relay, .xoff, stream: 5, []).action == .ignore(.malformed))
        #expect(receive(&relay, .xoff, stream: 6, [0]).action == .ignore(.unknownStream))
        // A stream's SENDME is a violation, and so is a SENDME that quotes another cell.
        #expect(receive(&relay, .sendme, sendme(tag(63))).action == .destroyCircuit(.torProtocol))
        #expect(receive(&relay, .sendme, stream: 5).action == .destroyCircuit(.torProtocol))
    }
}
