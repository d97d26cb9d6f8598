/// What a plugin may do besides answering: groups of helpers, payloads, verdicts that reach further. Bits are stable.
package struct Capabilities: OptionSet, Hashable, Sendable {
    /// One bit for each capability.
    package let rawValue: UInt64

    /// These capabilities.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Lines in the log.
    package static let log = Capabilities(rawValue: 1 << 0)
    /// The batch's clock.
    package static let time = Capabilities(rawValue: 1 << 1)
    /// Random numbers.
    package static let random = Capabilities(rawValue: 1 << 2)
    /// Memory by the piece.
    package static let heap = Capabilities(rawValue: 1 << 3)
    /// Its own timers.
    package static let timers = Capabilities(rawValue: 1 << 4)
    /// Payloads are shown.
    package static let read = Capabilities(rawValue: 1 << 5)
    /// Payloads are taken back.
    package static let rewrite = Capabilities(rawValue: 1 << 6)
    /// Messages to its other half.
    package static let messages = Capabilities(rawValue: 1 << 7)
    /// Padding cells.
    package static let padding = Capabilities(rawValue: 1 << 8)
    /// Messages as if they had come.
    package static let deliver = Capabilities(rawValue: 1 << 9)
    /// The circuit's end.
    package static let close = Capabilities(rawValue: 1 << 10)
    /// A scheduling class.
    package static let scheduling = Capabilities(rawValue: 1 << 11)
    /// Variables of flow control.
    package static let flow = Capabilities(rawValue: 1 << 12)
    /// Weighing relays.
    package static let path = Capabilities(rawValue: 1 << 13)

    /// Names by bit, as messages to people and `PluginRefuse` spell them.
    package static let names = [
        "log", "time", "random", "heap", "timers", "read", "rewrite", "messages", "padding", "deliver", "close",
        "class",
        "flow", "path",
    ]
    /// Everything that exists.
    package static let all = Capabilities(rawValue: 1 << UInt64(names.count) - 1)
    /// What shows or changes what a circuit carries: never for the host's scope.
    package static let ofCircuits: Capabilities = [
        .read, .rewrite, .messages, .padding, .deliver, .close, .scheduling, .flow,
    ]
    /// What the other end would notice missing.
    package static let changingProtocol: Capabilities = [.rewrite, .messages, .deliver]

    /// The names of those that are in it.
    package var list: [String] {
        Self.names.enumerated().filter { rawValue & 1 << UInt64($0.offset) != 0 }.map(\.element)
    }
}
