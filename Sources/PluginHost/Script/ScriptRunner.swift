internal import Hooks

/// Plays a script to a plugin.
package struct ScriptRunner: ~Copyable {
    /// What a line led to.
    package struct Outcome: Equatable, Sendable {
        /// The line.
        package let event: PluginScript.Event
        /// What came out.
        package let answer: String
        /// Whether that is what was expected, if anything was.
        package var isExpected: Bool { event.expected == nil || event.expected == answer }
    }

    private let plugin: Plugin
    private let host: PluginHost
    private var doors: Doors
    private let notes: Notes

    /// What the host said meanwhile.
    private final class Notes {
        var lines: [String] = []
        var failure: String?
    }

    /// With the clock at 0 and a generator of this seed.
    package init(_ plugin: Plugin, seed: UInt64 = 1) {
        self.plugin = plugin
        let notes = Notes()
        var state = seed
        host = PluginHost(
            budget: plugin.grant.budget,
            random: {
                // SplitMix64: the same numbers each time. Wraps by design.
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = state
                word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
                return word ^ word >> 31
            },
            log: { notes.lines.append("\($0): \($1)") }, report: { notes.failure = "\($1)" })
        self.notes = notes
        doors = Doors(scope: plugin.metadata.scope, role: .relay, host: host, budget: plugin.grant.budget)
    }

    /// Lines that the plugin has logged since the last call.
    package func takeLog() -> [String] {
        defer { notes.lines = [] }
        return notes.lines
    }

    /// What its counters say.
    package var counters: PluginCounters? { host.counters.first }

    /// Plays one line.
    package mutating func play(_ event: PluginScript.Event) throws(PluginScript.Failure) -> Outcome {
        notes.failure = nil
        var answer = try perform(event)
        if let failure = notes.failure { answer = "failed: " + failure }
        return Outcome(event: event, answer: answer)
    }

    private mutating func perform(_ event: PluginScript.Event) throws(PluginScript.Failure) -> String {
        switch event.name {
        case "attach": return try attach(event)
        case "at": return try move(event)
        case "due": return doors.takeDuePadding().map(Self.text) ?? "nothing"
        case "request": return doors.takeRequest().map(Self.text) ?? "nothing"
        case "detach": return doors.detach(plugin.file.identity) ? "detached" : "not attached"
        case "close":
            doors.close()
            return "closed"
        case "counter":
            guard let name = event.fields.first?.name, let counters,
                counters.values.contains(where: { $0.name == name })
            else { throw PluginScript.Failure(line: event.line, reason: "say counter and the name of one") }
            return "\(counters[name])"
        default: return try ask(event)
        }
    }

    private mutating func attach(_ event: PluginScript.Event) throws(PluginScript.Failure) -> String {
        var role = PluginRoles.relay
        var arguments: [UInt8] = []
        for field in event.fields {
            switch (field.name, field.value) {
            case ("role", "relay"): role = .relay
            case ("role", "client"): role = .client
            case ("arguments", let text): arguments = Array(text.utf8)
            default:
                throw PluginScript.Failure(
                    line: event.line, reason: "attach takes role=relay or role=client, and arguments=TEXT")
            }
        }
        doors.close()
        doors = Doors(scope: plugin.metadata.scope, role: role, host: host, budget: plugin.grant.budget)
        do throws(PluginFailure) {
            let answer = try doors.attach(plugin, arguments: arguments)
            return answer.isEmpty ? "ready" : "ready \(Self.hex(answer))"
        } catch {
            return "failed: \(error)"
        }
    }

    private mutating func move(_ event: PluginScript.Event) throws(PluginScript.Failure) -> String {
        let text = event.fields.first?.name ?? ""
        let isRelative = text.hasPrefix("+")
        guard let value = PluginScript.number(isRelative ? String(text.dropFirst()) : text) else {
            throw PluginScript.Failure(line: event.line, reason: "say at and microseconds, or at +microseconds")
        }
        let (later, isTooLate) = host.now.addingReportingOverflow(value)
        let target = isRelative ? later : value
        guard target >= host.now, !(isRelative && isTooLate) else {
            throw PluginScript.Failure(line: event.line, reason: "the clock is at \(host.now) and goes on only")
        }
        host.now = target
        return doors.runTimers() == .destroyCircuit ? "destroy" : "\(target)"
    }

    // MARK: Doors

    private mutating func ask(
        _ event: PluginScript.Event, times: Int = 1
    ) throws(PluginScript.Failure) -> String {
        guard let point = HookPoint(section: event.name), let layout = ContextLayout.of(point.hook) else {
            throw PluginScript.Failure(line: event.line, reason: "\(event.name) is no door")
        }
        var bytes = layout.emptyBytes()
        var payload: [UInt8] = []
        if let parameter = point.parameter { layout.set("parameter", to: UInt64(parameter), in: &bytes) }
        for field in event.fields {
            if field.name == "payload" {
                guard let hex = PluginScript.bytes(field.value), hex.count <= PluginLimits.payloadBytes else {
                    throw PluginScript.Failure(line: event.line, reason: "payload takes up to 1024 bytes in hex")
                }
                payload = hex
            } else {
                layout.set(field.name, to: PluginScript.number(field.value) ?? 0, in: &bytes)
            }
        }
        return ask(point.hook, bytes, payload, times: times)
    }

    /// Asks over and over, to be timed; the last answer counts.
    package mutating func repeatAsk(_ event: PluginScript.Event, times: Int) throws(PluginScript.Failure) -> String {
        try ask(event, times: times)
    }

    @inline(__always)
    private static func repeated<Result>(_ times: Int, _ ask: () -> Result) -> Result {
        for _ in 1..<max(times, 1) { _ = ask() }
        return ask()
    }

    private static func context<Context: HookContext>(_ bytes: [UInt8]) -> Context {
        // Safe: the layout is that of `Context`, and any bits are one.
        bytes.withUnsafeBytes { $0.loadUnaligned(as: Context.self) }
    }

    private static func text<Verdict: HookVerdict>(_ answer: Answer<Verdict>) -> String {
        switch answer {
        case .verdict(let verdict): verdict.description
        case .builtIn: "built-in"
        case .destroyCircuit: "destroy"
        }
    }

    private mutating func ask(_ hook: Hook, _ bytes: [UInt8], _ payload: [UInt8], times: Int) -> String {
        let data = payload.span.bytes
        switch hook {
        case .circuitOpened:
            var context: CircuitOpenedContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.circuitOpened(&context) })
        case .circuitClosed:
            var context: CircuitClosedContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.circuitClosed(&context) })
        case .cellReceived:
            var context: CellReceivedContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.cellReceived(&context, body: data) })
        case .cellSent:
            var context: CellSentContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.cellSent(&context, body: data) })
        case .relayMessage:
            var context: RelayMessageContext = Self.context(bytes)
            var rewritten: [UInt8]?
            let answer = Self.text(
                Self.repeated(times) { doors.relayMessage(&context, data: data, rewritten: &rewritten) })
            return rewritten.map { "\(answer) rewritten \(Self.hex($0))" } ?? answer
        case .messagePackaging:
            var context: MessagePackagingContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.messagePackaging(&context, data: data) })
        case .maySend:
            var context: MaySendContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.maySend(&context) })
        case .ackDue:
            var context: AckDueContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.ackDue(&context) })
        case .onAck:
            var context: OnAckContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.onAck(&context) })
        case .departure:
            var context: DepartureContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.departure(&context) })
        case .padding:
            var context: PaddingContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.padding(&context) })
        case .rank:
            var context: RankContext = Self.context(bytes)
            let answer = Self.repeated(times) { doors.rank(&context) }
            if case .verdict = answer { return "key \(context.key) \(Self.text(answer))" }
            return Self.text(answer)
        case .stream:
            var context: StreamContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.stream(&context, data: data) })
        case .choosePath:
            var context: ChoosePathContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.choosePath(&context) })
        case .consensusChanged:
            var context: ConsensusChangedContext = Self.context(bytes)
            return Self.text(Self.repeated(times) { doors.consensusChanged(&context) })
        case .initialise, .exit, .timer, .chooseLeg, .packet:
            return "the host asks there itself"
        }
    }

    // MARK: Words

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func text(_ due: DuePadding) -> String {
        "\(due.direction == .forward ? "forward" : "backward") \(due.timer)" + (due.isBypassing ? " bypassing" : "")
            + (due.isReplacing ? " replacing" : "")
    }

    private static func text(_ request: PluginRequest) -> String {
        switch request {
        case .message(_, let hop, let command, let bytes): "message \(hop) \(command) \(hex(bytes))"
        case .padding(let hop, let cells): "padding \(hop) \(cells)"
        case .deliver(let hop, let command, let stream, let bytes): "deliver \(hop) \(command) \(stream) \(hex(bytes))"
        case .closeCircuit: "close"
        }
    }
}
