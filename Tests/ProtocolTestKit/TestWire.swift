/// A wire with two ends, in memory: what one end sends the other receives, in order, after a latency moved by hand.
///
/// For machines: `Item` is a cell, its bytes, or whatever two machines exchange. Traffic can be changed or lost on the way.
package struct TestWire<Item> {
    /// Which end: the one that opened the connection, or the one that accepted it.
    package enum End: Sendable, Hashable {
        /// Opened the connection.
        case initiator
        /// Accepted the connection.
        case responder

        /// The other one.
        package var other: End { self == .initiator ? .responder : .initiator }
    }

    private struct Flight {
        var item: Item
        var arrival: ContinuousClock.Instant
    }

    /// How long an item takes.
    package var latency: Duration
    /// Sees every item as it is sent, with its sender; what it returns travels on.
    package var intercept: ((End, Item) -> [Item])?
    /// How many items each end has sent, before interception.
    package private(set) var sentCount: [End: Int] = [.initiator: 0, .responder: 0]
    private var flights: [End: [Flight]] = [.initiator: [], .responder: []]

    /// A wire of a latency.
    package init(latency: Duration = .zero) {
        self.latency = latency
    }

    /// Sends an item from an end.
    package mutating func send(_ item: Item, from end: End, now: ContinuousClock.Instant) {
        sentCount[end, default: 0] += 1
        for survivor in intercept?(end, item) ?? [item] {
            flights[end.other, default: []].append(Flight(item: survivor, arrival: now + latency))
        }
    }

    /// Receives the next item at an end, if one has arrived.
    package mutating func receive(at end: End, now: ContinuousClock.Instant) -> Item? {
        guard let first = flights[end]?.first, first.arrival <= now else { return nil }
        return flights[end]?.removeFirst().item
    }

    /// When the next item arrives at either end.
    package var nextArrival: ContinuousClock.Instant? {
        flights.values.compactMap(\.first?.arrival).min()
    }

    /// True if nothing is under way.
    package var isIdle: Bool { flights.values.allSatisfy(\.isEmpty) }
}
