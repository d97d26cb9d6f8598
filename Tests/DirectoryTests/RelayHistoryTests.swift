import Cells
import Directory
import Testing

@Suite struct RelayHistoryTests {
    private func at(_ seconds: Int64) -> WallTime { WallTime(seconds: 1_000_000 + seconds) }

    @Test func `runs and downtimes add up`() {
        var history = RelayHistory()
        #expect(history.fractionalUptime(at: at(0)) == 0 && history.meanTimeBetweenFailures(at: at(0)) == 0)
        history.noteReachable(at: at(0), endpoint: nil, movePenalty: 0)
        history.noteReachable(at: at(50), endpoint: nil, movePenalty: 0)
        #expect(history.uptime(at: at(300)) == 300 && history.timeKnown(at: at(300)) == 300)
        history.noteUnreachable(at: at(300))
        history.noteUnreachable(at: at(350))
        #expect(history.uptime(at: at(350)) == 0)
        #expect(history.fractionalUptime(at: at(400)) == 0.75)
        history.noteReachable(at: at(400), endpoint: nil, movePenalty: 0)
        #expect(history.timeKnown(at: at(500)) == 500)
        #expect(history.meanTimeBetweenFailures(at: at(500)) == 200)
        #expect(history.statistics(at: at(500)) == "wfu=0.800000 tk=500 mtbf=200")
    }

    @Test func `a new address counts as downtime`() throws {
        let first = try #require(SocketEndpoint("[2001:db8::1]:9001"))
        let second = try #require(SocketEndpoint("[2001:db8::2]:9001"))
        var history = RelayHistory()
        history.noteReachable(at: at(0), endpoint: first, movePenalty: 100)
        history.noteReachable(at: at(1000), endpoint: second, movePenalty: 100)
        #expect(history.runStart == at(1000))
        #expect(history.weightedUptime == 900 && history.timeKnown(at: at(1000)) == 1000)
        #expect(history.lastEndpoint == second)
        // A penalty longer than the run takes time away, never below nothing.
        history.noteReachable(at: at(1010), endpoint: first, movePenalty: 5000)
        #expect(history.weightedUptime == 0 && history.runStart == at(1010))
    }

    @Test func `the past counts less and less`() {
        var history = RelayHistory(
            weightedRunLength: 1000, runWeight: 2, weightedUptime: 800, weightedTimeWatched: 1000, runStart: nil,
            downtimeStart: nil)
        history.discountPast(intervals: 2)
        #expect(history.weightedRunLength == 902 && history.weightedUptime == 722)
        #expect(history.weightedTimeWatched == 902 && history.runWeight == 2 * 0.95 * 0.95)
        history.makePessimal(at: at(0))
        #expect(history.weightedRunLength == 0 && history.fractionalUptime(at: at(10)) == 0)
    }
}
