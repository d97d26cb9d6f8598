public import Hooks

/// What the scheduler remembers of one circuit and direction, kept with the circuit's queue.
@frozen
@usableFromInline
package struct ScheduleState: Sendable {
    /// Its place, smallest first: the cells that it has sent, the recent ones counting more, unless a plugin ranks circuits.
    @usableFromInline package var burden: EWMABurden
    /// Whether the channel's scheduler knows that cells wait.
    @usableFromInline package var isScheduled: Bool
    /// Cells that may leave before another circuit is looked at, where a plugin ranks circuits.
    @usableFromInline package var quantum: UInt8
    /// Scratch of the plugin that ranks circuits.
    @usableFromInline package var scratch: (UInt64, UInt64)

    /// A circuit that has sent nothing.
    @inlinable
    package init() {
        burden = .none
        isScheduled = false
        quantum = 1
        scratch = (0, 0)
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
        @usableFromInline var burden: EWMABurden
        @usableFromInline var member: Member

        @inlinable
        init(burden: EWMABurden, member: Member) {
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
    package mutating func insert(_ member: Member, burden: EWMABurden) {
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
    @inlinable package var secondBurden: EWMABurden {
        switch heap.count {
        case 0, 1: .infinite
        case 2: heap[1].burden
        default: min(heap[1].burden, heap[2].burden)
        }
    }

    /// Puts the first circuit where it belongs now.
    @inlinable
    package mutating func updateFirst(burden: EWMABurden) {
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

    /// Makes everybody equal: somebody else ranks from now on.
    package mutating func reset() {
        for index in heap.indices { heap[index].burden = .none }
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
