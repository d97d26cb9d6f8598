import ProtocolTestKit
import Testing

@testable import Client

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct CircuitBuildTimesTests {
    /// Pareto-distributed times: Xm 200 ms, alpha 1.5.
    private func learnt(_ count: Int) -> CircuitBuildTimes {
        var times = CircuitBuildTimes()
        var random = SeededRandom(seed: 2)
        for _ in 0..<count {
            let rest = Double.random(in: 0.0001..<1, using: &random)
            times.built(after: .milliseconds(Int64(200 * pow(rest, -1 / 1.5))))
        }
        return times
    }

    @Test func `a minute is waited until a hundred circuits were seen`() {
        let few = learnt(99)
        #expect(few.timeout == .seconds(60))
        #expect(few.wantsCircuits)
        #expect(!learnt(100).wantsCircuits)
        #expect(learnt(100).timeout < .seconds(60))
    }

    @Test func `the timeout is what four of five circuits meet`() {
        let times = learnt(1000)
        // 200 * 5^(1/1.5) = 585 ms; Xm is the mean of the fullest bins, so somewhat more.
        #expect(times.timeout > .milliseconds(450) && times.timeout < .milliseconds(900), "\(times.timeout)")
        #expect(times.closeTimeout == .seconds(60))
    }

    @Test func `most recent circuits late means another network`() {
        var times = learnt(200)
        for _ in 0..<17 { times.timedOut(passedFirstHop: true) }
        #expect(times.count == 200)
        for _ in 0..<50 { times.timedOut(passedFirstHop: false) }
        #expect(times.count == 200)
        times.timedOut(passedFirstHop: true)
        #expect(times.count == 0)
        #expect(times.timeout == .seconds(60))
        for _ in 0..<18 { times.timedOut(passedFirstHop: true) }
        #expect(times.timeout == .seconds(120))
    }

    @Test func `successes in between count`() {
        var times = learnt(200)
        for _ in 0..<60 {
            times.timedOut(passedFirstHop: true)
            times.succeeded()
        }
        #expect(times.count == 200)
    }

    @Test func `circuits that were given up move the timeout out`() {
        var times = learnt(200)
        let before = times.timeout
        times.built(after: .seconds(500))
        #expect(times.count == 200)
        for _ in 0..<3 { times.abandoned() }
        #expect(times.count == 203)
        #expect(times.timeout >= before - .milliseconds(1))
    }

    @Test func `the state file has C Tor's histogram`() {
        var times = CircuitBuildTimes()
        for milliseconds in [101, 105, 109, 110, 255] { times.built(after: .milliseconds(milliseconds)) }
        times.abandoned()
        #expect(
            times.stateLines == [
                "TotalBuildTimes 6", "CircuitBuildAbandonedCount 1", "CircuitBuildTimeBin 105 3",
                "CircuitBuildTimeBin 115 1", "CircuitBuildTimeBin 255 1",
            ])
        var again = CircuitBuildTimes()
        again.restore(times.stateLines)
        #expect(again.stateLines == times.stateLines)
        again.restore([
            "CircuitBuildTimeBin -1 5", "CircuitBuildTimeBin 5 99999999999999999999", "CircuitBuildTimeBin 1",
        ])
        #expect(again.count == 0)
        again.restore(["CircuitBuildTimeBin 5 600", "CircuitBuildTimeBin 15 600", "CircuitBuildTimeBin 25 400"])
        #expect(again.count == 1000)
    }
}
