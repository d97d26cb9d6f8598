import Cells
import EBPF
import Foundation
import Hooks
import Testing

@testable import Circuits
@testable import PluginHost

struct ShippedPluginTests {
    @Test(
        arguments: ["monitor", "sendme", "ewma", "constant-rate", "visitor"], [Module.Engine.automatic, .interpreter])
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
