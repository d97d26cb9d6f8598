internal import Synchronization
internal import Transport

/// How many connections a DirPort has.
final class DirPortConnections: Sendable {
    private let count = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Counts one more, or throws if there are too many.
    func enter() throws {
        guard count.add(1, ordering: .relaxed).newValue <= limit else {
            leave()
            throw DirectoryFetchError.closed
        }
    }

    /// Counts one less.
    func leave() {
        count.subtract(1, ordering: .relaxed)
    }
}
