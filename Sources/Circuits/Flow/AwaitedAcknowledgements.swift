internal import OnionCrypto

/// The SENDMEs that are still to come, oldest first: when their cell was packaged, and the tag that they must quote
/// (tor-spec §7.3; proposals 289 and 324).
///
/// A ring that grows when more are under way than ever before, so that a circuit that has found its pace allocates nothing.
struct AwaitedAcknowledgements: Sendable {
    private struct Entry {
        var packagedAt: UInt64
        /// Nil until the cell is sealed.
        var tag: OnionTag?
    }

    private var ring: [Entry] = []
    /// The oldest one's place. Always below the ring's count.
    private var head = 0
    /// How many are awaited. Never above the ring's count.
    private var total = 0
    /// How many of those have their tag, the oldest.
    private(set) var count = 0

    /// None yet.
    init() {}

    /// Whether no more can be awaited.
    var isFull: Bool { total >= EndpointLimits.awaitedAcknowledgements }

    /// A cell is packaged that the other end will acknowledge.
    mutating func notePackaged(at now: UInt64) {
        if total == ring.count { grow() }
        ring[place(total)] = Entry(packagedAt: now)
        total += 1
    }

    /// It is sealed; cells are sealed in the order of packaging.
    mutating func noteSealed(_ tag: OnionTag) {
        guard count < total else { return }
        ring[place(count)].tag = tag
        count += 1
    }

    /// Takes the oldest, if its cell is sealed.
    mutating func popFirst() -> (tag: OnionTag, packagedAt: UInt64)? {
        guard count > 0, let tag = ring[head].tag else { return nil }
        let packagedAt = ring[head].packagedAt
        head = place(1)
        count -= 1
        total -= 1
        return (tag, packagedAt)
    }

    private func place(_ offset: Int) -> Int {
        let place = head + offset
        return place < ring.count ? place : place - ring.count
    }

    private mutating func grow() {
        var larger: [Entry] = []
        larger.reserveCapacity(max(10, 2 * ring.count))
        for offset in 0..<total { larger.append(ring[place(offset)]) }
        while larger.count < larger.capacity { larger.append(Entry(packagedAt: 0)) }
        ring = larger
        head = 0
    }
}
