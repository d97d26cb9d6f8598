internal import Synchronization

/// The one total for memory that peers can make us use, shared by all loops (`MaxMemInQueues`).
///
/// Pools charge whole slabs, so that it is touched rarely. It only counts: whoever sees it full decides what to close.
package final class MemoryBudget: Sendable {
    private let total = Atomic<Int>(0)
    private let bound: Atomic<Int>

    /// A budget of `limit` bytes.
    package init(limit: Int) {
        bound = Atomic(limit)
    }

    /// How many bytes may be charged.
    package var limit: Int {
        get { bound.load(ordering: .relaxed) }
        set { bound.store(newValue, ordering: .relaxed) }
    }

    /// How many bytes are charged.
    package var used: Int { total.load(ordering: .relaxed) }

    /// Charges `bytes` if the total stays within the limit; false if not.
    package func charge(_ bytes: Int) -> Bool {
        var before = total.load(ordering: .relaxed)
        while true {
            guard before + bytes <= limit else { return false }
            let (exchanged, original) = total.weakCompareExchange(
                expected: before, desired: before + bytes, ordering: .relaxed)
            if exchanged { return true }
            before = original
        }
    }

    /// Gives back what was charged.
    package func refund(_ bytes: Int) {
        total.subtract(bytes, ordering: .relaxed)
    }
}
