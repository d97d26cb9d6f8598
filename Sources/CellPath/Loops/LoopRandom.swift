internal import Cells
internal import OnionCrypto

/// Random numbers for one loop, fast enough for the padding of cells: AES in counter mode over keys from the system.
///
/// It draws a new key after every buffer, so that what it has given cannot be computed from what it holds.
final class LoopRandom: RandomNumberGenerator {
    private static let wordCount = 512
    private let words: UnsafeMutablePointer<UInt64>
    private var used = LoopRandom.wordCount

    init() {
        words = .allocate(capacity: Self.wordCount)
        words.initialize(repeating: 0, count: Self.wordCount)
    }

    deinit { words.deallocate() }

    func next() -> UInt64 {
        if used == Self.wordCount { refill() }
        let word = words[used]
        words[used] = 0
        used += 1
        return word
    }

    private func refill() {
        let key = SystemRandom.bytes(16)
        var stream = AES128CTR(key: key.span.bytes)
        // Safe: the buffer is ours, and all zeros again since every word has been taken.
        var bytes = MutableRawSpan(
            _unsafeStart: UnsafeMutableRawPointer(words), byteCount: Self.wordCount * MemoryLayout<UInt64>.size)
        stream.apply(to: &bytes)
        used = 0
    }
}
