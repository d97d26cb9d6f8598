import Cells
import Circuits
import OnionCrypto
import ProtocolTestKit
import Testing

struct SendmeTests {
    private func flow(start: Int = 1000) -> HopFlow { HopFlow(.windows(.circuit(start: start))) }

    private func answer(_ flow: inout HopFlow, _ data: [UInt8], minimumVersion: UInt8 = 0)
        -> HopFlow.ReceiveSendmeAction
    {
        var decider = BuiltInFlow()
        return flow.receiveSendme(data.span.bytes, minimumVersion: minimumVersion, hop: 0, by: &decider)
    }

    private func sendable(_ flow: inout HopFlow) -> Int {
        var decider = BuiltInFlow()
        return flow.sendableCells(hop: 0, by: &decider)
    }

    private func package(_ flow: inout HopFlow) {
        var decider = BuiltInFlow()
        #expect(flow.sendableCells(hop: 0, by: &decider) > 0)
        flow.notePackaged(by: &decider)
    }

    /// Packages and seals so many cells, each with its number as a tag.
    private func send(_ flow: inout HopFlow, _ numbers: ClosedRange<Int>) {
        for number in numbers {
            package(&flow)
            flow.noteSealed(tag(UInt8(truncatingIfNeeded: number)))
        }
    }

    @Test func `a thousand cells empty the window, and await ten SENDMEs`() {
        var flow = flow()
        send(&flow, 1...99)
        #expect(flow.expectedSendmes == 0)
        send(&flow, 100...1000)
        #expect(sendable(&flow) == 0)
        #expect(flow.expectedSendmes == 10)
        for hundred in 1...10 {
            #expect(answer(&flow, sendme(tag(UInt8(truncatingIfNeeded: hundred * 100)))) == .open)
            #expect(sendable(&flow) == hundred * 100)
        }
        #expect(flow.expectedSendmes == 0)
    }

    @Test func `the ring of tags goes round`() {
        var flow = flow()
        send(&flow, 1...950)
        for hundred in 1...40 {
            #expect(answer(&flow, sendme(tag(UInt8(truncatingIfNeeded: hundred * 100)))) == .open)
            send(&flow, (851 + hundred * 100)...(950 + hundred * 100))
        }
        #expect(sendable(&flow) == 50)
    }

    @Test func `a SENDME must quote the oldest tag that is awaited`() {
        for wrong in [tag(200), tag(99)] {
            var flow = flow()
            send(&flow, 1...200)
            #expect(answer(&flow, sendme(wrong)) == .destroyCircuit)
        }
        var flow = flow()
        send(&flow, 1...200)
        #expect(answer(&flow, sendme(tag(100))) == .open)
        #expect(answer(&flow, sendme(tag(100))) == .destroyCircuit)
    }

    @Test func `a SENDME for nothing destroys the circuit`() {
        var fresh = flow()
        #expect(answer(&fresh, []) == .destroyCircuit)
        var early = flow()
        send(&early, 1...99)
        #expect(answer(&early, []) == .destroyCircuit)
        var twice = flow()
        send(&twice, 1...100)
        #expect(answer(&twice, []) == .open)
        #expect(answer(&twice, []) == .destroyCircuit)
    }

    @Test func `a tag counts from sealing, not from packaging`() {
        var flow = flow()
        for _ in 1...150 { package(&flow) }
        #expect(sendable(&flow) == 850)
        for _ in 1...99 { flow.noteSealed(tag(1)) }
        #expect(flow.expectedSendmes == 0)
        flow.noteSealed(tag(2))
        #expect(answer(&flow, sendme(tag(2))) == .open)
        #expect(sendable(&flow) == 950)
    }

    @Test func `version 0 will do unless the consensus says otherwise`() {
        for (data, minimum, expected): ([UInt8], UInt8, HopFlow.ReceiveSendmeAction) in [
            ([], 0, .open), ([0], 0, .open), ([0, 0, 20, 1], 0, .open), ([], 1, .destroyCircuit),
            ([0], 1, .destroyCircuit), (sendme(tag(100)), 1, .open), ([2], 0, .destroyCircuit),
            (sendme(tag(100)), 2, .destroyCircuit),
        ] {
            var flow = flow()
            send(&flow, 1...100)
            #expect(answer(&flow, data, minimumVersion: minimum) == expected, "\(data) from \(minimum)")
        }
    }

    @Test func `a SENDME of version 1 is exact`() {
        let whole = sendme(tag(100))
        for count in 1..<whole.count {
            var flow = flow()
            send(&flow, 1...100)
            #expect(answer(&flow, Array(whole[..<count])) == .destroyCircuit, "\(count) bytes")
        }
        let wrongs: [[UInt8]] = [
            whole + [0], [1, 0, 16] + Array(whole[3..<19]), [1, 0, 4] + Array(whole[3..<7]), [1, 0, 0],
        ]
        for wrong in wrongs {
            var flow = flow()
            send(&flow, 1...100)
            #expect(answer(&flow, wrong) == .destroyCircuit)
        }
    }

    @Test func `each hundredth DATA calls for a SENDME`() {
        var flow = flow()
        var decider = BuiltInFlow()
        for number in 1...1000 {
            #expect(flow.receiveData(hop: 0, by: &decider) == (number % 100 == 0 ? .sendSendme : .none))
        }
    }

    @Test func `a window from the consensus is kept within bounds`() {
        for (start, window) in [(500, 500), (-5, 100), (5000, 1000)] {
            var flow = flow(start: start)
            #expect(sendable(&flow) == window)
        }
    }

    @Test func `a SENDME on the wire is what the specification shows`() throws {
        var random = SeededRandom()
        var body = [UInt8](repeating: 0xEE, count: 509)
        var elements = body.mutableSpan
        var span = elements.mutableBytes
        RelayCellFormat.v0.encodeCircuitSendme(quoting: tag(0xAB), version: 1, into: &span, using: &random)
        let expected = hex("05 0000 0000 00000000 0017 01 0014" + String(repeating: "ab", count: 20) + "00000000")
        #expect(Array(body[..<expected.count]) == expected)
        let message = try SendmeMessage(data: body.span.bytes.extracting(11..<34))
        #expect(message == .v1(tag: [UInt8](repeating: 0xAB, count: 20)))
        elements = body.mutableSpan
        span = elements.mutableBytes
        RelayCellFormat.v0.encodeCircuitSendme(quoting: tag(0xAB), version: 0, into: &span, using: &random)
        #expect(Array(body[..<15]) == hex("05 0000 0000 00000000 0000 00000000"))
    }
}
