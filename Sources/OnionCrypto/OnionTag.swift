/// What authenticates one relay message at its hop, and so what a SENDME of version 1 must quote (tor-spec §7.4).
///
/// 20 bytes with tor1, the whole running digest; 16 with a later kind of layer. A plain value without references.
package struct OnionTag: Equatable, Sendable {
    private let storage: InlineArray<20, UInt8>
    /// How many bytes the tag has: 20 or 16.
    package let count: UInt8

    /// A tag of 20 bytes.
    init(_ digest: RunningSHA1.Digest) {
        self.storage = digest
        self.count = 20
    }

    /// Takes a tag of 16 or 20 bytes that came from elsewhere, or fails.
    package init?(_ bytes: RawSpan) {
        guard bytes.byteCount == 16 || bytes.byteCount == 20 else { return nil }
        var storage = InlineArray<20, UInt8>(repeating: 0)
        for index in 0..<bytes.byteCount {
            // Safe: below the span's count.
            storage[index] = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
        }
        self.storage = storage
        self.count = UInt8(truncatingIfNeeded: bytes.byteCount)
    }

    /// The tag's bytes.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { self.storage.span.bytes.extracting(first: Int(self.count)) }
    }

    /// Whether a SENDME quotes this tag, compared in constant time.
    package func matches(_ quoted: RawSpan) -> Bool {
        constantTimeEqual(self.bytes, quoted)
    }

    package static func == (left: OnionTag, right: OnionTag) -> Bool {
        left.matches(right.bytes)
    }
}
