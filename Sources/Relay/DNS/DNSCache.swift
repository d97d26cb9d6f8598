/// Answers that are still good, a bounded number of them.
struct DNSCache {
    private struct Entry {
        let answer: DNSAnswer
        let expiry: ContinuousClock.Instant
    }

    private let capacity: Int
    private var entries: [DNSQuestion: Entry] = [:]

    /// An empty cache for so many answers.
    init(capacity: Int) {
        self.capacity = capacity
    }

    /// How many there are, good or not.
    var count: Int { entries.count }

    /// What is known, if it is still good.
    mutating func answer(to question: DNSQuestion, now: ContinuousClock.Instant) -> DNSAnswer? {
        guard let entry = entries[question] else { return nil }
        guard entry.expiry > now else {
            entries[question] = nil
            return nil
        }
        return entry.answer
    }

    /// Keeps an answer, unless it is of the kind that may be different next time.
    mutating func insert(_ answer: DNSAnswer, for question: DNSQuestion, now: ContinuousClock.Instant) {
        guard answer.lifetime > 0 else { return }
        if entries.count >= capacity { makeRoom(now: now) }
        entries[question] = Entry(answer: answer, expiry: now + .seconds(Int64(answer.lifetime)))
    }

    /// Forgets everything, as after a change of name servers.
    mutating func removeAll() {
        entries.removeAll()
    }

    /// Drops what is no longer good and, if that is not enough, a quarter of the rest: rare, so that the cost of looking
    /// at everything is spread over thousands of insertions.
    private mutating func makeRoom(now: ContinuousClock.Instant) {
        entries = entries.filter { $0.value.expiry > now }
        var excess = entries.count - capacity * 3 / 4
        guard excess > 0 else { return }
        entries = entries.filter { _ in
            defer { excess -= 1 }
            return excess <= 0
        }
    }
}
