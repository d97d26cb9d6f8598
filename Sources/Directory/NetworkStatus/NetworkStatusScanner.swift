/// Walks over the lines of a vote or consensus by index, without making a string of each.
///
/// Apart from the general document tokenizer because a consensus has some 60,000 lines: this one allocates nothing per
/// line. Lines end in one newline, have no NUL and begin with their keyword.
struct NetworkStatusScanner {
    let bytes: [UInt8]
    private(set) var position: Int
    let end: Int

    /// One line: a keyword, and what stands behind it.
    struct Line {
        let start: Int
        let keyword: Range<Int>
        let arguments: Range<Int>
    }

    init(_ bytes: [UInt8], from position: Int = 0, to end: Int? = nil) {
        self.bytes = bytes
        self.position = position
        self.end = end ?? bytes.count
    }

    var atEnd: Bool { position == end }

    /// True if the document goes on with `text` here.
    func isAt(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        // Safe: the pointer is of a static string, and read within its length.
        return text.withUTF8Buffer { buffer in
            for index in 0..<count where bytes[position + index] != buffer[index] { return false }
            return true
        }
    }

    /// Reads the next line.
    mutating func line() throws(NetworkStatusError) -> Line {
        let start = position
        var index = start
        while index < end, bytes[index] > 0x20 { index += 1 }
        let keyword = start..<index
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        let argumentsStart = index
        while index < end, bytes[index] != 0x0A {
            if bytes[index] == 0 { throw NetworkStatusError(.malformedLine, at: index) }
            index += 1
        }
        guard index < end, !keyword.isEmpty else { throw NetworkStatusError(.malformedLine, at: start) }
        position = index + 1
        return Line(start: start, keyword: keyword, arguments: argumentsStart..<index)
    }

    /// Reads an object, if one follows the line that was read: its name and its bytes.
    mutating func object() throws(NetworkStatusError) -> (name: String, body: [UInt8])? {
        guard isAt("-----BEGIN ") else { return nil }
        let start = position
        guard let name = boundary("-----BEGIN ") else { throw NetworkStatusError(.malformedObject, at: start) }
        var text: [UInt8] = []
        while !isAt("-----END ") {
            let line = try line()
            // A base 64 digit too many or too few is seen below.
            guard line.arguments.isEmpty, line.keyword.upperBound == position - 1, text.count < 128 * 1024 else {
                throw NetworkStatusError(.malformedObject, at: line.start)
            }
            text += bytes[line.keyword]
        }
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard boundary("-----END ") == name, text.count % 4 == 0, padding <= 2,
            let body = DirectoryEncoding.base64(text, in: 0..<text.count, byteCount: text.count / 4 * 3 - padding)
        else { throw NetworkStatusError(.malformedObject, at: start) }
        return (name, body)
    }

    /// The name in a line that begins with `prefix` and ends in five hyphens.
    private mutating func boundary(_ prefix: StaticString) -> String? {
        let from = position + prefix.utf8CodeUnitCount
        guard let newline = bytes[position..<end].firstIndex(of: 0x0A), newline - 5 > from else { return nil }
        let tail = bytes[(newline - 5)..<newline]
        guard tail.allSatisfy({ $0 == UInt8(ascii: "-") }) else { return nil }
        position = newline + 1
        return String(decoding: bytes[from..<(newline - 5)], as: UTF8.self)
    }

    /// The words of a range, separated by spaces or tabs.
    func words(_ range: Range<Int>) -> [Range<Int>] {
        var result: [Range<Int>] = []
        var index = range.lowerBound
        while index < range.upperBound {
            let start = index
            while index < range.upperBound, bytes[index] != 0x20, bytes[index] != 0x09 { index += 1 }
            if index > start { result.append(start..<index) }
            index += 1
        }
        return result
    }

    /// The text of a range.
    func text(_ range: Range<Int>) -> ByteText {
        ByteText(bytes[range])
    }

    /// A decimal number without sign; nil if the range is not exactly one.
    func number(_ range: Range<Int>, max: UInt64) -> UInt64? {
        guard !range.isEmpty, range.count <= 20 else { return nil }
        var value: UInt64 = 0
        for byte in bytes[range] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = scaled.addingReportingOverflow(UInt64(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value <= max ? value : nil
    }

    /// A dotted quad.
    func address(_ range: Range<Int>) -> UInt32? {
        var result: UInt32 = 0
        var start = range.lowerBound
        for part in 0..<4 {
            var stop = start
            while stop < range.upperBound, bytes[stop] != UInt8(ascii: ".") { stop += 1 }
            guard stop - start <= 3, let value = number(start..<stop, max: 255) else { return nil }
            guard part == 3 ? stop == range.upperBound : stop < range.upperBound else { return nil }
            result = result << 8 | UInt32(value)
            start = stop + 1
        }
        return result
    }
}
