import Configuration
import Glibc
import Logging
import Synchronization

/// Where log lines go: what the `Log` lines of a torrc say, with files that can be opened anew.
final class LogOutputs: Sendable {
    private struct Output {
        let destination: LogDestination
        let descriptor: FileDescriptor
    }

    private struct State {
        var outputs: [Output] = []
        /// The quietest severity that somebody wants.
        var quietest: LogSeverity?
    }

    private let state = Mutex(State())

    /// Nowhere, at first.
    init() {}

    /// Opens what the settings ask for, and leaves what was open before.
    func open(_ settings: NodeSettings, _ quietness: CommandLineArguments.Quietness) throws {
        var destinations = settings.logs
        if destinations.isEmpty {
            switch quietness {
            case .normal: destinations = [LogDestination(severities: .error ... .notice, place: .standardOutput)]
            case .hush: destinations = [LogDestination(severities: .error ... .warning, place: .standardOutput)]
            case .quiet: break
            }
        }
        var opened: [Output] = []
        do {
            for destination in destinations {
                opened.append(
                    Output(
                        destination: destination,
                        descriptor: try Self.open(destination.place, truncating: settings.truncatesLogFile)))
            }
        } catch {
            Self.close(opened)
            throw error
        }
        replace(with: opened)
    }

    /// Opens files again: whoever rotates them has moved the old ones away.
    func reopen() {
        let reopened = state.withLock { $0.outputs }.map { output in
            guard let descriptor = try? Self.open(output.destination.place, truncating: false) else { return output }
            return Output(destination: output.destination, descriptor: descriptor)
        }
        replace(with: reopened)
    }

    /// The quietest level that is not thrown away.
    var level: Logger.Level {
        switch state.withLock({ $0.quietest }) {
        case nil: .critical
        case .error?: .error
        case .warning?: .warning
        case .notice?: .notice
        case .info?: .info
        case .debug?: .trace
        }
    }

    /// Writes a line to everybody who wants its severity.
    func write(_ text: String, _ severity: LogSeverity) {
        let line = Self.line(text, severity, at: Self.now())
        state.withLock { state in
            for output in state.outputs where output.destination.severities.contains(severity) {
                output.descriptor.write(line)
            }
        }
    }

    /// C Tor's name for a level.
    static func severity(of level: Logger.Level) -> LogSeverity {
        switch level {
        case .trace, .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error, .critical: .error
        }
    }

    /// A line as it is written, with local time.
    static func line(_ text: String, _ severity: LogSeverity, at time: timespec) -> String {
        var seconds = time.tv_sec
        var parts = tm()
        localtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let milliseconds = String(1_000 + time.tv_nsec / 1_000_000).dropFirst()
        let month = months[Int(clamping: parts.tm_mon) % 12]
        let name =
            switch severity {
            case .error: "err"
            case .warning: "warn"
            case .notice: "notice"
            case .info: "info"
            case .debug: "debug"
            }
        return "\(month) \(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))."
            + "\(milliseconds) [\(name)] \(text)\n"
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func now() -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }

    private func replace(with outputs: [Output]) {
        let old = state.withLock { state in
            defer {
                state.outputs = outputs
                state.quietest = outputs.map(\.destination.severities.upperBound).max()
            }
            return state.outputs
        }
        let kept = Set(outputs.map(\.descriptor.number))
        Self.close(old.filter { !kept.contains($0.descriptor.number) })
    }

    private static func close(_ outputs: [Output]) {
        for output in outputs where output.descriptor.number > STDERR_FILENO { Glibc.close(output.descriptor.number) }
    }

    private static func open(_ place: LogDestination.Place, truncating: Bool) throws -> FileDescriptor {
        switch place {
        case .standardOutput: return .standardOutput
        case .standardError: return .standardError
        case .file(let path):
            let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (truncating ? O_TRUNC : 0)
            let number = Glibc.open(path, flags, 0o640)
            guard number >= 0 else {
                throw CommandFailure("the log file \(path) cannot be opened: \(String(cString: strerror(errno)))")
            }
            return FileDescriptor(number: number)
        }
    }
}
