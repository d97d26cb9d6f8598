internal import DequeModule
package import NIOCore

/// Something that reads or writes under the node's bandwidth limits.
package protocol MeteredConnection: AnyObject {
    /// There may be bandwidth again: look, and wait again if there is none.
    func bandwidthMayBeBack()
}

/// One event loop's share of the node's bandwidth limits, and its byte counters.
///
/// Reads and writes are charged after the fact, so a burst may go into debt; whoever comes next waits here until the
/// loop's next chunk from the global buckets has paid for it. Confined to its loop.
package final class AdmissionGate {
    /// Bytes read and written through this loop since the start.
    package struct Totals: Sendable, Equatable {
        /// All bytes read.
        package var read = 0
        /// All bytes written.
        package var written = 0
        /// Of these, read from relayed connections.
        package var relayedRead = 0
        /// Of these, written to relayed connections.
        package var relayedWritten = 0

        /// Nothing yet.
        package init() {}
    }

    /// What this loop holds of one global bucket.
    private struct Account {
        var credit = 0
        var isLimited = true
    }

    /// Counters; plain, read on the loop.
    package private(set) var totals = Totals()
    /// `PerConnBWRate` and `PerConnBWBurst`, for those who keep such a bucket.
    package private(set) var perConnection: SharedBandwidth.Limit?

    private let shared: SharedBandwidth
    private let eventLoop: any EventLoop
    private var generation: Int
    private var readAll = Account()
    private var writeAll = Account()
    private var readRelayed = Account()
    private var writeRelayed = Account()
    private var waiting = Deque<any MeteredConnection>()
    private var isTimerSet = false

    /// A gate for this loop; call on it.
    package init(shared: SharedBandwidth, eventLoop: any EventLoop) {
        self.shared = shared
        self.eventLoop = eventLoop
        generation = shared.generation
        perConnection = shared.limits.perConnection
    }

    /// Counts and charges bytes that went one way.
    package func charge(_ direction: SharedBandwidth.Direction, _ count: Int, relayed: Bool, isMetered: Bool) {
        switch direction {
        case .reading:
            totals.read &+= count
            if relayed { totals.relayedRead &+= count }
            guard isMetered else { return }
            if readAll.isLimited { readAll.credit -= count }
            if relayed, readRelayed.isLimited { readRelayed.credit -= count }
        case .writing:
            totals.written &+= count
            if relayed { totals.relayedWritten &+= count }
            guard isMetered else { return }
            if writeAll.isLimited { writeAll.credit -= count }
            if relayed, writeRelayed.isLimited { writeRelayed.credit -= count }
        }
    }

    /// Whether anything may go this way now. If not, `wait` for it.
    package func allows(_ direction: SharedBandwidth.Direction, relayed: Bool) -> Bool {
        noticeChanges()
        switch direction {
        case .reading:
            return settle(&readAll, direction, relayed: false)
                && (!relayed || settle(&readRelayed, direction, relayed: true))
        case .writing:
            return settle(&writeAll, direction, relayed: false)
                && (!relayed || settle(&writeRelayed, direction, relayed: true))
        }
    }

    /// Puts a connection in the line of those to be woken, first come first served.
    package func wait(_ connection: any MeteredConnection) {
        waiting.append(connection)
        setTimer()
    }

    private func settle(_ account: inout Account, _ direction: SharedBandwidth.Direction, relayed: Bool) -> Bool {
        guard account.isLimited, account.credit <= 0 else { return true }
        guard let granted = shared.lease(direction, relayed: relayed, debt: -account.credit, now: .now) else {
            account.isLimited = false
            return true
        }
        account.credit += granted
        return account.credit > 0
    }

    private func noticeChanges() {
        let latest = shared.generation
        guard latest != generation else { return }
        generation = latest
        perConnection = shared.limits.perConnection
        readAll = Account()
        writeAll = Account()
        readRelayed = Account()
        writeRelayed = Account()
    }

    private func setTimer() {
        guard !isTimerSet else { return }
        isTimerSet = true
        eventLoop.assumeIsolated().scheduleTask(in: TransportLimits.meterInterval) { [self] in
            isTimerSet = false
            wake()
        }
    }

    /// Wakes as many as the credit at hand can feed, so that a thousand waiting readers do not all read at once.
    private func wake() {
        noticeChanges()
        var share = max(
            settle(&readAll, .reading, relayed: false) ? headroom(readAll) : 0,
            settle(&writeAll, .writing, relayed: false) ? headroom(writeAll) : 0)
        if !settle(&readRelayed, .reading, relayed: true), !settle(&writeRelayed, .writing, relayed: true) { share = 0 }
        var left = waiting.count
        while share > 0, left > 0, let connection = waiting.popFirst() {
            left -= 1
            share -= TransportLimits.meterWakeShare
            connection.bandwidthMayBeBack()
        }
        if !waiting.isEmpty { setTimer() }
    }

    private func headroom(_ account: Account) -> Int { account.isLimited ? account.credit : .max }
}
