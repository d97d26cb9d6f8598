/// A random number that the authorities drew together (srv-spec §4.1.3): onion services hang their place in the ring on it.
package struct SharedRandomValue: Hashable, Sendable {
    /// How many authorities' reveals are in it.
    package let revealCount: UInt64
    /// The 32 bytes.
    package let value: [UInt8]

    /// Takes a count and 32 bytes; nil of any other number.
    package init?(revealCount: UInt64, value: [UInt8]) {
        guard value.count == 32 else { return nil }
        self.revealCount = revealCount
        self.value = value
    }

    /// Reads COUNT VALUE; nil if it is anything else.
    init?(_ scanner: borrowing NetworkStatusScanner, _ words: [Range<Int>]) {
        guard words.count >= 2, let count = scanner.number(words[0], max: .max),
            let value = DirectoryEncoding.base64(scanner.bytes, in: words[1], byteCount: 32)
        else { return nil }
        self.init(revealCount: count, value: value)
    }

    /// COUNT VALUE, as documents and the state file write it.
    package var text: ByteText {
        var bytes = Array("\(revealCount) ".utf8)
        DirectoryEncoding.appendBase64(value, padded: true, into: &bytes)
        return ByteText(bytes)
    }
}
