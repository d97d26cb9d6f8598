import Cells
import Testing

@testable import PluginHost

private func same<Value: Equatable>(
    _ value: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(value == expected, sourceLocation: sourceLocation)
}

/// Both machines of a link, alone: every phase with every event.
@Suite struct ExchangeMachineTests {
    private let identity = [UInt8](repeating: 7, count: 32)
    private let start = ContinuousClock.now

    /// A bringer whose slot 1 is in a phase.
    private func bringer(_ phase: BringerMachine.Phase) -> BringerMachine {
        var machine = BringerMachine(isHop: false)
        switch phase {
        case .asked:
            _ = machine.ask(identity, size: 16384)
        case .askedOffer, .running(isHeard: false):
            _ = machine.ask(identity, size: 16384)
            let status = phase == .askedOffer ? PluginAnswerExtension.Status.needCode : .ready
            _ = machine.receive(PluginAnswerExtension(entries: [.init(slot: 1, status: status)]))
        default:
            _ = machine.offer(identity, size: 16384, arguments: [], now: start)
            if phase == .offered { break }
            if phase == .over {
                _ = machine.receive(PluginAnswerMessage(slot: 1, .refused(.policy)))
                break
            }
            _ = machine.receive(PluginAnswerMessage(slot: 1, .needCode(credit: 16384)))
            if case .sending = phase { break }
            while machine.nextFragment() != nil {}
            if phase == .starting { break }
            _ = machine.receiveReady(1)
            if phase == .detaching { _ = machine.detach(1) }
        }
        return machine
    }

    private static let bringerPhases: [BringerMachine.Phase] = [
        .asked, .askedOffer, .offered, .sending(0), .starting, .running(isHeard: false), .running(isHeard: true),
        .detaching, .over,
    ]

    @Test(arguments: bringerPhases) func `a bringer's slot can be brought into each phase`(
        phase: BringerMachine.Phase
    ) {
        same(bringer(phase).phase(1), phase)
    }

    @Test(arguments: bringerPhases) func `a bringer takes an answer only while it waits for one`(
        phase: BringerMachine.Phase
    ) {
        var ready = bringer(phase)
        var needed = bringer(phase)
        var refused = bringer(phase)
        var wrong = bringer(phase)
        let isOffered = phase == .offered
        let readied = ready.receive(PluginAnswerMessage(slot: 1, .ready))
        same(readied, (isOffered ? .none : .destroyCircuit))
        let sent = needed.receive(PluginAnswerMessage(slot: 1, .needCode(credit: 16384)))
        same(sent, (isOffered ? .sendCode : .destroyCircuit))
        same(wrong.receive(PluginAnswerMessage(slot: 1, .needCode(credit: 65536))), .destroyCircuit)
        let answer = refused.receive(PluginAnswerMessage(slot: 1, .refused(.code)))
        switch phase {
        case .offered, .starting: same(answer, .refused(.code, wasRunning: false))
        case .running(isHeard: false): same(answer, .refused(.code, wasRunning: true))
        default: same(answer, .destroyCircuit)
        }
    }

    @Test(arguments: bringerPhases) func `a bringer hears READY once`(phase: BringerMachine.Phase) {
        var machine = bringer(phase)
        let action = machine.receiveReady(1)
        switch phase {
        case .starting: same(action, .attach(replaces: 0))
        case .running(isHeard: false): same(action, .confirmed)
        default: same(action, .destroyCircuit)
        }
    }

    @Test(arguments: bringerPhases) func `a bringer takes messages and detaches what runs`(
        phase: BringerMachine.Phase
    ) {
        var machine = bringer(phase)
        let isRunning = phase == .running(isHeard: false) || phase == .running(isHeard: true)
        let half: ReceiveHalfAction = isRunning ? .deliver : phase == .detaching ? .drop : .destroyCircuit
        same(machine.receiveMessage(1), half)
        let counters: ReceiveHalfAction = isRunning || phase == .detaching ? .deliver : .destroyCircuit
        same(machine.receiveCounters(1), counters)
        same(machine.askCounters(1, now: start), isRunning)
        same(machine.askCounters(1, now: start + .milliseconds(999)), false)
        same(machine.askCounters(1, now: start + .seconds(1)), isRunning)
        let detach: ReceiveDetachAction =
            isRunning ? .detachAndEcho : phase == .detaching ? .over : .destroyCircuit
        same(machine.receiveDetach(1), detach)
        var own = bringer(phase)
        same(own.detach(1), isRunning)
    }

    @Test func `fragments come in order, of one size but for the last`() {
        var machine = bringer(.sending(0))
        var end = 0
        var count = 0
        while let fragment = machine.nextFragment() {
            #expect(fragment.slot == 1 && fragment.range.lowerBound == end)
            end = fragment.range.upperBound
            count += 1
        }
        #expect(end == 16384 && count == 35)
        same(machine.phase(1), .starting)
    }

    @Test func `a bringer makes one offer at a time, and sixteen in all`() {
        var machine = BringerMachine(isHop: true)
        for turn in 0..<16 {
            let offer = machine.offer(identity, size: 16384, arguments: [], now: start)
            same(offer?.slot, 129 + UInt8(turn))
            same(machine.offer(identity, size: 16384, arguments: [], now: start), nil)
            same(machine.nextDeadline, start + .seconds(30))
            _ = machine.receive(PluginAnswerMessage(slot: 129 + UInt8(turn), .refused(.busy)))
            same(machine.nextDeadline, nil)
        }
        same(machine.offer(identity, size: 16384, arguments: [], now: start), nil)
    }

    @Test func `an answer to what was not asked is refused`() {
        var machine = bringer(.asked)
        same(machine.receive(PluginAnswerExtension()), .destroyCircuit)
        same(machine.receive(PluginAnswerExtension(entries: [.init(slot: 2, status: .ready)])), .destroyCircuit)
    }

    // MARK: The taker

    private func offer(_ slot: UInt8 = 1, size: UInt32 = 16384, replaces: UInt8 = 0) -> PluginOfferMessage {
        PluginOfferMessage(slot: slot, replaces: replaces, identity: identity, size: size)
    }

    private static let takerPhases: [TakerMachine.Phase] = [
        .promised, .needed, .judged, .receiving(0), .checking, .running(isHeard: false), .running(isHeard: true),
        .detaching, .refused, .over,
    ]

    private func taker(_ phase: TakerMachine.Phase) -> TakerMachine {
        var machine = TakerMachine(isHop: true)
        switch phase {
        case .promised: machine.note(1, .ready)
        case .needed: machine.note(1, .needCode)
        default:
            _ = machine.receive(offer())
            if phase == .judged { break }
            if phase == .refused {
                _ = machine.refuse(1, .code)
                break
            }
            _ = machine.accept(1, needsCode: true, now: start)
            if phase == .receiving(0) { break }
            for turn in 0..<35 {
                _ = machine.receiveCode(1, offset: UInt32(turn) * 472, count: min(472, 16384 - turn * 472))
            }
            if phase == .checking { break }
            _ = machine.started(1)
            if phase == .running(isHeard: false) { break }
            _ = machine.receiveReady(1)
            if phase == .detaching { _ = machine.detach(1) }
            if phase == .over { _ = machine.receiveDetach(1) }
        }
        return machine
    }

    @Test(arguments: takerPhases) func `a taker's slot can be brought into each phase`(phase: TakerMachine.Phase) {
        same(taker(phase).phase(1), phase)
    }

    @Test(arguments: takerPhases) func `a taker takes an offer where it may come, and code only with credit`(
        phase: TakerMachine.Phase
    ) {
        var machine = taker(phase)
        same(machine.receive(offer()), (phase == .needed ? .judge : .destroyCircuit))
        var receiver = taker(phase)
        let action = receiver.receiveCode(1, offset: 0, count: 472)
        same(action, (phase == .receiving(0) ? .keep : .destroyCircuit))
    }

    @Test(arguments: takerPhases) func `a taker hears READY once, and messages after it`(phase: TakerMachine.Phase) {
        var machine = taker(phase)
        let isCrossed = phase == .detaching || phase == .refused
        same(
            machine.receiveMessage(1),
            (phase == .running(isHeard: true) ? .deliver : isCrossed ? .drop : .destroyCircuit))
        same(
            machine.receiveReady(1),
            (phase == .running(isHeard: false) ? .deliver : isCrossed ? .drop : .destroyCircuit))
    }

    @Test(arguments: takerPhases) func `a taker answers questions and detaches while it runs`(
        phase: TakerMachine.Phase
    ) {
        var machine = taker(phase)
        let isRunning = phase == .running(isHeard: false) || phase == .running(isHeard: true)
        let isCrossed = phase == .detaching || phase == .refused
        same(machine.receiveQuestion(1, now: start), (isRunning ? .deliver : isCrossed ? .drop : .destroyCircuit))
        if isRunning { same(machine.receiveQuestion(1, now: start + .milliseconds(500)), .drop) }
        let detach: ReceiveDetachAction =
            isRunning
            ? .detachAndEcho : phase == .detaching ? .over : phase == .refused ? .drop : .destroyCircuit
        same(machine.receiveDetach(1), detach)
    }

    @Test(arguments: [(0, 471), (0, 473), (472, 472), (1, 472), (944, 472), (0, 0)])
    func `a gap, a repeat or another length destroys the circuit`(offset: Int, count: Int) {
        var machine = taker(.receiving(0))
        same(machine.receiveCode(1, offset: UInt32(offset), count: count), .destroyCircuit)
        var later = taker(.receiving(0))
        same(later.receiveCode(1, offset: 0, count: 472), .keep)
        same(later.receiveCode(1, offset: 0, count: 472), .destroyCircuit)
    }

    @Test(arguments: [0, 1, 16383, 16385, 1 << 30, UInt32.max])
    func `a size there is not is refused, whatever it is`(size: UInt32) {
        var machine = TakerMachine(isHop: true)
        same(machine.receive(offer(size: size)), .refuse(.size))
        same(machine.receiveCode(1, offset: 0, count: 472), .destroyCircuit)
        // It is over, and the next may come.
        same(machine.receive(offer(2)), .judge)
    }

    @Test func `a storm of offers destroys the circuit`() {
        var machine = taker(.receiving(0))
        same(machine.receive(offer(2)), .destroyCircuit)
        var other = TakerMachine(isHop: true)
        for slot in 1...16 {
            same(other.receive(offer(UInt8(slot))), .judge)
            _ = other.refuse(UInt8(slot), .untrusted)
        }
        same(other.receive(offer(17)), .destroyCircuit)
    }

    @Test func `slots belong to one end`() {
        var hop = TakerMachine(isHop: true)
        same(hop.receive(offer(129)), .destroyCircuit)
        var client = TakerMachine(isHop: false)
        same(client.receive(offer(1)), .destroyCircuit)
        same(client.receive(offer(129)), .judge)
    }

    @Test func `what was promised runs from the first cell, without the bringer's READY`() {
        var machine = taker(.promised)
        same(machine.takePromised(), [1])
        same(machine.takePromised(), [])
        let isStarted = machine.started(1)
        #expect(isStarted)
        same(machine.receiveMessage(1), .deliver)
        same(machine.receiveReady(1), .destroyCircuit)
    }

    @Test func `an upgrade needs something that runs, and ends it`() {
        var machine = taker(.running(isHeard: true))
        same(machine.receive(offer(2, replaces: 9)), .refuse(.nothingToReplace))
        same(machine.receive(offer(3, replaces: 1)), .judge)
        _ = machine.accept(3, needsCode: false, now: start)
        same(machine.replaced(by: 3), 1)
        let isStarted = machine.started(3)
        #expect(isStarted)
        machine.superseded(1)
        same(machine.receiveMessage(1), .drop)
        same(machine.receiveReady(3), .deliver)
        same(machine.receiveMessage(1), .destroyCircuit)
    }

    @Test func `a transfer that takes too long has a deadline`() {
        var machine = taker(.judged)
        same(machine.nextDeadline, nil)
        let answer = machine.accept(1, needsCode: true, now: start)
        same(answer, PluginAnswerMessage(slot: 1, .needCode(credit: 16384)))
        same(machine.nextDeadline, start + .seconds(30))
        same(taker(.checking).nextDeadline, nil)
    }

    // MARK: Both

    @Test(arguments: PluginWire.transferSizes) func `bringer and taker move a bundle of each size`(size: UInt32) throws
    {
        var bringer = BringerMachine(isHop: false)
        var taker = TakerMachine(isHop: true)
        let made = bringer.offer(identity, size: size, arguments: [1], now: start)
        let offer = try #require(made)
        same(taker.receive(offer), .judge)
        let accepted = taker.accept(1, needsCode: true, now: start)
        let answer = try #require(accepted)
        same(bringer.receive(answer), .sendCode)
        var last = TakerMachine.ReceiveCodeAction.keep
        var cells = 0
        while let fragment = bringer.nextFragment() {
            same(last, .keep)
            last = taker.receiveCode(
                fragment.slot, offset: UInt32(fragment.range.lowerBound), count: fragment.range.count)
            cells += 1
        }
        same(last, .check)
        same(cells, [16384: 35, 65536: 139, 262144: 556][size])
        let isStarted = taker.started(1)
        #expect(isStarted)
        same(bringer.receiveReady(1), .attach(replaces: 0))
        same(taker.receiveReady(1), .deliver)
        same(taker.receiveMessage(1), .deliver)
        same(bringer.receiveMessage(1), .deliver)
        // Both want it gone at once: each is the other's echo.
        let (one, other) = (bringer.detach(1), taker.detach(1))
        #expect(one && other)
        same(bringer.receiveDetach(1), .over)
        same(taker.receiveDetach(1), .over)
        same(taker.receiveMessage(1), .destroyCircuit)
    }
}
