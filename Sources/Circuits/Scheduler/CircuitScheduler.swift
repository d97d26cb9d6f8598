/// What the scheduler remembers of one circuit and direction, kept with the circuit's queue.
@frozen
@usableFromInline
package struct ScheduleState: Sendable {
    /// Cells sent, the recent ones counting more: in units of `EWMAClock`.
    @usableFromInline package var burden: Double
    /// Whether the channel's scheduler knows that cells wait.
    @usableFromInline package var isScheduled: Bool

    /// A circuit that has sent nothing.
    @inlinable
    package init() {
        burden = 0
        isScheduled = false
    }
}

/// What one cell weighs now, so that older cells weigh less (the EWMA policy of "An Improved Algorithm for Tor Circuit
/// Scheduling").
///
/// Instead of making every sum decay, a cell's weight grows: it doubles each half-life, which orders circuits alike. When
/// the weight has grown far, `rebase` says by how much all sums must shrink.
package struct EWMAClock: Sendable {
    private let halfLife: Duration
    private var epoch: ContinuousClock.Instant
    /// What a cell weighs now.
    package private(set) var weight = 1.0

    /// A clock; C Tor's half-life, unless the consensus says otherwise, is 30 s.
    package init(halfLife: Duration = CircuitsLimits.ewmaHalfLife, now: ContinuousClock.Instant) {
        self.halfLife = halfLife
        epoch = now
    }

    /// Reads the time, once per batch.
    ///
    /// - Returns: what to multiply every burden with; nil, nearly always, if nothing.
    package mutating func advance(to now: ContinuousClock.Instant) -> Double? {
        weight = Self.power(of: (now - epoch) / halfLife)
        guard weight > CircuitsLimits.ewmaRebase else { return nil }
        let factor = 1 / weight
        epoch = now
        weight = 1
        return factor
    }

    /// 2 to the power of `exponent`, without the C library: exact in the whole part, within a thousandth in the fraction.
    private static func power(of exponent: Double) -> Double {
        let whole = exponent.rounded(.down)
        let part = exponent - whole
        // A parabola through 2^0, 2^0.5 and 2^1.
        let fraction = 1 + part * (0.656_854 + part * 0.343_146)
        return Double(sign: .plus, exponent: Int(max(-1_000, min(1_000, whole))), significand: fraction)
    }
}

/// Which circuit of a channel may send next: the one that has sent least of late.
///
/// A binary heap of circuits with waiting cells. Who leaves it otherwise (a circuit that closes, a queue that empties) is
/// not searched for: its entry is recognised as stale when it comes up. Not for cells: those wait in `CircuitQueue`.
@frozen
@usableFromInline
package struct CircuitScheduler<Member: BitwiseCopyable & Sendable>: ~Copyable {
    @frozen
    @usableFromInline
    struct Entry {
        @usableFromInline var burden: Double
        @usableFromInline var member: Member

        @inlinable
        init(burden: Double, member: Member) {
            self.burden = burden
            self.member = member
        }
    }

    @usableFromInline var heap: [Entry] = []

    /// Nobody waits.
    @inlinable
    package init() {}

    /// True if no circuit is known to wait.
    @inlinable package var isEmpty: Bool { heap.isEmpty }

    /// Adds a circuit that was not there.
    @inlinable
    package mutating func insert(_ member: Member, burden: Double) {
        heap.append(Entry(burden: burden, member: member))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].burden < heap[parent].burden else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The circuit that may send next.
    @inlinable package var first: Member? { heap.isEmpty ? nil : heap[0].member }

    /// What the next but one has sent, up to which the first may go on.
    @inlinable package var secondBurden: Double {
        switch heap.count {
        case 0, 1: .infinity
        case 2: heap[1].burden
        default: min(heap[1].burden, heap[2].burden)
        }
    }

    /// Puts the first circuit where it belongs now.
    @inlinable
    package mutating func updateFirst(burden: Double) {
        heap[0].burden = burden
        siftDown()
    }

    /// Takes the first circuit out.
    @inlinable
    package mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        siftDown()
    }

    /// Multiplies every burden, which changes no order.
    package mutating func rebase(by factor: Double) {
        for index in heap.indices { heap[index].burden *= factor }
    }

    @inlinable
    mutating func siftDown() {
        var parent = 0
        while true {
            var least = parent
            let left = 2 * parent + 1
            if left < heap.count, heap[left].burden < heap[least].burden { least = left }
            if left + 1 < heap.count, heap[left + 1].burden < heap[least].burden { least = left + 1 }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
