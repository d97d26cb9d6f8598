import Directory
import Paths
import ProtocolTestKit
import Testing

struct PathWeightsTests {
    private let weights = BandwidthWeights(
        arguments: [
            "Wbd=0", "Wbe=0", "Wbg=4000", "Wbm=10000", "Wdb=10000", "Web=10000", "Wed=10000", "Wee=10000", "Weg=10000",
            "Wem=10000", "Wgb=10000", "Wgd=0", "Wgg=6000", "Wgm=6000", "Wmb=10000", "Wmd=0", "Wme=0", "Wmg=4000",
            "Wmm=10000",
        ].map { ByteText($0) })

    @Test func `relays are chosen as often as bandwidth and weights say`() throws {
        let relays = [
            TestNetwork.relay(1, .guard, bandwidth: 1000), TestNetwork.relay(2, bandwidth: 1000),
            TestNetwork.relay(3, bandwidth: 2000), TestNetwork.relay(4, .exit, bandwidth: 50_000, policy: .acceptAll),
        ]
        let view = TestNetwork.view(relays, weights: weights)
        let selector = PathSelector(view: view, rules: PathRules())
        var random = SeededRandom(seed: 7)
        var counts: [String: Int] = [:]
        let rounds = 34_000
        for _ in 0..<rounds {
            counts[try selector.middle(between: [], using: &random).nickname, default: 0] += 1
        }
        // Middle: the guard counts 0.4, the exit nothing; 400 + 1000 + 2000.
        #expect(counts["relay4"] == nil)
        for (name, expected) in [("relay1", 4000), ("relay2", 10_000), ("relay3", 20_000)] {
            let seen = try #require(counts[name])
            #expect(abs(seen - expected) < 450, "\(name): \(seen) of \(rounds)")
        }
    }

    @Test func `each position has its own weights`() {
        let view = TestNetwork.view([], weights: weights)
        let asGuard = TestNetwork.relay(1, .guard, bandwidth: 10)
        #expect(view.weights.weight(of: asGuard, as: .guard) == 6000)
        #expect(view.weights.weight(of: asGuard, as: .middle) == 4000)
        #expect(view.weights.weight(of: asGuard, as: .directory) == 4000)
        let both = TestNetwork.relay(1, [.guard, .exit], bandwidth: 10)
        #expect(view.weights.weight(of: both, as: .guard) == 0)
        #expect(view.weights.weight(of: both, as: .exit) == 10_000)
        let badExit = TestNetwork.relay(1, [.exit, .badExit], bandwidth: 10)
        #expect(view.weights.weight(of: badExit, as: .middle) == 10_000)
    }

    @Test func `a guard of short standing counts in part as no guard`() {
        let view = TestNetwork.view([], weights: weights)
        var relay = TestNetwork.relay(1, .guard, bandwidth: 10)
        relay.guardFraction = 25
        // 0.25 * 0.4 + 0.75 * 1.0
        #expect(abs(view.weights.weight(of: relay, as: .middle) - 8500) < 0.001)
        #expect(view.weights.weight(of: relay, as: .guard) == 6000)
    }

    @Test func `without weights bandwidth alone counts`() {
        let view = TestNetwork.view([])
        #expect(view.weights.weight(of: TestNetwork.relay(1, .exit, bandwidth: 3), as: .guard) == 3000)
        var unweighed = TestNetwork.relay(1)
        unweighed.bandwidth = nil
        #expect(view.weights.weight(of: unweighed, as: .exit) == 30_000)
    }

    @Test func `things without weight are chosen alike`() {
        var random = SeededRandom(seed: 3)
        var counts = [0, 0, 0]
        for _ in 0..<3000 { counts[WeightedChoice.index(of: [0, 0, 0], using: &random) ?? 0] += 1 }
        #expect(counts.allSatisfy { (850...1150).contains($0) })
        #expect(WeightedChoice.index(of: [], using: &random) == nil)
        for _ in 0..<100 { #expect(WeightedChoice.index(of: [0, 5, 0], using: &random) == 1) }
    }
}
