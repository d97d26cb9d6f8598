/// Writes the lines and objects of a directory document.
struct DocumentWriter {
    /// What has been written.
    private(set) var bytes: [UInt8] = []

    /// Writes a line of words.
    mutating func line(_ words: String...) {
        bytes.append(contentsOf: words.joined(separator: " ").utf8)
        bytes.append(0x0A)
    }

    /// Writes a keyword and text as it is, or nothing if there is no text. A newline in the text would be another line:
    /// it becomes a space.
    mutating func line(_ keyword: String, _ text: ByteText?) {
        guard let text else { return }
        bytes.append(contentsOf: keyword.utf8)
        bytes.append(0x20)
        bytes.append(contentsOf: text.bytes.map { $0 == 0x0A || $0 == 0 ? 0x20 : $0 })
        bytes.append(0x0A)
    }

    /// Writes lines that are ready, or the beginning of one.
    mutating func lines(_ text: [UInt8]) {
        bytes.append(contentsOf: text)
    }

    /// Writes an object.
    mutating func object(_ name: String, _ body: [UInt8]) {
        bytes.append(contentsOf: "-----BEGIN \(name)-----\n".utf8)
        DirectoryEncoding.appendObjectBody(body, into: &bytes)
        bytes.append(contentsOf: "-----END \(name)-----\n".utf8)
    }

    /// Writes text that need not be a whole line.
    mutating func text(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Writes bytes that are lines already.
    mutating func raw(_ lines: [UInt8]) {
        bytes.append(contentsOf: lines)
    }
}
