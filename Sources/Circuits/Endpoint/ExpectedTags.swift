package import OnionCrypto

/// The tags that SENDMEs will have to quote, oldest first (tor-spec §7.3; proposal 289).
///
/// A ring in place. It never overflows: between a tag's cell and its SENDME lie 100 cells of a window of 1000.
package struct ExpectedTags: Sendable {
    /// How many there can be.
    package static let capacity = 10

    private var tags = InlineArray<10, OnionTag?>(repeating: nil)
    /// The oldest one's place. Always below the capacity.
    private var head = 0
    /// How many are awaited. Never above the capacity.
    package private(set) var count = 0

    /// None yet.
    package init() {}

    /// Notes the newest.
    package mutating func append(_ tag: OnionTag) {
        precondition(count < Self.capacity, "more cells sealed than packaged")
        tags[(head + count) % Self.capacity] = tag
        count += 1
    }

    /// Takes the oldest, if any is awaited.
    package mutating func popFirst() -> OnionTag? {
        guard count > 0 else { return nil }
        let tag = tags[head]
        tags[head] = nil
        head = (head + 1) % Self.capacity
        count -= 1
        return tag
    }
}
