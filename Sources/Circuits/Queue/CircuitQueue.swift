public import Cells

/// The cells of one circuit that wait for one channel, first in, first out: the only queue of cells that we keep.
///
/// An intrusive list through the pool's slots: an idle circuit costs twelve bytes, and neither end of the queue
/// allocates. All cells are of one pool, which every call must be given. Not for choosing among circuits: that is
/// `CircuitScheduler`'s.
@frozen
@usableFromInline
package struct CircuitQueue: ~Copyable {
    /// The first to leave; `.none` if there is none.
    @usableFromInline var head: CellIndex
    /// The last that came; meaningless while `head` is `.none`.
    @usableFromInline var tail: CellIndex
    /// How many wait.
    @usableFromInline package internal(set) var count: UInt32

    /// An empty queue.
    @inlinable
    package init() {
        head = .none
        tail = .none
        count = 0
    }

    /// True if no cell waits.
    @inlinable package var isEmpty: Bool { count == 0 }

    /// Puts a cell at the end.
    @inlinable
    package mutating func append(_ cell: consuming Cell, in pool: CellPool) {
        let index = cell.intoIndex()
        pool.setNext(of: index, to: .none)
        if count == 0 {
            head = index
        } else {
            pool.setNext(of: tail, to: index)
        }
        tail = index
        setCount(count &+ 1)  // Bounded by the pool's slots.
    }

    /// Puts a cell at the front: padding that goes first, or a cell that may not go yet.
    @inlinable
    package mutating func prepend(_ cell: consuming Cell, in pool: CellPool) {
        let index = cell.intoIndex()
        pool.setNext(of: index, to: head)
        head = index
        if count == 0 { tail = index }
        setCount(count &+ 1)  // Bounded by the pool's slots.
    }

    /// Takes the cell at the front.
    @inlinable
    package mutating func popFirst(from pool: CellPool) -> Cell? {
        guard count > 0 else { return nil }
        let index = head
        head = pool.next(of: index)
        setCount(count &- 1)
        // In a long queue the next cell has left the caches long ago.
        if count > 0 { pool.prefetch(head) }
        return pool.cell(adopting: index)
    }

    /// When the first cell was queued, on the loop's coarse clock; nil if none waits.
    @inlinable
    package func oldest(in pool: CellPool) -> UInt32? {
        count > 0 ? pool.enqueuedAt(of: head) : nil
    }

    /// Gives every slot back. A queue must be empty before it is dropped.
    @inlinable
    package mutating func removeAll(from pool: CellPool) {
        while popFirst(from: pool) != nil {}
    }

    @usableFromInline
    @inline(__always)
    mutating func setCount(_ value: UInt32) { count = value }
}
