import Cells
import EBPF
import Foundation
import Hooks
import Testing

@testable import Circuits
@testable import PluginHost

struct ShippedPluginTests {
    @Test(arguments: ["monitor", "sendme", "ewma", "constant-rate"], [Module.Engine.automatic, .interpreter])
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
        var circuit = BuiltInWindows()
        var differences = 0
        var violations = 0
        for _ in 0..<Self.eventCount {
            test.host.now += 10
            let event = circuit.event(using: &random)
            let (builtIn, plugin) = circuit.both(event, &doors)
            if builtIn != plugin { differences += 1 }
            if builtIn == "destroy" {
                violations += 1
                circuit = BuiltInWindows()
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

/// Tor's windows of one circuit and one stream as the built-in machines keep them, and the counts that the doors tell.
private struct BuiltInWindows {
    enum Event: CaseIterable {
        case package, circuitSendme, streamSendme, data, taken
    }

    var flow = CircuitWindow()
    var stream = {
        var machine = StreamMachine(id: .init(rawValue: 1), hop: 0, state: .owesConnected)
        _ = machine.sendConnected()
        return machine
    }()
    var packaged: UInt64 = 0
    var received: UInt64 = 0
    var circuitAcksIn: UInt64 = 0
    var streamAcksIn: UInt64 = 0
    var circuitAcksOut: UInt64 = 0
    var streamAcksOut: UInt64 = 0

    mutating func event(using random: inout SplitMix) -> Event {
        switch UInt32.random(in: 0..<1000, using: &random) {
        case 0..<480: .package
        case 480..<485: .circuitSendme
        case 485..<494: .streamSendme
        case 494..<960: .data
        default: .taken
        }
    }

    private func maySend(_ scope: FlowScope, _ doors: inout Doors) -> String {
        var context = MaySendContext()
        context.parameter = scope.rawValue
        context.packaged = packaged
        context.acknowledgements = scope == .circuit ? circuitAcksIn : streamAcksIn
        guard case .verdict(let verdict) = doors.maySend(&context) else { return "none" }
        return "\(verdict.cells)"
    }

    private func ackDue(_ scope: FlowScope, _ event: UInt32, _ doors: inout Doors) -> AckVerdict? {
        var context = AckDueContext()
        context.parameter = scope.rawValue
        context.event = event
        context.received = received
        context.acknowledgements = scope == .circuit ? circuitAcksOut : streamAcksOut
        guard case .verdict(let verdict) = doors.ackDue(&context) else { return nil }
        return verdict
    }

    private func onAck(_ scope: FlowScope, _ doors: inout Doors) -> String {
        var context = OnAckContext()
        context.parameter = scope.rawValue
        context.packaged = packaged
        context.acknowledgements = scope == .circuit ? circuitAcksIn : streamAcksIn
        return doors.onAck(&context) == .verdict(.accepted) ? "accepted" : "destroy"
    }

    /// What the machines say, and what the doors say.
    mutating func both(_ event: Event, _ doors: inout Doors) -> (builtIn: String, plugin: String) {
        switch event {
        case .package:
            let before = (
                "\(flow.packageWindow) \(stream.sendableCells)",
                maySend(.circuit, &doors) + " " + maySend(.stream, &doors)
            )
            guard flow.packageWindow > 0, stream.sendableCells > 0 else { return before }
            flow.notePackaged()
            stream.sendData()
            packaged += 1
            return before
        case .circuitSendme:
            let plugin = onAck(.circuit, &doors)
            circuitAcksIn += 1
            return (flow.noteAcknowledged() ? "accepted" : "destroy", plugin)
        case .streamSendme:
            let plugin = onAck(.stream, &doors)
            streamAcksIn += 1
            return (stream.receiveSendme() == .accept ? "accepted" : "destroy", plugin)
        case .data:
            received += 1
            let verdict = ackDue(.circuit, 0, &doors)
            let forStream = ackDue(.stream, 0, &doors)
            let action = flow.noteReceived()
            let accepts = stream.receiveData() == .accept
            if action == .sendSendme { circuitAcksOut += 1 }
            let circuitText =
                switch action {
                case .none: "no"
                case .sendSendme: "yes"
                case .destroyCircuit: "destroy"
                }
            if circuitText == "destroy" || !accepts {
                return ("destroy", verdict == .destroyCircuit || forStream == .destroyCircuit ? "destroy" : "other")
            }
            return (circuitText + " no", "\(verdict?.description ?? "") \(forStream?.description ?? "")")
        case .taken:
            var count = 0
            while ackDue(.stream, 1, &doors) == .yes {
                streamAcksOut += 1
                count += 1
            }
            return ("\(stream.acknowledge())", "\(count)")
        }
    }
}
