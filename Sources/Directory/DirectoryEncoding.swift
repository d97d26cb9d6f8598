/// Base 64 and base 16 as directory documents use them: written by one rule, read strictly.
///
/// Not constant-time: nothing secret goes through here.
package enum DirectoryEncoding {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each byte as a base 64 digit; 255 for those that are none.
    private static let digits: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    /// Appends `bytes` in base 64, with "=" at the end only if `padded`.
    package static func appendBase64(_ bytes: some Collection<UInt8>, padded: Bool, into output: inout [UInt8]) {
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 1
            if count == 3 {
                for shift in [18, 12, 6, 0] { output.append(alphabet[Int(bits >> UInt32(shift) & 63)]) }
                (bits, count) = (0, 0)
            }
        }
        if count == 1 {
            output.append(alphabet[Int(bits >> 2 & 63)])
            output.append(alphabet[Int(bits << 4 & 63)])
            if padded { output.append(contentsOf: "==".utf8) }
        } else if count == 2 {
            output.append(alphabet[Int(bits >> 10 & 63)])
            output.append(alphabet[Int(bits >> 4 & 63)])
            output.append(alphabet[Int(bits << 2 & 63)])
            if padded { output.append(UInt8(ascii: "=")) }
        }
    }

    /// Appends `bytes` as the body of an object: base 64 with padding, in lines of 64.
    package static func appendObjectBody(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        var text: [UInt8] = []
        appendBase64(bytes, padded: true, into: &text)
        var start = 0
        while start < text.count {
            let end = min(start + 64, text.count)
            output.append(contentsOf: text[start..<end])
            output.append(0x0A)
            start = end
        }
    }

    /// Appends `bytes` in upper-case hexadecimal.
    package static func appendHex(_ bytes: some Collection<UInt8>, into output: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in bytes {
            output.append(digits[Int(byte >> 4)])
            output.append(digits[Int(byte & 15)])
        }
    }

    /// Decodes base 64 of exactly `byteCount` bytes, with or without its padding; nil if it is anything else.
    package static func base64(_ text: [UInt8], in range: Range<Int>, byteCount: Int) -> [UInt8]? {
        var end = range.upperBound
        while end > range.lowerBound, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        let digitCount = (byteCount * 8 + 5) / 6
        let padding = range.upperBound - end
        guard end - range.lowerBound == digitCount, padding == 0 || (digitCount + padding) % 4 == 0, padding < 3 else {
            return nil
        }
        var result: [UInt8] = []
        result.reserveCapacity(byteCount)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for index in range.lowerBound..<end {
            let digit = digits[Int(text[index])]
            guard digit != 255 else { return nil }
            bits = bits << 6 | UInt32(digit)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> bitCount))
                bits &= (1 << bitCount) - 1
            }
        }
        return result.count == byteCount ? result : nil
    }

    /// Decodes hexadecimal of exactly `byteCount` bytes, in either case; nil if it is anything else.
    package static func hex(_ text: [UInt8], in range: Range<Int>, byteCount: Int) -> [UInt8]? {
        guard range.count == byteCount * 2 else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(byteCount)
        var index = range.lowerBound
        while index < range.upperBound {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else { return nil }
            result.append(high << 4 | low)
            index += 2
        }
        return result
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
