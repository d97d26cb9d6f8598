import Testing

@testable import Hooks

struct EWMABurdenTests {
    private static func number(_ burden: EWMABurden) -> Double {
        let mantissa = 1 + Double(burden.bits & 0xFFFF_FFFF) / 4_294_967_296
        return Double(sign: .plus, exponent: Int(burden.bits >> 32) - 64, significand: mantissa)
    }

    @Test func `a weight doubles each half-life and follows the power of two between`() {
        for milliseconds in stride(from: UInt64(0), to: 300_000, by: 777) {
            let weight = Self.number(EWMABurden.weight(at: milliseconds))
            let whole = milliseconds / 30_000
            let part = Double(milliseconds % 30_000) / 30_000
            let exact = Double(1 << whole) * (1 + part * (0.656_854 + part * 0.343_146))
            #expect(abs(weight / exact - 1) < 1e-8)
        }
        #expect(EWMABurden.weight(at: 30_000).bits == EWMABurden.weight(at: 0).bits + 1 << 32)
    }

    @Test func `a sum is that of the numbers, to the last of 32 bits`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10_000 {
            let first = EWMABurden(bits: UInt64.random(in: 64 << 32..<120 << 32, using: &random))
            let second = EWMABurden(bits: UInt64.random(in: 64 << 32..<120 << 32, using: &random))
            let sum = Self.number(first.adding(second, cells: 1))
            let exact = Self.number(first) + Self.number(second)
            #expect(sum <= exact)
            #expect(sum >= exact * (1 - 1 / 1_073_741_824))
        }
    }

    @Test func `whoever has sent less of late comes first`() {
        var policy = EWMAPolicy()
        var once = RankContext()
        once.parameter = RankEvent.sent.rawValue
        once.sent = 10
        _ = policy.rank(&once)
        policy.advance(to: 120_000)
        var late = RankContext()
        late.parameter = RankEvent.sent.rawValue
        late.sent = 1
        _ = policy.rank(&late)
        // Ten cells four half-lives ago weigh less than one now.
        #expect(once.key < late.key)
        #expect(EWMABurden.none < EWMABurden(bits: once.key))
    }

    @Test func `a running sum is the sum, cell by cell`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            var burden = EWMABurden(bits: UInt64.random(in: 0..<80 << 32, using: &random))
            let weight = EWMABurden(bits: UInt64.random(in: 64 << 32..<80 << 32, using: &random))
            var sum = EWMASum(burden, weight: weight)
            for _ in 0..<100 {
                burden = burden.adding(weight, cells: 1)
                sum.addCell()
                #expect(sum.burden == burden)
            }
        }
    }

    @Test func `no time makes a weight fail`() {
        #expect(EWMABurden.weight(at: .max, halfLife: 1) <= EWMABurden(bits: .max))
        #expect(EWMABurden.weight(at: .max, halfLife: .max).bits >= 64 << 32)
        #expect(EWMABurden(bits: .max).adding(EWMABurden(bits: .max), cells: 3).bits >= 0)
    }
}
