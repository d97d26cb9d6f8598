extension DirectoryEncoding {
    /// Decodes base 64 with all its padding; nil if it is anything else.
    static func base64(_ text: [UInt8]) -> [UInt8]? {
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard text.count % 4 == 0, padding <= 2, !text.isEmpty else { return nil }
        return base64(text, in: 0..<text.count, byteCount: text.count / 4 * 3 - padding)
    }

    /// Decodes base 64 of exactly `byteCount` bytes, with or without its padding.
    package static func base64(_ text: String, byteCount: Int) -> [UInt8]? {
        let text = Array(text.utf8)
        return base64(text, in: 0..<text.count, byteCount: byteCount)
    }

    /// Decodes hexadecimal of exactly `byteCount` bytes.
    package static func hex(_ text: some StringProtocol, byteCount: Int) -> [UInt8]? {
        let text = Array(text.utf8)
        return hex(text, in: 0..<text.count, byteCount: byteCount)
    }

    /// Base 64 without padding.
    package static func base64(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        appendBase64(bytes, padded: false, into: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Hexadecimal in capitals.
    package static func hex(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        appendHex(bytes, into: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// A decimal number of digits only, within bounds.
    static func decimal<Number: FixedWidthInteger>(
        _ text: some StringProtocol, in range: ClosedRange<Number>
    ) -> Number? {
        guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let number = Number(text), range.contains(number)
        else { return nil }
        return number
    }
}
