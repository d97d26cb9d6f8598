/// A directory document cut into its items: a keyword line each, with the object below it if there is one
/// (dir-spec §1.2).
///
/// The bytes stay as they were and every item knows where it stands, because digests and signatures are over exactly
/// them. Strict: a line without end, an empty line, a NUL or a keyword of other characters than letters, digits and
/// hyphens refuses the document; only the old "opt " before a keyword is passed over. What an item means is not decided
/// here: see `DocumentGrammar`. Not for votes and consensuses (`NetworkStatusScanner`).
package struct DirectoryDocument: Sendable {
    /// The whole document.
    package let bytes: [UInt8]
    /// Its items, in order.
    package let items: [DocumentItem]

    /// Cuts a document, all of it.
    package init(_ bytes: [UInt8], limit: Int = DirectoryLimits.documentLength) throws(DirectoryError) {
        guard bytes.count <= limit else { throw DirectoryError(.tooLong) }
        var scanner = ItemScanner(bytes)
        var items: [DocumentItem] = []
        while let item = try scanner.next() { items.append(item) }
        self.bytes = bytes
        self.items = items
    }

    /// The first item with that keyword.
    package func first(_ keyword: String) -> DocumentItem? {
        items.first { $0.keyword == keyword }
    }

    /// The item with that keyword, which must be there.
    package func required(_ keyword: String) throws(DirectoryError) -> DocumentItem {
        guard let item = first(keyword) else { throw DirectoryError(.missing, keyword) }
        return item
    }

    /// All items with that keyword.
    package func all(_ keyword: String) -> [DocumentItem] {
        items.filter { $0.keyword == keyword }
    }

    /// The arguments of an item: words between spaces and tabs.
    package func arguments(_ item: DocumentItem) -> [String] {
        Self.words(bytes[item.rest]).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The argument at a place, which must be there.
    package func argument(_ item: DocumentItem, _ index: Int = 0) throws(DirectoryError) -> String {
        let words = Self.words(bytes[item.rest])
        guard index < words.count else { throw item.error(.argumentCount) }
        return String(decoding: words[index], as: UTF8.self)
    }

    /// Everything behind an item's keyword, byte for byte.
    package func text(_ item: DocumentItem) -> ByteText {
        ByteText(bytes[item.rest])
    }

    /// An argument that is a decimal number within bounds.
    package func number<Number: FixedWidthInteger>(
        _ item: DocumentItem, _ index: Int = 0, in range: ClosedRange<Number>
    ) throws(DirectoryError) -> Number {
        guard let number = DirectoryEncoding.decimal(try argument(item, index), in: range) else {
            throw item.error(.badArgument)
        }
        return number
    }

    /// The bytes of an object of one kind, which must be there.
    package func object(_ item: DocumentItem, _ name: String) throws(DirectoryError) -> [UInt8] {
        guard let object = item.object else { throw item.error(.missingObject) }
        guard object.name == name else { throw item.error(.malformedObject) }
        return object.body
    }

    static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split { $0 == 0x20 || $0 == 0x09 }
    }
}

/// One keyword line, and the object below it.
package struct DocumentItem: Hashable, Sendable {
    /// What the line begins with.
    package let keyword: String
    /// The number of its line, from 1.
    package let line: Int
    /// Where its line begins in the document.
    package let start: Int
    /// Where what stands behind the keyword is, without the white space before it and the newline.
    package let rest: Range<Int>
    /// The object below the line.
    package let object: Object?

    /// Base 64 between a BEGIN and an END line.
    package struct Object: Hashable, Sendable {
        /// What BEGIN and END say, such as "RSA PUBLIC KEY".
        package let name: String
        /// The bytes.
        package let body: [UInt8]
    }

    /// Where the line ends, behind its newline; an object begins there.
    package var lineEnd: Int { rest.upperBound + 1 }

    /// An error that names this item.
    func error(_ reason: DirectoryError.Reason) -> DirectoryError {
        DirectoryError(reason, keyword, line: line)
    }
}

/// Reads items one after the other; every byte is looked at a bounded number of times.
private struct ItemScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func next() throws(DirectoryError) -> DocumentItem? {
        guard position < bytes.count else { return nil }
        let start = position
        let lineEnd = try endOfLine()
        let number = line
        var index = start
        // dir-spec §1.2: "opt" is a leftover that says nothing.
        if bytes[index..<lineEnd].starts(with: "opt ".utf8) {
            index += 4
            while index < lineEnd, Self.isSpace(bytes[index]) { index += 1 }
        }
        let keywordStart = index
        while index < lineEnd, Self.isKeywordByte(bytes[index]) { index += 1 }
        let keyword = keywordStart..<index
        guard !keyword.isEmpty, index == lineEnd || Self.isSpace(bytes[index]) else {
            throw DirectoryError(.malformedLine, line: number)
        }
        while index < lineEnd, Self.isSpace(bytes[index]) { index += 1 }
        let name = String(decoding: bytes[keyword], as: UTF8.self)
        let object = try object(of: name)
        return DocumentItem(keyword: name, line: number, start: start, rest: index..<lineEnd, object: object)
    }

    /// Passes over the line at `position`; where its newline is.
    private mutating func endOfLine() throws(DirectoryError) -> Int {
        line += 1
        var index = position
        let limit = min(bytes.count, position + DirectoryLimits.lineLength)
        while index < limit {
            switch bytes[index] {
            case 0x0A:
                position = index + 1
                return index
            case 0:
                throw DirectoryError(.malformedLine, line: line)
            default:
                index += 1
            }
        }
        throw DirectoryError(.malformedLine, line: line)
    }

    /// Reads the object that begins at `position`, if there is one.
    private mutating func object(of keyword: String) throws(DirectoryError) -> DocumentItem.Object? {
        guard bytes[position...].starts(with: "-----BEGIN ".utf8) else { return nil }
        let first = line + 1
        let error = DirectoryError(.malformedObject, keyword, line: first)
        guard let name = try boundary("-----BEGIN ") else { throw error }
        var text: [UInt8] = []
        while !bytes[position...].starts(with: "-----END ".utf8) {
            guard position < bytes.count else { throw error }
            let start = position
            text += bytes[start..<(try endOfLine())]
            guard text.count <= DirectoryLimits.objectLength else { throw error }
        }
        guard try boundary("-----END ") == name, let body = DirectoryEncoding.base64(text) else { throw error }
        return DocumentItem.Object(name: name, body: body)
    }

    /// The name in a line that begins with `prefix` and ends in five hyphens.
    private mutating func boundary(_ prefix: String) throws(DirectoryError) -> String? {
        let start = position + prefix.utf8.count
        let end = try endOfLine() - 5
        guard end > start, bytes[end..<(end + 5)].elementsEqual("-----".utf8),
            bytes[start..<end].allSatisfy({ Self.isKeywordByte($0) || $0 == 0x20 })
        else { return nil }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09
    }

    /// dir-spec §1.2: KeywordChar.
    private static func isKeywordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
        default: false
        }
    }
}
