import Cells
import Testing

@testable import Relay

struct DNSCacheTests {
    private let start = ContinuousClock.now

    private func answer(_ seconds: UInt32) -> DNSAnswer {
        DNSAnswer(ipv4: .found(IPAddress("192.0.2.1")!, timeToLive: seconds))
    }

    @Test func `an answer is good for its time to live`() {
        var cache = DNSCache(capacity: 4)
        cache.insert(answer(60), for: .addresses(of: "a"), now: start)
        #expect(cache.answer(to: .addresses(of: "a"), now: start + .seconds(59)) == answer(60))
        #expect(cache.answer(to: .addresses(of: "a"), now: start + .seconds(60)) == nil)
        #expect(cache.count == 0)
    }

    @Test func `a transient failure is not kept`() {
        var cache = DNSCache(capacity: 4)
        cache.insert(.transientFailure, for: .addresses(of: "a"), now: start)
        #expect(cache.count == 0)
    }

    @Test func `it never holds more than it may`() {
        var cache = DNSCache(capacity: 100)
        for number in 0..<1_000 {
            cache.insert(answer(60), for: .addresses(of: "\(number)"), now: start)
            #expect(cache.count <= 100)
        }
        #expect(cache.answer(to: .addresses(of: "999"), now: start) != nil)
    }

    @Test func `times to live have two blurred values`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            #expect((60...540).contains(DNSTimeToLive.clipped(299, using: &random)))
            #expect((3_360...3_840).contains(DNSTimeToLive.clipped(300, using: &random)))
            #expect((3_360...3_840).contains(DNSTimeToLive.clipped(.max, using: &random)))
        }
    }
}
