/// Torrc text to lines, in the format that C Tor reads.
///
/// A line is a key, blanks and a value up to the end of the line. `#` begins a comment; a backslash before a newline
/// continues the value on the next line (where whole comment lines may stand in between); a value that begins with a
/// quotation mark is a C string literal. `+Key` appends, `/Key` clears, `%include` pulls in other files.
/// This type knows nothing of option names.
package struct TorrcReader {
    private let bytes: [UInt8]
    private let path: String
    private var index = 0
    private var line = 1

    /// Every line of `file` and of all that it includes, in order.
    package static func lines(
        of file: TorrcFile, include: IncludeReader?
    ) throws(ConfigurationError) -> [TorrcLine] {
        try lines(of: file, include: include, depth: 1)
    }

    private init(_ file: TorrcFile) {
        bytes = file.bytes
        path = file.path
    }

    private static func lines(
        of file: TorrcFile, include: IncludeReader?, depth: Int
    ) throws(ConfigurationError) -> [TorrcLine] {
        var reader = TorrcReader(file)
        var lines: [TorrcLine] = []
        while let line = try reader.next() {
            guard line.key == "%include", let include else {
                lines.append(line)
                continue
            }
            guard depth < ConfigurationLimits.includeDepth else {
                throw ConfigurationError(
                    location: line.location, option: "%include",
                    reason: "more than \(ConfigurationLimits.includeDepth) nested %includes")
            }
            let files: [TorrcFile]
            do {
                files = try include(line.value)
            } catch {
                throw ConfigurationError(
                    location: line.location, option: "%include",
                    reason: "cannot read \"\(line.value)\": \(error.reason)")
            }
            for file in files {
                lines += try Self.lines(of: file, include: include, depth: depth + 1)
            }
        }
        return lines
    }
}

// MARK: - One line

extension TorrcReader {
    private mutating func next() throws(ConfigurationError) -> TorrcLine? {
        skipSpaceAndComments()
        guard index < bytes.count else { return nil }
        let location = SourceLocation(path: path, line: line)
        var key = try text(readKey(), location)
        while let byte = peek(), byte == .space || byte == .tab { advance() }

        let value = peek() == .quote ? try readQuotedValue(location) : readPlainValue()
        var command = TorrcLine.Command.set
        if key.hasPrefix("+") {
            key.removeFirst()
            command = .append
        } else if key.hasPrefix("/") {
            key.removeFirst()
            command = .clear
        }
        return TorrcLine(
            key: key, value: command == .clear ? "" : try text(value, location), command: command, location: location)
    }

    private mutating func readKey() -> ArraySlice<UInt8> {
        let start = index
        while let byte = peek(), !byte.isSpace, byte != .hash, !(byte == .backslash && peek(1) == .newline) {
            advance()
        }
        return bytes[start..<index]
    }

    private mutating func readPlainValue() -> ArraySlice<UInt8> {
        var value: [UInt8] = []
        var continued = false
        while let byte = peek(), byte != .newline {
            if byte == .backslash, peek(1) == .newline {
                continued = true
                advance()
                advance()
            } else if byte == .hash {
                // A comment ends an ordinary value; inside a continued one it hides the rest of its own line only.
                skipToNewline()
                guard continued else { break }
                if peek() != nil { advance() }
            } else {
                value.append(byte)
                advance()
            }
        }
        while let last = value.last, last.isSpace { value.removeLast() }
        return value[...]
    }

    private mutating func readQuotedValue(_ location: SourceLocation) throws(ConfigurationError) -> ArraySlice<UInt8> {
        advance()
        var value: [UInt8] = []
        while true {
            guard let byte = peek(), byte != .newline else {
                throw ConfigurationError(location: location, option: nil, reason: "quoted string without an end")
            }
            advance()
            if byte == .quote { break }
            guard byte == .backslash else {
                value.append(byte)
                continue
            }
            guard let escaped = readEscape() else {
                throw ConfigurationError(
                    location: location, option: nil, reason: "invalid escape sequence in quoted string")
            }
            value.append(escaped)
        }
        while let byte = peek(), byte == .space || byte == .tab || byte == .carriageReturn { advance() }
        if peek() == .hash { skipToNewline() }
        guard peek() == nil || peek() == .newline else {
            throw ConfigurationError(location: location, option: nil, reason: "excess data after quoted string")
        }
        return value[...]
    }

    /// What stands after a backslash: `n r t " \ '`, `x` with two hexadecimal digits, or one to three octal digits.
    private mutating func readEscape() -> UInt8? {
        guard let byte = peek() else { return nil }
        advance()
        switch byte {
        case UInt8(ascii: "n"): return .newline
        case UInt8(ascii: "r"): return .carriageReturn
        case UInt8(ascii: "t"): return .tab
        case .quote, .backslash, UInt8(ascii: "'"): return byte
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            guard let high = peek()?.hexDigit, let low = peek(1)?.hexDigit else { return nil }
            advance()
            advance()
            return high << 4 | low
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            var value = Int(byte - UInt8(ascii: "0"))
            for _ in 0..<2 {
                guard let digit = peek(), (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { break }
                value = value * 8 + Int(digit - UInt8(ascii: "0"))
                advance()
            }
            return UInt8(exactly: value)
        default: return nil
        }
    }
}

// MARK: - Bytes

extension TorrcReader {
    private func peek(_ distance: Int = 0) -> UInt8? {
        index + distance < bytes.count ? bytes[index + distance] : nil
    }

    private mutating func advance() {
        if bytes[index] == .newline { line += 1 }
        index += 1
    }

    private mutating func skipToNewline() {
        while let byte = peek(), byte != .newline { advance() }
    }

    private mutating func skipSpaceAndComments() {
        while let byte = peek() {
            if byte == .hash {
                skipToNewline()
            } else if byte.isSpace {
                advance()
            } else {
                return
            }
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ location: SourceLocation) throws(ConfigurationError) -> String {
        guard !bytes.contains(0) else {
            throw ConfigurationError(location: location, option: nil, reason: "a NUL byte")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(location: location, option: nil, reason: "not UTF-8")
        }
        return text
    }
}

extension UInt8 {
    fileprivate static let space = UInt8(ascii: " ")
    fileprivate static let tab = UInt8(ascii: "\t")
    fileprivate static let newline = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
    fileprivate static let hash = UInt8(ascii: "#")
    fileprivate static let quote = UInt8(ascii: "\"")
    fileprivate static let backslash = UInt8(ascii: "\\")

    /// Space, tab, newline, carriage return, vertical tab or form feed.
    fileprivate var isSpace: Bool { self == .space || (9...13).contains(self) }

    /// The value of an ASCII hexadecimal digit.
    internal var hexDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
