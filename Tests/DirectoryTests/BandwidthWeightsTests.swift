import Directory
import Testing

@Suite struct BandwidthWeightsTests {
    private func weights(
        _ guards: Int64, _ middles: Int64, _ exits: Int64, _ both: Int64, scale: Int64 = 10_000
    ) -> BandwidthWeights? {
        BandwidthWeights(
            totals: BandwidthWeights.Totals(
                guards: guards, middles: middles, exits: exits, both: both, total: guards + middles + exits + both),
            scale: scale)
    }

    private func values(_ weights: BandwidthWeights?) -> [Int32?] {
        ["Wgg", "Wgd", "Wmg", "Wme", "Wmd", "Wee", "Wed"].map { weights?[$0] }
    }

    /// Guards, middles, exits, both; then Wgg, Wgd, Wmg, Wme, Wmd, Wee, Wed as the formulas of dir-spec give them.
    @Test(
        arguments: [
            // 1: nothing scarce.
            ([400, 100, 400, 100], [7500, 3333, 2500, 2500, 3333, 7500, 3333]),
            ([100, 50, 100, 50], [8334, 3333, 1666, 1667, 3333, 8333, 3333]),
            // 2a: both scarce, and little that is both: the scarcer gets all of it.
            ([300, 700, 100, 50], [10_000, 0, 0, 0, 0, 10_000, 10_000]),
            ([100, 700, 300, 50], [10_000, 10_000, 0, 0, 0, 10_000, 0]),
            // 2b1 and 2b2: both scarce, and enough that is both.
            ([200, 200, 200, 400], [10_000, 3333, 0, 0, 3333, 10_000, 3333]),
            ([200, 200, 150, 350], [10_000, 2857, 0, 0, 2857, 10_000, 4285]),
            ([200, 300, 200, 300], [10_000, 4445, 0, 0, 1111, 10_000, 4444]),
            ([100, 300, 150, 400], [10_000, 5418, 0, 0, 416, 10_000, 4166]),
            // 3a: one scarce, and little that is both.
            ([600, 200, 50, 50], [6667, 0, 3333, 0, 0, 10_000, 10_000]),
            ([50, 200, 600, 50], [10_000, 10_000, 0, 3333, 0, 6667, 0]),
            // 3b: one scarce, and enough that is both.
            ([400, 100, 100, 400], [6250, 2083, 3750, 0, 2083, 10_000, 5833]),
            ([100, 100, 400, 400], [10_000, 5833, 0, 3750, 2083, 6250, 2083]),
        ] as [([Int64], [Int32])])
    func `each case of the network has its weights`(totals: [Int64], expected: [Int32]) {
        #expect(values(weights(totals[0], totals[1], totals[2], totals[3])) == expected)
    }

    @Test func `a network that cannot be balanced has none`() {
        // 2b3: far too much in the middle.
        #expect(weights(100, 500, 100, 400) == nil)
        #expect(weights(280, 400, 200, 120) == nil)
    }

    @Test func `an empty kind, or a scale that overflows, gives no weights and no trap`() {
        #expect(weights(0, 1, 1, 1) == nil)
        #expect(weights(1, 1, 1, 0) == nil)
        let huge: Int64 = 1 << 45
        for scale: Int64 in [1, 7, Int64(Int32.max)] {
            for (guards, middles, exits, both): (Int64, Int64, Int64, Int64) in [
                (huge, 1, huge, 1), (1, huge, 1, 1), (huge, huge, huge, huge), (1, 1, huge, huge),
            ] {
                _ = weights(guards, middles, exits, both, scale: scale)
            }
        }
    }

    @Test func `the line is read and written alike`() throws {
        let computed = try #require(weights(400, 100, 400, 100))
        var line: [UInt8] = []
        computed.encode(into: &line)
        let text = String(decoding: line, as: UTF8.self)
        #expect(text.hasPrefix("bandwidth-weights Wbd=3333 Wbe=2500 Wbg=2500 Wbm=10000 Wdb=10000 Web=10000 Wed=3333"))
        #expect(text.hasSuffix(" Wmb=10000 Wmd=3333 Wme=2500 Wmg=2500 Wmm=10000\n"))
        let words = text.dropLast().split(separator: " ").dropFirst().map { ByteText(String($0)) }
        #expect(BandwidthWeights(arguments: words) == computed)
        #expect(BandwidthWeights(arguments: ["Wgg"]) == nil)
        #expect(BandwidthWeights(arguments: ["Wgg=2147483648"]) == nil)
    }

    @Test func `a guard by a fraction counts in two kinds`() {
        var totals = BandwidthWeights.Totals()
        totals.add(bandwidth: 100, isGuard: true, isExit: false, guardFraction: 25)
        #expect(totals == BandwidthWeights.Totals(guards: 26, middles: 76, exits: 1, both: 1, total: 29))
        totals.add(bandwidth: 10, isGuard: false, isExit: true, guardFraction: nil)
        #expect(totals.exits == 11 && totals.total == 39)
    }
}
