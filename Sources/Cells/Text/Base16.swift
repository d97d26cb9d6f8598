/// Bytes as hexadecimal digits.
package enum Base16 {
    /// Two digits a byte, capitals on request.
    package static func encode(_ bytes: RawSpan, uppercase: Bool = false) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.byteCount * 2)
        let ten: UInt8 = uppercase ? 55 : 87
        for offset in bytes.byteOffsets {
            let byte = bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            for digit in [byte >> 4, byte & 15] {
                text.append(digit < 10 ? digit + 48 : digit + ten)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Two digits a byte, capitals on request.
    package static func encode(_ bytes: [UInt8], uppercase: Bool = false) -> String {
        encode(bytes.span.bytes, uppercase: uppercase)
    }

    /// The bytes, or nil unless `text` is nothing but pairs of digits of either case.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 2)
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case 48...57: digit = character - 48
            case 65...70: digit = character - 55
            case 97...102: digit = character - 87
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
