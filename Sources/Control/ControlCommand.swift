/// One command of a controller: a keyword and what follows (control-spec §2.2).
struct ControlCommand: Equatable {
    /// In upper case.
    let keyword: String
    /// As it was written, for error messages.
    let written: String
    /// The rest of the line, without blanks around it.
    let rest: String

    /// Cuts a line, or a `+` command with its data lines, of which none of ours takes any.
    init(_ text: String) {
        var line = Substring(text)
        let isMultiline = line.hasPrefix("+")
        if isMultiline {
            line = line.dropFirst()
            line = line.prefix { $0 != "\n" && $0 != "\r\n" }
        }
        let word = line.prefix { $0 != " " && $0 != "\t" }
        written = (isMultiline ? "+" : "") + word
        keyword = word.uppercased()
        let blanks: Set<Character> = [" ", "\t", "\r"]
        var rest = line[word.endIndex...].drop { blanks.contains($0) }
        while let last = rest.last, blanks.contains(last) { rest.removeLast() }
        self.rest = String(rest)
    }

    /// The words behind the keyword.
    var arguments: [String] {
        rest.split { $0 == " " || $0 == "\t" }.map(String.init)
    }

    /// A single argument in quotes, unescaped; nil if it is not one.
    static func quoted(_ text: some StringProtocol) -> [UInt8]? {
        var bytes = Array(text.utf8)[...]
        guard bytes.popFirst() == UInt8(ascii: "\"") else { return nil }
        var value: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return bytes.isEmpty ? value : nil
            case UInt8(ascii: "\\"):
                guard let escaped = bytes.popFirst() else { return nil }
                switch escaped {
                case UInt8(ascii: "n"): value.append(10)
                case UInt8(ascii: "r"): value.append(13)
                case UInt8(ascii: "t"): value.append(9)
                default: value.append(escaped)
                }
            default: value.append(byte)
            }
        }
        return nil
    }
}
