import ArgumentParser
import EBPF
import PluginHost

/// `fanion plugin run`: recorded events, and each verdict.
struct PluginRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Feed recorded events to a plugin and print each answer.",
        discussion: """
            Accesses outside the plugin's memory, which a relay would mask, are faults here. A line of the events is a door with \
            fields of its context, such as departure/backward queue=3, or one of: attach role=relay arguments=TEXT, at \
            MICROSECONDS, at +MICROSECONDS, due, request, counter NAME, detach, close. payload=HEX fills the payload window.
            """)

    @OptionGroup var file: PluginArgument

    @Argument(help: "The events; - is standard input.")
    var events: String

    @Flag(exclusivity: .exclusive)
    var engine: EBPFEngine?

    func run() throws {
        try PluginTrial.play(file.verify(engine: Module.Engine(engine), isStrict: true), events) { outcome, log in
            for line in log { print("      log: \(line)") }
            print("\(outcome.event.line): \(outcome.event.text) -> \(outcome.answer)")
            if outcome.answer.hasPrefix("failed: ") {
                throw PluginCommandFailure(description: "line \(outcome.event.line): the plugin \(outcome.answer)")
            }
        }
    }
}

/// `fanion plugin test`: the same, compared with what is expected.
struct PluginTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Feed recorded events to a plugin and compare each answer with what stands behind ->.",
        discussion: "By default with the compiler and with the interpreter, both strict.")

    @OptionGroup var file: PluginArgument

    @Argument(help: "The events; by default those beside the plugin, with its name and .events.")
    var events: String?

    func run() throws {
        var path = events ?? file.plugin
        if events == nil, let dot = path.lastIndex(of: ".") { path = path[..<dot] + ".events" }
        let loaded = try file.load()
        var failures = 0
        var expectations = 0
        for engine in [Module.Engine.automatic, .interpreter] {
            let plugin: Plugin
            do {
                plugin = try Plugin(loaded, engine: engine, isStrict: true)
            } catch {
                throw PluginCommandFailure(description: "\(file.plugin): \(error)")
            }
            try PluginTrial.play(plugin, path) { outcome, _ in
                if outcome.event.expected != nil { expectations += 1 }
                guard !outcome.isExpected || (outcome.event.expected == nil && outcome.answer.hasPrefix("failed: "))
                else {
                    return
                }
                failures += 1
                let expected = outcome.event.expected.map { ", not \($0)" } ?? ""
                print("\(path):\(outcome.event.line): \(outcome.event.text) -> \(outcome.answer)\(expected)")
            }
        }
        guard expectations > 0 else {
            throw PluginCommandFailure(description: "\(path): expects nothing: write -> ANSWER behind an event")
        }
        guard failures == 0 else {
            throw PluginCommandFailure(description: "\(failures) of \(expectations) answers are not as expected")
        }
        print("\(loaded.metadata.name) \(loaded.metadata.version): \(expectations) answers as expected")
    }
}

/// `fanion plugin bench`: how long each door takes.
struct PluginBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time each door of recorded events, as a relay would ask there.")

    @OptionGroup var file: PluginArgument

    @Argument(help: "The events.")
    var events: String

    @Flag(exclusivity: .exclusive)
    var engine: EBPFEngine?

    func run() throws {
        var budget = PluginBudget()
        budget.circuitCPU = 1 << 40
        budget.hostCPU = 1 << 40
        let plugin = try file.verify(engine: Module.Engine(engine), grant: Grant(budget: budget))
        var runner = ScriptRunner(plugin)
        for event in try PluginTrial.parse(events).events {
            guard event.isDoor else {
                _ = try runner.play(event)
                continue
            }
            let fuelBefore = runner.counters?["fuel"] ?? 0
            let answer = try runner.repeatAsk(event, times: 1)
            let fuel = (runner.counters?["fuel"] ?? 0) - fuelBefore
            var answers = answer
            let sample = try Stopwatch.sample(milliseconds: 50) { answers = try runner.repeatAsk(event, times: $0) }
            let time = sample.median
            print(
                "\(event.line): \(event.text): \(Int(time * 10) / 10).\(Int(time * 10) % 10) ns, fuel \(fuel), \(answers)"
            )
        }
    }
}

/// Playing a file of events.
enum PluginTrial {
    static func parse(_ path: String) throws -> PluginScript {
        do {
            return try PluginScript(text: PluginTools.text(path))
        } catch let error as PluginScript.Failure {
            throw PluginCommandFailure(description: "\(path): \(error)")
        }
    }

    static func play(
        _ plugin: Plugin, _ path: String, _ body: (ScriptRunner.Outcome, _ log: [String]) throws -> Void
    ) throws {
        var runner = ScriptRunner(plugin)
        for event in try parse(path).events {
            let outcome: ScriptRunner.Outcome
            do {
                outcome = try runner.play(event)
            } catch {
                throw PluginCommandFailure(description: "\(path): \(error)")
            }
            try body(outcome, runner.takeLog())
        }
    }
}

extension PluginScript.Event {
    /// As it was written, but for the answer.
    fileprivate var text: String {
        ([name] + fields.map { $0.value.isEmpty ? $0.name : "\($0.name)=\($0.value)" }).joined(separator: " ")
    }
}
