import Cells
import EBPF
import Foundation
import Hooks
import Testing

@testable import Circuits
@testable import PluginHost

struct ShippedPluginTests {
    @Test(
        arguments: ["monitor", "sendme", "vegas", "ewma", "constant-rate", "visitor"],
        [Module.Engine.automatic, .interpreter])
    func `a shipped plugin answers as its events say`(name: String, engine: Module.Engine) throws {
        let plugin = try Fixture.plugin(name, engine: engine, isStrict: true)
        let text = try String(contentsOf: Fixture.plugins.appending(path: "\(name)/\(name).events"), encoding: .utf8)
        var runner = ScriptRunner(plugin)
        var expectations = 0
        for event in try PluginScript(text: text).events {
            let outcome = try runner.play(event)
            #expect(outcome.isExpected, "\(name) line \(event.line): \(outcome.answer), not \(event.expected ?? "")")
            if event.expected != nil { expectations += 1 }
        }
        #expect(expectations > 3)
        #expect(runner.counters?["faults"] == 0)
    }

    /// Long enough where it counts: `FANION_TEST_EVENTS` says how many.
    static let eventCount = ProcessInfo.processInfo.environment["FANION_TEST_EVENTS"].flatMap(Int.init) ?? 1_000_000

    @Test func `ewma gives the built-in's keys`() throws {
        let test = TestHost(budget: Self.generous)
        var doors = test.doors(scope: .host, budget: Self.generous)
        try doors.attach(Fixture.plugin("ewma", grant: Grant(budget: Self.generous)))
        var policy = EWMAPolicy()
        var random = SplitMix(state: 1)
        let circuits = 50
        var ours = [RankContext](repeating: RankContext(), count: circuits)
        var theirs = ours
        var differences = 0
        for _ in 0..<Self.eventCount {
            // From microseconds to hours.
            test.host.now += UInt64.random(in: 0...1 << UInt64.random(in: 0...34, using: &random), using: &random)
            policy.advance(to: test.host.now / 1000)
            let circuit = Int.random(in: 0..<circuits, using: &random)
            let event = RankEvent(rawValue: UInt32.random(in: 0...1, using: &random)) ?? .ready
            let sent = event == .sent ? UInt32.random(in: 1...31, using: &random) : 0
            ours[circuit].parameter = event.rawValue
            ours[circuit].sent = sent
            theirs[circuit].parameter = event.rawValue
            theirs[circuit].sent = sent
            let answer = policy.rank(&ours[circuit])
            if doors.rank(&theirs[circuit]) != answer || ours[circuit].key != theirs[circuit].key
                || ours[circuit].state0 != theirs[circuit].state0
            {
                differences += 1
            }
        }
        #expect(differences == 0)
        #expect(Set(ours.map(\.key)).count > circuits / 2)
        #expect(test["faults"] == 0)
    }

    @Test func `sendme gives the built-in's verdicts`() throws {
        let test = TestHost(budget: Self.generous)
        var doors = test.doors(budget: Self.generous)
        try doors.attach(Fixture.plugin("sendme", grant: Grant(budget: Self.generous)))
        var random = SplitMix(state: 2)
        var subjects = FlowEvents.fresh
        var differences = 0
        var violations = 0
        for _ in 0..<Self.eventCount {
            test.host.now += 10
            let place = Int.random(in: 0..<2, using: &random)
            var windows = place == 0 ? FlowWindows.circuit() : .stream
            switch subjects[place].play(&windows, &doors, using: &random) {
            case .same: break
            case .different: differences += 1
            case .violation:
                violations += 1
                subjects = FlowEvents.fresh
            }
        }
        #expect(differences == 0)
        #expect(violations > 10)
        #expect(test["faults"] == 0)
    }

    @Test func `vegas gives the built-in's verdicts`() throws {
        let test = TestHost(budget: Self.generous)
        var random = SplitMix(state: 3)
        var differences = 0
        var windows: Set<UInt64> = []
        // Ten circuits with three hops each, whose consensuses and SENDMEs differ.
        for circuit in 0..<10 {
            var parameters = CongestionParameters()
            let arguments = circuit == 0 ? "" : Self.change(&parameters, using: &random)
            let increment = circuit == 0 ? 31 : UInt8.random(in: 1...99, using: &random)
            var doors = test.doors(budget: Self.generous)
            doors.flow.ackInterval = UInt32(increment)
            try doors.attach(
                Fixture.plugin("vegas", grant: Grant(budget: Self.generous)), arguments: Array(arguments.utf8))
            var vegas = (0..<3).map { _ in FlowVegas(parameters, path: .exit, increment: increment) }
            var paths = [CongestedPath](repeating: CongestedPath(), count: 3)
            for _ in 0..<Self.eventCount / 10 {
                test.host.now += 10
                let hop = Int.random(in: 0..<3, using: &random)
                if !paths[hop].play(hop, UInt64(increment), &vegas[hop], &doors, using: &random) { differences += 1 }
                windows.insert(vegas[hop].window)
            }
        }
        #expect(differences == 0)
        #expect(windows.count > 500)
        #expect(test["faults"] + test["bad_verdicts"] + test["over_budget"] == 0)
    }

    /// Other parameters, and what tells them to the plugin.
    private static func change(_ parameters: inout CongestionParameters, using random: inout SplitMix) -> String {
        func any(_ range: ClosedRange<UInt32>) -> UInt32 { .random(in: range, using: &random) }
        parameters.firstWindow = any(31...1_000)
        parameters.leastWindow = any(31...1_000)
        parameters.greatestWindow = any(500...20_000)
        parameters.windowIncrement = any(1...50)
        parameters.windowIncrementRate = any(1...60)
        parameters.slowStartPercent = any(20...300)
        parameters.slowStartGreatest = any(500...6_000)
        parameters.averagePercent = any(1...255)
        parameters.averageGreatest = any(2...50)
        parameters.averageInSlowStart = any(2...10)
        parameters.resetPercent = any(0...100)
        parameters.fullGap = any(0...10)
        parameters.fullLeastPercent = any(0...100)
        parameters.isFullPerWindow = any(0...1) == 1
        parameters.exit = CongestionParameters.Thresholds(
            alpha: any(0...1_000), beta: any(0...1_000), gamma: any(0...1_000), delta: any(0...2_000),
            slowStartCap: any(100...1_000))
        return """
            init=\(parameters.firstWindow) min=\(parameters.leastWindow) \
            max=\(parameters.greatestWindow) inc=\(parameters.windowIncrement) \
            rate=\(parameters.windowIncrementRate) pct_ss=\(parameters.slowStartPercent) \
            ss_max=\(parameters.slowStartGreatest) ewma_pct=\(parameters.averagePercent) \
            ewma_max=\(parameters.averageGreatest) ewma_ss=\(parameters.averageInSlowStart) \
            reset_pct=\(parameters.resetPercent) full_gap=\(parameters.fullGap) \
            full_minpct=\(parameters.fullLeastPercent) \
            full_per_cwnd=\(parameters.isFullPerWindow ? 1 : 0) alpha=\(parameters.exit.alpha) \
            beta=\(parameters.exit.beta) gamma=\(parameters.exit.gamma) delta=\(parameters.exit.delta) \
            sscap=\(parameters.exit.slowStartCap)
            """
    }

    static var generous: PluginBudget {
        var budget = PluginBudget()
        budget.circuitCPU = 1_000_000
        budget.hostCPU = 1_000_000
        return budget
    }
}

/// What has gone and come of a circuit, or of a stream, and random events about it: two deciders are asked the same.
struct FlowEvents {
    enum Outcome {
        case same, different, violation
    }

    let scope: FlowScope
    var packaged: UInt64 = 0
    var received: UInt64 = 0
    var acknowledgementsIn: UInt64 = 0
    var acknowledgementsOut: UInt64 = 0

    static var fresh: [FlowEvents] { [FlowEvents(scope: .circuit), FlowEvents(scope: .stream)] }

    mutating func play(
        _ one: inout some FlowControlPolicy & ~Copyable, _ other: inout some FlowControlPolicy & ~Copyable,
        using random: inout some RandomNumberGenerator
    ) -> Outcome {
        switch UInt32.random(in: 0..<1000, using: &random) {
        case 0..<480: return package(&one, &other)
        case 480..<492: return acknowledge(&one, &other)
        case 492..<960:
            received += 1
            return receive(event: 0, &one, &other)
        default: return receive(event: 1, &one, &other)
        }
    }

    private mutating func package(
        _ one: inout some FlowControlPolicy & ~Copyable, _ other: inout some FlowControlPolicy & ~Copyable
    ) -> Outcome {
        var context = MaySendContext()
        context.parameter = scope.rawValue
        context.packaged = packaged
        context.acknowledgements = acknowledgementsIn
        let answer = one.maySend(&context)
        guard answer == other.maySend(&context), case .verdict(let verdict) = answer else { return .different }
        if verdict.cells > 0 { packaged += 1 }
        return .same
    }

    private mutating func acknowledge(
        _ one: inout some FlowControlPolicy & ~Copyable, _ other: inout some FlowControlPolicy & ~Copyable
    ) -> Outcome {
        var context = OnAckContext()
        context.parameter = scope.rawValue
        context.packaged = packaged
        context.acknowledgements = acknowledgementsIn
        let answer = one.onAck(&context)
        guard answer == other.onAck(&context) else { return .different }
        acknowledgementsIn += 1
        return answer == .verdict(.accepted) ? .same : .violation
    }

    private mutating func receive(
        event: UInt32, _ one: inout some FlowControlPolicy & ~Copyable,
        _ other: inout some FlowControlPolicy & ~Copyable
    ) -> Outcome {
        var context = AckDueContext()
        context.parameter = scope.rawValue
        context.event = event
        context.received = received
        context.acknowledgements = acknowledgementsOut
        let answer = one.ackDue(&context)
        guard answer == other.ackDue(&context) else { return .different }
        if answer == .verdict(.yes) { acknowledgementsOut += 1 }
        return answer == .verdict(.destroyCircuit) ? .violation : .same
    }
}

/// What has gone and come of one hop under congestion control, and how long its path is; two deciders are asked the same.
struct CongestedPath {
    private var packaged: UInt64 = 0
    private var received: UInt64 = 0
    private var acknowledgementsIn: UInt64 = 0
    private var acknowledgementsOut: UInt64 = 0
    private var roundTrip: UInt64 = 50_000

    /// Whether both have answered alike.
    mutating func play(
        _ hop: Int, _ increment: UInt64, _ vegas: inout FlowVegas, _ doors: inout Doors, using random: inout SplitMix
    ) -> Bool {
        switch UInt32.random(in: 0..<100, using: &random) {
        case 0..<35:
            var context = MaySendContext()
            context.hop = UInt32(hop)
            context.packaged = packaged
            context.acknowledgements = acknowledgementsIn
            let answer = vegas.maySend(&context)
            guard answer == doors.maySend(&context), case .verdict(let verdict) = answer else { return false }
            // Sometimes all of it, sometimes less: full windows, and windows that are not.
            packaged += UInt64(UInt32.random(in: 0...verdict.cells, using: &random))
            if Bool.random(using: &random) { packaged = max(packaged, acknowledgementsIn * increment + vegas.window) }
            return true
        case 35..<70:
            // From microseconds to hours, and a clock that stands still now and then; most of the time like the last.
            switch UInt32.random(in: 0..<200, using: &random) {
            case 0: roundTrip = 0
            case 1..<5: roundTrip = .random(in: 0...1 << UInt64.random(in: 0...40, using: &random), using: &random)
            case 5..<40: roundTrip = .random(in: 20_000...400_000, using: &random)
            default: roundTrip = max(1, roundTrip * .random(in: 90...111, using: &random) / 100)
            }
            var context = OnAckContext()
            context.hop = UInt32(hop)
            context.packaged = packaged
            context.acknowledgements = acknowledgementsIn
            context.roundTrip = roundTrip
            context.isBlocked = UInt32.random(in: 0..<20, using: &random) == 0 ? 1 : 0
            context.queue = .random(in: 0...2_000, using: &random)
            let answer = vegas.onAck(&context)
            guard answer == doors.onAck(&context) else { return false }
            if answer == .verdict(.accepted) { acknowledgementsIn += 1 }
            return true
        default:
            received += UInt64.random(in: 1...40, using: &random)
            var context = AckDueContext()
            context.hop = UInt32(hop)
            context.received = received
            context.acknowledgements = acknowledgementsOut
            let answer = vegas.ackDue(&context)
            guard answer == doors.ackDue(&context) else { return false }
            if answer == .verdict(.yes) { acknowledgementsOut += 1 }
            return true
        }
    }
}
