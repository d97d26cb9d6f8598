/// What a relay has been seen to carry: the best ten seconds of the last five days (dir-spec §2.1.1, "bandwidth").
///
/// Fed with running totals once a second. Counts whichever of reading and writing was less, since a relay that carries others'
/// traffic does both. Keeps one maximum per day, as C Tor does. Time is an argument, in whole seconds.
package struct ObservedBandwidth: Sendable {
    private static let window = 10
    private static let days = 5
    private static let secondsPerDay: Int64 = 86_400

    private var samples: [Int] = []
    private var last: (read: Int, written: Int, second: Int64)?
    private var maxima: [(day: Int64, bytesPerSecond: Int)] = []

    /// Nothing has been seen.
    package init() {}

    /// Takes the totals at a second.
    package mutating func note(read: Int, written: Int, second: Int64) {
        defer { last = (read, written, second) }
        guard let last else { return }
        // After a pause the totals say nothing of single seconds.
        guard second - last.second <= Int64(Self.window) else { return samples.removeAll() }
        samples.append(max(0, min(read - last.read, written - last.written)))
        if samples.count > Self.window { samples.removeFirst() }
        guard samples.count == Self.window else { return }
        let average = samples.reduce(0, +) / Self.window
        let day = second / Self.secondsPerDay
        if let index = maxima.firstIndex(where: { $0.day == day }) {
            maxima[index].bytesPerSecond = max(maxima[index].bytesPerSecond, average)
        } else {
            maxima.append((day, average))
            maxima.removeAll { $0.day <= day - Int64(Self.days) }
        }
    }

    /// Bytes per second, for a descriptor.
    package var bytesPerSecond: Int { maxima.map(\.bytesPerSecond).max() ?? 0 }
}
