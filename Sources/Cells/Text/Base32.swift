/// Bytes in RFC 4648's alphabet of 32 small letters and digits, without padding, as Tor writes it.
package enum Base32 {
    /// Eight letters for five bytes; an odd rest makes a shorter last group.
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + 4) / 5)
        var pending: UInt16 = 0
        var bits = 0
        for byte in bytes {
            pending = pending << 8 | UInt16(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(letter(UInt8(truncatingIfNeeded: pending >> UInt16(bits)) & 31))
            }
        }
        if bits > 0 { text.append(letter(UInt8(truncatingIfNeeded: pending << UInt16(5 - bits)) & 31)) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes, or nil if `text` holds anything else than the alphabet in either case, or bits are left over.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count * 5 / 8)
        var pending: UInt16 = 0
        var bits = 0
        for character in text.utf8 {
            let value: UInt8
            switch character {
            case 65...90: value = character - 65
            case 97...122: value = character - 97
            case 50...55: value = character - 24
            default: return nil
            }
            pending = pending << 5 | UInt16(value)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> UInt16(bits)))
                pending &= (1 << UInt16(bits)) - 1
            }
        }
        return bits < 5 && pending == 0 ? bytes : nil
    }

    private static func letter(_ value: UInt8) -> UInt8 {
        value < 26 ? value + 97 : value + 24
    }
}
