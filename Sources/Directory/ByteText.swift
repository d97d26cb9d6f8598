/// A piece of a directory document, byte for byte as it stood there, compared as C's strcmp compares.
///
/// Authorities must agree on every byte, so what one of them wrote (a contact line in Latin-1, say) is never pressed into
/// Unicode, and never sorted by its rules. Not for text that only we make or read: that is `String`.
package struct ByteText: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The bytes; no newline and no NUL among them when they come from a document.
    package var bytes: [UInt8]

    /// Takes the bytes as they are.
    package init(_ bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Takes a string's UTF-8.
    package init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Takes a literal's UTF-8.
    package init(stringLiteral value: String) {
        bytes = Array(value.utf8)
    }

    /// For people: malformed UTF-8 is repaired.
    package var description: String {
        String(decoding: bytes, as: UTF8.self)
    }

    /// True if there is nothing.
    package var isEmpty: Bool {
        bytes.isEmpty
    }

    /// Bytewise order, as of unsigned characters.
    package static func < (left: Self, right: Self) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// True if this begins with `prefix`.
    package func hasPrefix(_ prefix: String) -> Bool {
        bytes.starts(with: prefix.utf8)
    }

    /// Without the white space at both ends.
    package var trimmed: ByteText {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return ByteText(bytes[first...last])
    }

    /// The words between single bytes `separator`, empty ones left out.
    package func split(separator: UInt8) -> [ByteText] {
        bytes.split(separator: separator).map { ByteText($0) }
    }
}
