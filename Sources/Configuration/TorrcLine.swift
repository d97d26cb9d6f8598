/// One option with its value, as a torrc line or a pair of command-line words says it.
package struct TorrcLine: Hashable, Sendable {
    /// What a line does to a list option that already has a value from an earlier source.
    package enum Command: Hashable, Sendable {
        /// `Option value`: replaces what an earlier source said.
        case set
        /// `+Option value`: adds to what an earlier source said.
        case append
        /// `/Option`: forgets every value so far.
        case clear
    }

    /// The option's name as it was written.
    package let key: String
    /// The value, unquoted and with continuation lines joined; may be empty.
    package let value: String
    /// The prefix of the name.
    package let command: Command
    /// Where the line begins.
    package let location: SourceLocation

    /// A line.
    package init(key: String, value: String, command: Command = .set, location: SourceLocation) {
        self.key = key
        self.value = value
        self.command = command
        self.location = location
    }
}

/// One configuration file, read by someone who may do I/O.
package struct TorrcFile: Hashable, Sendable {
    /// The path, for messages.
    package let path: String
    /// What the file holds.
    package let bytes: [UInt8]

    /// A file that was read.
    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// A file made of text, for tests.
    package init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }
}

/// Why the files that an `%include` names cannot be read.
package struct IncludeFailure: Error, Hashable {
    /// What the operator is told.
    package let reason: String

    /// A failure, in words.
    package init(_ reason: String) {
        self.reason = reason
    }
}

/// Reads what an `%include` names: one file, all files of a folder that do not begin with a dot (sorted, not deeper),
/// or the matches of a pattern with wildcards (sorted; none is fine). A path without wildcards must exist.
package typealias IncludeReader = (_ pattern: String) throws(IncludeFailure) -> [TorrcFile]
