/// SHA-1 of a signed part: how router descriptors, extra-info documents and votes are named.
package struct DescriptorDigest: Hashable, Comparable, Sendable {
    private var high: UInt64
    private var middle: UInt64
    private var low: UInt32

    /// Takes 20 bytes; nil of any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 20 else { return nil }
        (high, middle, low) = (0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: high = high << 8 | UInt64(byte)
            case 8..<16: middle = middle << 8 | UInt64(byte)
            default: low = low << 8 | UInt32(byte)
            }
        }
    }

    /// The 20 bytes.
    package var bytes: [UInt8] {
        (0..<20).map {
            switch $0 {
            case 0..<8: UInt8(truncatingIfNeeded: high >> (56 - 8 * UInt64($0)))
            case 8..<16: UInt8(truncatingIfNeeded: middle >> (56 - 8 * UInt64($0 - 8)))
            default: UInt8(truncatingIfNeeded: low >> (24 - 8 * UInt32($0 - 16)))
            }
        }
    }

    /// Bytewise order.
    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.middle, left.low) < (right.high, right.middle, right.low)
    }
}

/// SHA-256 of a microdescriptor: how microdescriptors are named.
package struct MicrodescriptorDigest: Hashable, Comparable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    /// Takes 32 bytes; nil of any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        words = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
        }
    }

    /// True if all bytes are zero, which stands for none.
    package var isZero: Bool {
        words == (0, 0, 0, 0)
    }

    /// Bytewise equality.
    package static func == (left: Self, right: Self) -> Bool {
        left.words == right.words
    }

    /// Bytewise order.
    package static func < (left: Self, right: Self) -> Bool {
        left.words < right.words
    }

    /// Feeds one word, which is random enough.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}
