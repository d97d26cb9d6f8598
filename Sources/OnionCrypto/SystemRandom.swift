internal import CSodium

/// The operating system's random numbers (getrandom), as a generator to hand to whoever takes one.
package struct SystemRandom: RandomNumberGenerator, Sendable {
    /// Makes one; it has no state.
    package init() {
        Sodium.start()
    }

    /// Eight bytes.
    package mutating func next() -> UInt64 {
        var word: UInt64 = 0
        // Safe: eight bytes of a local.
        randombytes_buf(&word, MemoryLayout<UInt64>.size)
        return word
    }

    /// Draws `count` bytes.
    package static func bytes(_ count: Int) -> [UInt8] {
        Sodium.start()
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
            // Safe: the buffer has room for `count` bytes, and all are written.
            if let base = buffer.baseAddress { randombytes_buf(base, count) }
            initialised = count
        }
    }
}

extension RandomNumberGenerator {
    /// Draws `count` bytes from this generator.
    package mutating func randomBytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            var word = self.next()
            for _ in 0..<min(8, count - bytes.count) {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return bytes
    }
}

/// libsodium's one-time start, which picks the fastest code for this processor.
enum Sodium {
    private static let started: Bool = sodium_init() >= 0

    static func start() {
        // No machine that we run on is without getrandom; without randomness nothing here may go on.
        precondition(Self.started, "libsodium cannot start")
    }
}
