/// Where a line of configuration stands: a file and a line, or the command line.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The path as it was given, or `nil` for the command line.
    package let path: String?
    /// Counted from 1; 0 on the command line.
    package let line: Int

    /// A place in a file.
    package init(path: String, line: Int) {
        self.path = path
        self.line = line
    }

    private init() {
        self.path = nil
        self.line = 0
    }

    /// The command line, which has no lines.
    package static let commandLine = SourceLocation()

    package var description: String {
        guard let path else { return "command line" }
        return "\(path):\(line)"
    }
}

/// Why a configuration cannot be used: names the file and line, the option and the reason.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
    /// Where, when one line is to blame.
    package let location: SourceLocation?
    /// Which option, when one option is to blame.
    package let option: String?
    /// What is wrong with it.
    package let reason: String

    /// What is wrong, and where.
    package init(location: SourceLocation?, option: String?, reason: String) {
        self.location = location
        self.option = option
        self.reason = reason
    }

    package var description: String {
        describe(location: location, option: option, reason: reason)
    }
}

/// Something that the operator should know and that does not keep the program from running.
package struct ConfigurationWarning: Hashable, Sendable, CustomStringConvertible {
    /// Where, when one line is meant.
    package let location: SourceLocation?
    /// Which option, when one option is meant.
    package let option: String?
    /// What the operator should know.
    package let reason: String

    /// What is wrong, and where.
    package init(location: SourceLocation?, option: String?, reason: String) {
        self.location = location
        self.option = option
        self.reason = reason
    }

    package var description: String {
        describe(location: location, option: option, reason: reason)
    }
}

/// `torrc:12: BandwidthRate: reason`, leaving out what is not known.
private func describe(location: SourceLocation?, option: String?, reason: String) -> String {
    var text = ""
    if let location { text += "\(location): " }
    if let option { text += "\(option): " }
    return text + reason
}
