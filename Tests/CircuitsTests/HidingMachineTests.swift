import Circuits
import Hooks
import ProtocolTestKit
import Testing

@Suite struct HidingMachineTests {
    private func delay(_ verdict: PaddingVerdict) -> UInt32? {
        guard case .schedule(timer: 0, let delay, []) = verdict else { return nil }
        return delay
    }

    private func tell(
        _ machine: inout HidingMachine, _ event: PaddingEvent, _ random: inout SeededRandom
    ) -> PaddingVerdict {
        machine.receive(event, using: &random)
    }

    @Test func `an introduction machine sends seven to nine cells a few milliseconds apart`() throws {
        var lengths: Set<Int> = []
        for seed in 0..<60 {
            var random = SeededRandom(seed: UInt64(seed))
            var machine = HidingMachine(.introduction, counter: 1)
            // Nothing before it has said that it begins.
            #expect(tell(&machine, .cellReceived, &random) == .nothing)
            #expect(tell(&machine, .paddingSent, &random) == .nothing)
            var verdict = tell(&machine, .cellSent, &random)
            var sent = 0
            while !machine.isOver {
                let wait = try #require(delay(verdict))
                #expect((1_000..<10_000).contains(wait))
                // What else goes to the client draws the time anew and counts for nothing.
                let again = delay(tell(&machine, .cellSent, &random))
                #expect(again != nil)
                #expect(tell(&machine, .cellReceived, &random) == .nothing)
                verdict = tell(&machine, .paddingSent, &random)
                sent += 1
            }
            #expect(verdict == .nothing)
            #expect(tell(&machine, .cellSent, &random) == .nothing)
            #expect(machine.announcesEnd)
            lengths.insert(sent)
        }
        #expect(lengths == [7, 8, 9])
    }

    @Test func `a rendezvous machine sends one cell at once, and does not say that it is over`() throws {
        var random = SeededRandom(seed: 4)
        var machine = HidingMachine(.rendezvous, counter: 2)
        let wait = try #require(delay(tell(&machine, .cellSent, &random)))
        #expect(wait < 1_000)
        #expect(tell(&machine, .cellSent, &random) == .nothing)
        #expect(!machine.isOver)
        #expect(tell(&machine, .paddingSent, &random) == .nothing)
        #expect(machine.isOver && !machine.announcesEnd)
    }
}
