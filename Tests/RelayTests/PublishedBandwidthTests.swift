import Relay
import Testing

@Suite struct PublishedBandwidthTests {
    private func ask(_ bandwidth: inout PublishedBandwidth, _ now: Int, at second: Int64, testing: Bool = false) -> Bool
    {
        bandwidth.isOutdated(by: now, second: second, isTesting: testing)
    }

    @Test func `a relay that has said zero says more as soon as it carries something`() {
        var bandwidth = PublishedBandwidth()
        #expect(!ask(&bandwidth, 500, at: 60))
        bandwidth.publish(0)
        #expect(!ask(&bandwidth, 0, at: 60))
        #expect(ask(&bandwidth, 500, at: 120))
        bandwidth.publish(500)
        #expect(!ask(&bandwidth, 900, at: 180))
        // Three hours later at the earliest, but in a testing network.
        #expect(!ask(&bandwidth, 5_000, at: 240))
        #expect(ask(&bandwidth, 5_000, at: 240, testing: true))
        bandwidth.publish(5_000)
        #expect(!ask(&bandwidth, 100, at: 240 + 10_800))
        #expect(ask(&bandwidth, 100, at: 241 + 10_800))
        #expect(!ask(&bandwidth, 100_000, at: 86_401))
    }
}
