/// The headers of a request or response, in order; names compare without regard to case.
package struct HTTPHeaders: Hashable, Sendable {
    /// Names and values as they were written.
    package private(set) var entries: [Entry]

    /// One header.
    package struct Entry: Hashable, Sendable {
        /// What it is called.
        package let name: String
        /// What it says, without white space around it.
        package let value: String

        /// A name and a value.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Takes headers as they are.
    package init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    /// The value of the first header of that name.
    package subscript(_ name: String) -> String? {
        entries.first { Self.isSame($0.name, name) }?.value
    }

    /// Adds a header at the end.
    package mutating func append(_ name: String, _ value: String) {
        entries.append(Entry(name, value))
    }

    /// Appends `Name: value` lines. A line break in a value would be another header: it becomes a space.
    package func encode(into bytes: inout [UInt8]) {
        for entry in entries {
            bytes += entry.name.utf8
            bytes += ": ".utf8
            bytes += entry.value.utf8.map { $0 == 0x0D || $0 == 0x0A || $0 == 0 ? 0x20 : $0 }
            bytes += "\r\n".utf8
        }
    }

    /// Parses the lines of a head behind its first.
    init(lines: ArraySlice<ArraySlice<UInt8>>) throws(HTTPError) {
        guard lines.count <= HTTPLimits.headerCount else { throw .headTooLong }
        entries = []
        for line in lines {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(Self.isTokenByte)
            else { throw .malformedHeader }
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let end = value.lastIndex { $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? value.startIndex
            entries.append(
                Entry(
                    String(decoding: line[..<colon], as: UTF8.self),
                    String(decoding: value[value.startIndex..<end], as: UTF8.self)))
        }
    }

    /// What `Content-Length` says; nil if there is none.
    func contentLength() throws(HTTPError) -> Int? {
        let values = Set(entries.lazy.filter { Self.isSame($0.name, "Content-Length") }.map(\.value))
        guard let value = values.first else { return nil }
        guard values.count == 1, (1...10).contains(value.utf8.count),
            value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(value)
        else { throw .badContentLength }
        return length
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
    }

    /// RFC 9110 §5.6.2: the characters of a token.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
