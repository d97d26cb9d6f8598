/// What goes back to a controller: lines with a three-digit code each (control-spec §2.3).
package struct ControlReply: Hashable, Sendable {
    /// One line, and perhaps data behind it.
    package struct Line: Hashable, Sendable {
        /// What kind of answer it is.
        package var code: Int
        /// The line's text; if it has several lines, all but the first become data.
        package var text: String

        /// A line.
        package init(_ code: Int, _ text: String) {
            self.code = code
            self.text = text
        }
    }

    /// In order; the last one ends the reply.
    package var lines: [Line]

    /// A reply of one line.
    package init(_ code: Int, _ text: String) {
        lines = [Line(code, text)]
    }

    /// A reply of several lines; `250 OK` if there are none.
    package init(lines: [Line]) {
        self.lines = lines.isEmpty ? [Line(250, "OK")] : lines
    }

    /// `250 OK`.
    package static let done = ControlReply(250, "OK")

    /// As it goes over the wire.
    package var text: String {
        var text = ""
        for (index, line) in lines.enumerated() {
            let parts = line.text.split(separator: "\n", omittingEmptySubsequences: false)
            let first = parts.first ?? ""
            guard parts.count > 1 else {
                text += "\(line.code)\(index + 1 < lines.count ? "-" : " ")\(first)\r\n"
                continue
            }
            text += "\(line.code)+\(first)\r\n"
            var data = parts.dropFirst()
            if data.last?.isEmpty == true { data.removeLast() }
            for part in data { text += (part.hasPrefix(".") ? "." : "") + part + "\r\n" }
            text += ".\r\n"
        }
        return text
    }

    /// `KEY=VALUE`, as GETINFO answers: a value of several lines begins on a line of its own.
    static func value(_ key: String, _ value: String) -> Line {
        Line(250, value.contains("\n") ? "\(key)=\n\(value)" : "\(key)=\(value)")
    }
}
