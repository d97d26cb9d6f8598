import Hooks
import ProtocolTestKit
import Testing

@testable import Circuits

/// The numbers of C Tor's own test vectors (`test_congestion_control.c`), which follow proposal 324.
struct FlowVegasTests {
    private func vegas() -> FlowVegas { FlowVegas(CongestionParameters(), path: .exit, increment: 31) }

    @Test func `a clock that stands still or jumps measures nothing`() {
        // Round trip before and now; slow start; then whether the clock counts as broken, and whether this one is off.
        let rows: [(UInt64, UInt64, Bool, Bool, Bool)] = [
            (0, 1, true, false, false), (0, 0, true, true, true), (1, 1, true, true, false),
            (1, 4999, false, false, false), (4999, 1, false, false, false), (5001, 1, false, false, false),
            (5001, 0, false, true, true), (5001, 1, false, true, true), (5001, 1, true, true, false),
            (0, 5001, false, true, false), (1, 5001, true, true, false), (1, 1, false, false, false),
            (5001, 1, false, false, false), (1, 5001, false, false, true), (0, 5001, false, false, false),
            (5001, 1, true, false, false), (1, 1, false, false, false),
        ]
        var vegas = vegas()
        for (index, row) in rows.enumerated() {
            vegas.place(isInSlowStart: row.2, averageRoundTrip: row.0 * 1000)
            #expect(vegas.isClockOff(before: row.0, now: row.1) == row.4, "row \(index)")
            #expect(vegas.isClockBroken == row.3, "row \(index)")
        }
    }

    struct Step {
        let roundTrip: UInt64
        let isBlocked: Bool
        let underWay: UInt64
        let average: UInt64
        let least: UInt64
        let window: UInt64
        let isInSlowStart: Bool
        let isFull: Bool

        init(
            _ sent: UInt64, _ acknowledged: UInt64, _ isBlocked: Int, _ underWay: UInt64, _ average: UInt64,
            _ least: UInt64, _ window: UInt64, _ isInSlowStart: Int, _ isFull: Int
        ) {
            roundTrip = acknowledged - sent
            self.isBlocked = isBlocked == 1
            self.underWay = underWay
            self.average = average
            self.least = least
            self.window = window
            self.isInSlowStart = isInSlowStart == 1
            self.isFull = isFull == 1
        }
    }

    /// Slow start to its end by round trips, then up and down: full, not full, alpha, beta, delta, and a blocked channel.
    static let steady = [
        Step(100000, 200000, 0, 124, 100000, 100000, 155, 1, 0),
        Step(200000, 300000, 0, 155, 100000, 100000, 186, 1, 1),
        Step(350000, 500000, 0, 186, 133333, 100000, 217, 1, 1),
        Step(500000, 550000, 0, 217, 77777, 77777, 248, 1, 1),
        Step(600000, 700000, 0, 248, 92592, 77777, 279, 1, 1),
        Step(700000, 750000, 0, 279, 64197, 64197, 310, 1, 0),
        Step(750000, 875000, 0, 310, 104732, 64197, 341, 1, 1),
        Step(875000, 900000, 0, 341, 51577, 51577, 372, 1, 1),
        Step(900000, 950000, 0, 279, 50525, 50525, 403, 1, 1),
        Step(950000, 1000000, 0, 279, 50175, 50175, 434, 1, 1),
        Step(1000000, 1050000, 0, 279, 50058, 50058, 465, 1, 1),
        Step(1050000, 1100000, 0, 279, 50019, 50019, 496, 1, 1),
        Step(1100000, 1150000, 0, 279, 50006, 50006, 527, 1, 1),
        Step(1150000, 1200000, 0, 279, 50002, 50002, 558, 1, 1),
        Step(1200000, 1250000, 0, 550, 50000, 50000, 589, 1, 1),
        Step(1250000, 1300000, 0, 550, 50000, 50000, 620, 1, 0),
        Step(1300000, 1350000, 0, 550, 50000, 50000, 635, 1, 1),
        Step(1350000, 1400000, 0, 550, 50000, 50000, 650, 1, 1),
        Step(1400000, 1450000, 0, 150, 50000, 50000, 650, 1, 0),
        Step(1450000, 1500000, 0, 150, 50000, 50000, 650, 1, 0),
        Step(1500000, 1550000, 0, 550, 50000, 50000, 664, 1, 1),
        Step(1500000, 1600000, 0, 550, 83333, 50000, 584, 0, 1),
        Step(1600000, 1650000, 0, 550, 61111, 50000, 585, 0, 1),
        Step(1650000, 1700000, 0, 550, 53703, 50000, 586, 0, 1),
        Step(1700000, 1750000, 0, 100, 51234, 50000, 586, 0, 0),
        Step(1750000, 1900000, 0, 100, 117078, 50000, 559, 0, 0),
        Step(1900000, 2000000, 0, 100, 105692, 50000, 558, 0, 0),
        Step(2000000, 2075000, 0, 500, 85230, 50000, 558, 0, 1),
        Step(2075000, 2125000, 1, 500, 61743, 50000, 557, 0, 1),
        Step(2125000, 2150000, 0, 500, 37247, 37247, 558, 0, 1),
        Step(2150000, 2350000, 0, 500, 145749, 37247, 451, 0, 1),
    ]

    /// Slow start that a blocked channel ends.
    static let blocked = [
        Step(100000, 200000, 0, 124, 100000, 100000, 155, 1, 0),
        Step(200000, 300000, 0, 155, 100000, 100000, 186, 1, 1),
        Step(350000, 500000, 0, 186, 133333, 100000, 217, 1, 1),
        Step(500000, 550000, 1, 217, 77777, 77777, 403, 0, 1),
        Step(600000, 700000, 0, 248, 92592, 77777, 404, 0, 1),
        Step(700000, 750000, 1, 404, 64197, 64197, 403, 0, 0),
        Step(750000, 875000, 0, 403, 104732, 64197, 404, 0, 1),
    ]

    /// Two real uploads.
    static let uploads = [
        [
            Step(18_258_527, 19_002_938, 0, 83, 744411, 744411, 155, 1, 0),
            Step(18_258_580, 19_254_257, 0, 52, 911921, 744411, 186, 1, 1),
            Step(20_003_224, 20_645_298, 0, 164, 732023, 732023, 217, 1, 1),
            Step(20_003_367, 21_021_444, 0, 133, 922725, 732023, 248, 1, 1),
            Step(20_003_845, 21_265_508, 0, 102, 1148683, 732023, 279, 1, 1),
            Step(20_003_975, 21_429_157, 0, 71, 1333015, 732023, 310, 1, 0),
            Step(20_004_309, 21_707_677, 0, 40, 1579917, 732023, 310, 1, 0),
        ],
        [
            Step(358_297_091, 358_854_163, 0, 83, 557072, 557072, 155, 1, 0),
            Step(358_297_649, 359_123_845, 0, 52, 736488, 557072, 186, 1, 1),
            Step(359_492_879, 359_995_330, 0, 186, 580463, 557072, 217, 1, 1),
            Step(359_493_043, 360_489_243, 0, 217, 857621, 557072, 248, 1, 1),
            Step(359_493_232, 360_489_673, 0, 248, 950167, 557072, 279, 1, 1),
            Step(359_493_795, 360_489_971, 0, 279, 980839, 557072, 310, 1, 0),
            Step(359_493_918, 360_490_248, 0, 310, 991166, 557072, 341, 1, 1),
            Step(359_494_029, 360_716_465, 0, 341, 1145346, 557072, 372, 1, 1),
            Step(359_996_888, 360_948_867, 0, 372, 1016434, 557072, 403, 1, 1),
            Step(359_996_979, 360_949_330, 0, 403, 973712, 557072, 434, 1, 1),
            Step(360_489_528, 361_113_615, 0, 434, 740628, 557072, 465, 1, 1),
            Step(360_489_656, 361_281_604, 0, 465, 774841, 557072, 496, 1, 1),
            Step(360_489_837, 361_500_461, 0, 496, 932029, 557072, 482, 0, 1),
            Step(360_489_963, 361_500_631, 0, 482, 984455, 557072, 482, 0, 1),
            Step(360_490_117, 361_842_481, 0, 482, 1229727, 557072, 481, 0, 1),
        ],
    ]

    @Test(arguments: [steady, blocked] + uploads)
    func `the window follows the round trips as C Tor's does`(steps: [Step]) {
        var vegas = vegas()
        for (index, step) in steps.enumerated() {
            vegas.acknowledge(
                underWay: step.underWay, roundTrip: step.roundTrip, isChannelBlocked: step.isBlocked, queue: 0)
            #expect(vegas.averageRoundTrip == step.average, "step \(index)")
            #expect(vegas.leastRoundTrip == step.least, "step \(index)")
            #expect(vegas.window == step.window, "step \(index)")
            #expect(vegas.isInSlowStart == step.isInSlowStart, "step \(index)")
            #expect(vegas.isFull == step.isFull, "step \(index)")
            #expect(vegas.isBlocked == step.isBlocked, "step \(index)")
        }
    }

    @Test func `round trips are averaged, and the least is raised where the window is at its least`() {
        let rows: [(sent: UInt64, acknowledged: UInt64, window: UInt64, slow: Bool, average: UInt64, least: UInt64)] = [
            (100000, 200000, 124, true, 100000, 100000), (200000, 300000, 124, true, 100000, 100000),
            (350000, 500000, 124, true, 133333, 100000), (500000, 550000, 124, true, 77777, 77777),
            (600000, 700000, 124, true, 92592, 77777), (700000, 750000, 124, true, 64197, 64197),
            (750000, 875000, 124, false, 104732, 104732), (875000, 900000, 124, false, 51577, 104732),
            (900000, 950000, 200, false, 50525, 50525),
        ]
        var vegas = vegas()
        for (index, row) in rows.enumerated() {
            vegas.place(window: row.window, isInSlowStart: row.slow)
            vegas.acknowledge(
                underWay: 31, roundTrip: row.acknowledged - row.sent, isChannelBlocked: false, queue: 0)
            #expect(vegas.averageRoundTrip == row.average && vegas.leastRoundTrip == row.least, "row \(index)")
        }
    }

    @Test func `the doors' questions are answered from the counts`() {
        var vegas = vegas()
        var may = MaySendContext()
        #expect(vegas.maySend(&may) == .verdict(MaySendVerdict(cells: 124)))
        may.packaged = 124
        #expect(vegas.maySend(&may) == .verdict(MaySendVerdict(cells: 0)))
        var ack = OnAckContext()
        ack.packaged = 124
        ack.roundTrip = 100_000
        #expect(vegas.onAck(&ack) == .verdict(.accepted))
        may.acknowledgements = 1
        // 31 are acknowledged, and the window has grown by as many.
        #expect(vegas.maySend(&may) == .verdict(MaySendVerdict(cells: 62)))
        ack.acknowledgements = 4
        #expect(vegas.onAck(&ack) == .verdict(.destroyCircuit))
        var due = AckDueContext()
        for (received, sent, verdict): (UInt64, UInt64, AckVerdict) in [
            (1, 0, .no(29)), (30, 0, .no(0)), (31, 0, .yes), (31, 1, .no(30)), (62, 1, .yes),
        ] {
            due.received = received
            due.acknowledgements = sent
            #expect(vegas.ackDue(&due) == .verdict(verdict))
        }
    }

    @Test func `no values of the consensus, times or counts make it overflow`() {
        var random = SeededRandom(seed: 5)
        for _ in 0..<200 {
            var parameters = CongestionParameters()
            func any(_ low: UInt32, _ high: UInt32) -> UInt32 {
                Bool.random(using: &random)
                    ? (Bool.random(using: &random) ? low : high) : .random(in: low...high, using: &random)
            }
            parameters.firstWindow = any(31, 10_000)
            parameters.leastWindow = any(31, 1_000)
            parameters.greatestWindow = any(500, 0x7FFF_FFFF)
            parameters.windowIncrement = any(1, 1_000)
            parameters.windowIncrementRate = any(1, 250)
            parameters.slowStartPercent = any(1, 500)
            parameters.slowStartGreatest = any(500, 0x7FFF_FFFF)
            parameters.averagePercent = any(1, 255)
            parameters.averageGreatest = any(2, 0x7FFF_FFFF)
            parameters.averageInSlowStart = any(2, 0x7FFF_FFFF)
            parameters.resetPercent = any(0, 100)
            parameters.fullGap = any(0, 32_767)
            parameters.fullLeastPercent = any(0, 100)
            parameters.isFullPerWindow = Bool.random(using: &random)
            parameters.exit = .init(
                alpha: any(0, 1_000), beta: any(0, 1_000), gamma: any(0, 1_000), delta: any(0, 0x7FFF_FFFF),
                slowStartCap: any(100, 0x7FFF_FFFF))
            var vegas = FlowVegas(parameters, path: .exit, increment: UInt8(any(1, 254)))
            for _ in 0..<500 {
                let roundTrip = UInt64.random(
                    in: 0...UInt64.max >> UInt64.random(in: 0...60, using: &random), using: &random)
                vegas.acknowledge(
                    underWay: UInt64.random(in: 0...0x7FFF_FFFF, using: &random), roundTrip: roundTrip,
                    isChannelBlocked: Bool.random(using: &random), queue: UInt64.random(in: 0...50_000, using: &random))
                #expect(vegas.window <= parameters.greatestWindow)
            }
        }
    }
}
