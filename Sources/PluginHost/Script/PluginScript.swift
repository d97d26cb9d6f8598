internal import Hooks

/// Recorded events for a plugin, and what it should answer: how plugins are tried out and tested without a network.
///
///     attach role=relay arguments=10000
///     departure/backward queue=1 -> hold 10000
///     at 10000
///     due -> backward 0 bypassing replacing
///     counter real -> 1
///
/// A line is an event: a door with the fields of its context that are not zero, or one of the words below. What stands behind `->`
/// is expected. `at T` and `at +T` move the clock (microseconds) and run the instance's timers; `due` takes padding that is due, `request`
/// what a program asked for; `counter NAME` reads a counter; `detach` and `close` end the instance; `payload=HEX` fills the window.
package struct PluginScript: Sendable {
    /// One line.
    package struct Event: Equatable, Sendable {
        /// From 1.
        package let line: Int
        /// A door's spelling, or a word.
        package let name: String
        /// `name=value` in order, and words without a value.
        package let fields: [(name: String, value: String)]
        /// What should come out; nil: anything.
        package let expected: String?

        /// Whether it asks at a door.
        package var isDoor: Bool { !PluginScript.words.contains(name) }

        package static func == (left: Event, right: Event) -> Bool {
            left.line == right.line && left.name == right.name && left.expected == right.expected
                && left.fields.elementsEqual(right.fields) { $0 == $1 }
        }
    }

    /// A line that means nothing.
    package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// Which line, from 1.
        package let line: Int
        /// What is wrong, and what to change.
        package let reason: String

        package var description: String { "line \(line): \(reason)" }
    }

    /// In order.
    package let events: [Event]

    private static let words: Set<String> = ["attach", "at", "due", "request", "counter", "detach", "close"]

    /// Parses a script.
    package init(text: String) throws(Failure) {
        var events: [Event] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }
            var halves = Self.halves(content)
            let expected = halves.count > 1 ? Self.trimmed(halves[1]) : nil
            halves = [halves[0]]
            let parts = halves[0].split { $0 == " " || $0 == "\t" || $0 == "\r" }
            guard let name = parts.first else {
                guard expected == nil else { throw Failure(line: index + 1, reason: "an answer without an event") }
                continue
            }
            let fields = parts.dropFirst().map { part in
                let place = part.firstIndex(of: "=") ?? part.endIndex
                return (name: String(part[..<place]), value: String(part[place...].dropFirst()))
            }
            let event = Event(line: index + 1, name: String(name), fields: fields, expected: expected)
            try Self.check(event)
            events.append(event)
        }
        self.events = events
    }

    private static func halves(_ line: Substring) -> [Substring] {
        var search = line.startIndex
        while let dash = line[search...].firstIndex(of: "-") {
            let next = line.index(after: dash)
            if next < line.endIndex, line[next] == ">" { return [line[..<dash], line[line.index(after: next)...]] }
            search = next
        }
        return [line]
    }

    private static func trimmed(_ text: Substring) -> String {
        text.split { $0 == " " || $0 == "\t" || $0 == "\r" }.joined(separator: " ")
    }

    private static func check(_ event: Event) throws(Failure) {
        if words.contains(event.name) { return }
        guard let point = HookPoint(section: event.name), let layout = ContextLayout.of(point.hook) else {
            throw Failure(line: event.line, reason: "\(event.name) is no door; doors are spelled as in fanion.h")
        }
        let names = HookPoint.parameterNames(point.hook)
        let isCommand = point.hook == .relayMessage || point.hook == .messagePackaging
        guard point.parameter != nil || (names.isEmpty && !isCommand) else {
            let choice = isCommand ? "tor/2, or your local command" : names.joined(separator: "|")
            throw Failure(line: event.line, reason: "say which: \(point.hook.name)/\(choice)")
        }
        for field in event.fields where field.name != "payload" {
            guard layout.field(field.name) != nil else {
                let names = layout.fields.dropFirst(3).map(\.name).joined(separator: " ")
                throw Failure(
                    line: event.line, reason: "\(point.hook.name) has no field \(field.name); it has \(names)")
            }
            guard number(field.value) != nil else {
                throw Failure(line: event.line, reason: "\(field.name) takes a number, not \"\(field.value)\"")
            }
        }
    }

    /// Decimal, or hex after 0x.
    static func number(_ text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
    }

    /// Bytes of hex digits.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else {
                return nil
            }
            result.append(byte)
        }
        return result
    }
}
