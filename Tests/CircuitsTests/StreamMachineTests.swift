import Cells
import Circuits
import Testing

struct StreamMachineTests {
    private func stream(_ state: StreamMachine.State) -> StreamMachine {
        StreamMachine(id: StreamID(rawValue: 1), hop: 2, state: state)
    }

    private let spent = StreamMachine.State.halfClosed(.init(data: 0, sendmes: 0, isConnectedDue: false))

    @Test func `each state has an answer to each message`() {
        typealias Row = (
            state: StreamMachine.State, data: StreamMachine.Verdict, sendme: StreamMachine.Verdict,
            connected: StreamMachine.Verdict, resolved: StreamMachine.Verdict, end: StreamMachine.Verdict
        )
        let rows: [Row] = [
            (.awaitingConnected, .unexpected, .unexpected, .accept, .unexpected, .accept),
            (.awaitingResolved, .unexpected, .unexpected, .unexpected, .accept, .accept),
            (.owesConnected, .accept, .unexpected, .unexpected, .unexpected, .accept),
            (.owesResolved, .unexpected, .unexpected, .unexpected, .unexpected, .accept),
            (.open, .accept, .violation, .violation, .violation, .accept),
            (spent, .unexpected, .unexpected, .unexpected, .late, .late),
        ]
        for row in rows {
            var data = stream(row.state)
            #expect(data.receiveData() == row.data, "\(row.state)")
            var sendme = stream(row.state)
            #expect(sendme.receiveSendme() == row.sendme, "\(row.state)")
            var connected = stream(row.state)
            #expect(connected.receiveConnected() == row.connected, "\(row.state)")
            #expect(stream(row.state).receiveResolved() == row.resolved, "\(row.state)")
            #expect(stream(row.state).receiveEnd(.done) == row.end, "\(row.state)")
        }
    }

    @Test func `an END that hints at a tagged cell destroys a circuit whose stream has not opened`() {
        for state in [StreamMachine.State.awaitingConnected, .awaitingResolved] {
            #expect(stream(state).receiveEnd(.torProtocol) == .violation)
            #expect(stream(state).receiveEnd(.destroy) == .violation)
        }
        #expect(stream(.open).receiveEnd(.torProtocol) == .accept)
        #expect(stream(.owesConnected).receiveEnd(.destroy) == .accept)
    }

    @Test func `DATA is taken up to the window`() {
        var stream = stream(.open)
        for _ in 1...500 { #expect(stream.receiveData() == .accept) }
        #expect(stream.receiveData() == .violation)
    }

    @Test func `acknowledging opens the window by fifties`() {
        var stream = stream(.open)
        for _ in 1...49 { _ = stream.receiveData() }
        #expect(stream.acknowledge() == 0)
        _ = stream.receiveData()
        #expect(stream.acknowledge() == 1)
        #expect(stream.acknowledge() == 0)
        for _ in 1...500 { _ = stream.receiveData() }
        #expect(stream.counts.received == 550 && stream.counts.acknowledging == 1)
        #expect(stream.acknowledge() == 10)
        #expect(stream.counts.acknowledging == 11)
    }

    @Test func `no SENDME overtakes CONNECTED`() {
        var stream = stream(.owesConnected)
        for _ in 1...100 { _ = stream.receiveData() }
        #expect(stream.acknowledge() == 0)
        #expect(stream.sendConnected() == true)
        #expect(stream.sendConnected() == false)
        #expect(stream.acknowledge() == 2)
    }

    @Test func `sending uses the window up, a SENDME opens it`() {
        var stream = stream(.open)
        for _ in 1...500 { stream.sendCell() }
        #expect(stream.sendableCells == 0)
        for _ in 1...10 { #expect(stream.receiveSendme() == .accept) }
        #expect(stream.sendableCells == 500)
        #expect(stream.receiveSendme() == .violation)
    }

    @Test func `only an open stream may send`() {
        for state in [StreamMachine.State.awaitingConnected, .awaitingResolved, .owesConnected, .owesResolved, spent] {
            var stream = stream(state)
            #expect(stream.sendableCells == 0)
        }
    }

    @Test func `after our END what was under way may come, and no more`() {
        var stream = stream(.open)
        for _ in 1...490 { _ = stream.receiveData() }
        for _ in 1...149 { stream.sendCell() }
        stream.sendEnd()
        #expect(stream.state == .halfClosed(.init(data: 10, sendmes: 2, isConnectedDue: false)))
        for _ in 1...10 { #expect(stream.receiveData() == .late) }
        #expect(stream.receiveData() == .unexpected)
        #expect(stream.receiveSendme() == .late)
        #expect(stream.receiveSendme() == .late)
        #expect(stream.receiveSendme() == .unexpected)
        #expect(stream.receiveConnected() == .unexpected)
        stream.sendEnd()
        #expect(stream.state == spent)
    }

    @Test func `CONNECTED may cross our END once, and DATA follow it`() {
        var stream = stream(.awaitingConnected)
        stream.sendEnd()
        #expect(stream.receiveConnected() == .late)
        #expect(stream.receiveConnected() == .unexpected)
        #expect(stream.receiveData() == .late)
    }

    @Test func `no DATA belongs to a RESOLVE that was given up`() {
        var stream = stream(.awaitingResolved)
        stream.sendEnd()
        #expect(stream.receiveData() == .unexpected)
        #expect(stream.receiveConnected() == .unexpected)
        #expect(stream.receiveResolved() == .late)
    }
}
