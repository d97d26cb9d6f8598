internal import Cells

/// The bytes of hexadecimal digits; white space between them is let be. Traps on anything else.
package func hex(_ text: String) -> [UInt8] {
    guard let bytes = Base16.decode(text.filter { !$0.isWhitespace }) else { fatalError("not hexadecimal: \(text)") }
    return bytes
}

/// The digits of bytes, for messages and comparisons.
package func hex(_ bytes: [UInt8]) -> String {
    Base16.encode(bytes)
}

/// Which prefixes of `bytes`, all shorter than it, a parser takes; a strict one takes none.
package func acceptedTruncations(of bytes: [UInt8], by parse: (RawSpan) throws -> Void) -> [Int] {
    (0..<bytes.count).filter { count in
        let prefix = Array(bytes.prefix(count))
        do {
            try parse(prefix.span.bytes)
            return true
        } catch {
            return false
        }
    }
}
