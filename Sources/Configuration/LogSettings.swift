/// How much a log message matters; smaller is louder.
package enum LogSeverity: Int, Comparable, Sendable, CaseIterable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
    case debug = 7

    package static func < (one: LogSeverity, other: LogSeverity) -> Bool { one.rawValue < other.rawValue }

    init?(_ text: some StringProtocol) {
        switch text.lowercased() {
        case "err": self = .error
        case "warn": self = .warning
        case "notice": self = .notice
        case "info": self = .info
        case "debug": self = .debug
        default: return nil
        }
    }
}

/// One `Log` line: which messages go where.
package struct LogDestination: Hashable, Sendable {
    /// Where messages go.
    package enum Place: Hashable, Sendable {
        /// Standard output.
        case standardOutput
        /// Standard error.
        case standardError
        /// A file, by its path.
        case file(String)
    }

    /// The severities that are wanted, loudest first.
    package let severities: ClosedRange<LogSeverity>
    /// Where they go.
    package let place: Place

    /// A destination.
    package init(severities: ClosedRange<LogSeverity>, place: Place) {
        self.severities = severities
        self.place = place
    }

    /// `minSeverity[-maxSeverity] [stdout|stderr|file PATH]`.
    static func read(
        _ line: TorrcLine, expandingPath: (String) -> String, warnings: inout [ConfigurationWarning]
    ) throws(ConfigurationError) -> LogDestination {
        func error(_ reason: String) -> ConfigurationError {
            ConfigurationError(location: line.location, option: "Log", reason: reason)
        }
        var rest = Substring(line.value)
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { throw error("\"[\" without \"]\"") }
            if trimmed(rest[rest.index(after: rest.startIndex)..<end]) != "*" {
                warnings.append(
                    ConfigurationWarning(
                        location: line.location, option: "Log",
                        reason: "log domains are ignored; all messages are meant"))
            }
            rest = rest[rest.index(after: end)...]
        }
        var words = rest.split(maxSplits: 2, whereSeparator: \.isWhitespace)[...]
        guard let range = words.popFirst() else { throw error("no severity") }
        let ends = range.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let low = LogSeverity(ends[0]), let high = ends.count == 2 ? LogSeverity(ends[1]) : .error else {
            throw error("\"\(range)\" is no severity; there are err, warn, notice, info and debug")
        }
        // C Tor writes ranges from the quietest to the loudest; the other way round nothing would be logged.
        guard high <= low else { throw error("\"\(range)\" is an empty range") }
        guard let kind = words.popFirst() else { return LogDestination(severities: high...low, place: .standardOutput) }
        switch kind.lowercased() {
        case "stdout" where words.isEmpty: return LogDestination(severities: high...low, place: .standardOutput)
        case "stderr" where words.isEmpty: return LogDestination(severities: high...low, place: .standardError)
        case "file":
            guard let path = words.popFirst() else { throw error("\"file\" without a path") }
            return LogDestination(severities: high...low, place: .file(expandingPath(trimmed(path))))
        case "syslog", "android":
            throw error("logging to \(kind) is not supported yet; use stdout under systemd, or a file")
        default: throw error("\"\(kind)\" is none of stdout, stderr and file")
        }
    }
}
