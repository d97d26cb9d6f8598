/// Bytes in RFC 4648's alphabet of 64, with or without the `=` at the end.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Four letters for three bytes; `padding` decides whether `=` fills the last group.
    package static func encode(_ bytes: [UInt8], padding: Bool = true) -> String {
        encode(bytes.span.bytes, padding: padding)
    }

    /// Four letters for three bytes; `padding` decides whether `=` fills the last group.
    package static func encode(_ bytes: RawSpan, padding: Bool = true) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.byteCount + 2) / 3 * 4)
        var offset = 0
        while offset < bytes.byteCount {
            let count = min(3, bytes.byteCount - offset)
            var group: UInt32 = 0
            for index in 0..<3 {
                let byte = index < count ? bytes.unsafeLoad(fromByteOffset: offset + index, as: UInt8.self) : 0
                group = group << 8 | UInt32(byte)
            }
            for index in 0..<4 {
                if index <= count {
                    text.append(alphabet[Int(group >> UInt32(18 - 6 * index)) & 63])
                } else if padding {
                    text.append(61)
                }
            }
            offset += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// How `=` at the end is taken.
    package enum Padding: Sendable {
        /// The last group must be full.
        case required
        /// There must be none.
        case forbidden
        /// Either.
        case optional
    }

    /// The bytes, or nil if `text` is anything but one canonical encoding: no white space, no stray bits.
    package static func decode(_ text: some StringProtocol, padding: Padding = .optional) -> [UInt8]? {
        decode(text.utf8, padding: padding)
    }

    /// The bytes, or nil if `text` is anything but one canonical encoding: no white space, no stray bits.
    package static func decode(_ text: some Collection<UInt8>, padding: Padding = .optional) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        var letters = 0
        var fillers = 0
        for character in text {
            if character == 61 {
                fillers += 1
                continue
            }
            guard fillers == 0, let value = value(of: character) else { return nil }
            letters += 1
            pending = pending << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> bits))
                pending &= (1 << bits) - 1
            }
        }
        guard letters % 4 != 1, pending == 0 else { return nil }
        let missing = (4 - letters % 4) % 4
        switch padding {
        case .required: return fillers == missing ? bytes : nil
        case .forbidden: return fillers == 0 ? bytes : nil
        case .optional: return fillers == 0 || fillers == missing ? bytes : nil
        }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case 65...90: UInt32(character - 65)
        case 97...122: UInt32(character - 71)
        case 48...57: UInt32(character + 4)
        case 43: 62
        case 47: 63
        default: nil
        }
    }
}
