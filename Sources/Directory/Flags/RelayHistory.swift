package import Cells

/// How one relay's reachability went, as an authority saw it: the memory behind Stable and Guard.
///
/// Two weighted averages, of the length of runs (mean time between failures) and of the time up, in which the past counts
/// less and less: every twelve hours all that was recorded is multiplied by 0.95. Only what the authority itself saw; a
/// relay's own word for its uptime is in its descriptor.
package struct RelayHistory: Hashable, Sendable {
    /// How much of the past is kept when it is discounted.
    package static let discount = 0.95
    /// Seconds from one discounting to the next.
    package static let discountInterval: Int64 = 12 * 60 * 60

    /// Seconds of all finished runs, discounted.
    package private(set) var weightedRunLength: Int64 = 0
    /// How many runs that were, discounted.
    package private(set) var runWeight = 0.0
    /// Seconds up in finished runs, discounted.
    package private(set) var weightedUptime: Int64 = 0
    /// Seconds watched in finished runs and downtimes, discounted.
    package private(set) var weightedTimeWatched: Int64 = 0
    /// Since when it is up; nil if it is not.
    package private(set) var runStart: WallTime?
    /// Since when it is down; nil if it is not.
    package private(set) var downtimeStart: WallTime?
    /// Where it was last reached.
    package private(set) var lastEndpoint: SocketEndpoint?

    /// A relay that was never looked at.
    package init() {}

    /// Takes back what was saved.
    package init(
        weightedRunLength: Int64, runWeight: Double, weightedUptime: Int64, weightedTimeWatched: Int64,
        runStart: WallTime?, downtimeStart: WallTime?
    ) {
        self.weightedRunLength = max(0, weightedRunLength)
        self.runWeight = max(0, runWeight)
        self.weightedUptime = max(0, weightedUptime)
        self.weightedTimeWatched = max(0, weightedTimeWatched)
        self.runStart = runStart
        self.downtimeStart = downtimeStart
    }

    /// The relay was reached. At another address than before, that counts as if it had been down for `movePenalty`
    /// seconds: half of the time that clients take to learn of the move.
    package mutating func noteReachable(at now: WallTime, endpoint: SocketEndpoint?, movePenalty: Int64) {
        let moved = endpoint != nil && lastEndpoint != nil && endpoint != lastEndpoint
        if runStart == nil { runStart = now }
        if let start = downtimeStart {
            weightedTimeWatched += max(0, now.seconds - start.seconds)
            downtimeStart = nil
        } else if moved {
            noteUnreachable(at: WallTime(seconds: now.seconds - movePenalty))
            noteReachable(at: now, endpoint: nil, movePenalty: movePenalty)
        }
        if let endpoint { lastEndpoint = endpoint }
    }

    /// The relay could not be reached since `now`, which may lie before its run began: that costs it time.
    package mutating func noteUnreachable(at now: WallTime) {
        if let start = runStart {
            let length = now.seconds - start.seconds
            runWeight += 1
            runStart = nil
            if length < 0 {
                weightedRunLength = max(0, weightedRunLength + length)
                weightedUptime = max(0, weightedUptime + length)
            } else {
                weightedRunLength += length
                weightedUptime += length
                weightedTimeWatched += length
            }
        }
        if downtimeStart == nil { downtimeStart = now }
    }

    /// The relay is one of too many at its address: nothing good is remembered of it.
    package mutating func makePessimal(at now: WallTime) {
        noteUnreachable(at: now)
        weightedRunLength = 0
        weightedUptime = 0
    }

    /// Discounts the past once for each interval that went by.
    package mutating func discountPast(intervals: Int) {
        var factor = 1.0
        for _ in 0..<max(0, intervals) { factor *= Self.discount }
        weightedRunLength = Int64(Double(weightedRunLength) * factor)
        runWeight *= factor
        weightedUptime = Int64(Double(weightedUptime) * factor)
        weightedTimeWatched = Int64(Double(weightedTimeWatched) * factor)
    }

    /// Mean time between failures in seconds, as if the relay failed now.
    package func meanTimeBetweenFailures(at now: WallTime) -> Double {
        var length = weightedRunLength
        var weight = runWeight
        if let runStart {
            length += now.seconds - runStart.seconds
            weight += 1
        }
        return weight < 0.0001 ? 0 : Double(length) / weight
    }

    /// Seconds for which it was watched.
    package func timeKnown(at now: WallTime) -> Int64 {
        weightedTimeWatched + ((runStart ?? downtimeStart).map { now.seconds - $0.seconds } ?? 0)
    }

    /// The part of that time for which it was up.
    package func fractionalUptime(at now: WallTime) -> Double {
        let total = timeKnown(at: now)
        let up = weightedUptime + (runStart.map { now.seconds - $0.seconds } ?? 0)
        return total == 0 ? 0 : Double(up) / Double(total)
    }

    /// Seconds since it came up; 0 if it is down.
    package func uptime(at now: WallTime) -> Int64 {
        runStart.map { max(0, now.seconds - $0.seconds) } ?? 0
    }

    /// The arguments of a vote's `stats` line.
    package func statistics(at now: WallTime) -> ByteText {
        let mean = UInt64(max(0, meanTimeBetweenFailures(at: now)).rounded(.toNearestOrEven))
        return ByteText(
            "wfu=\(Decimals.format(fractionalUptime(at: now), places: 6)) tk=\(timeKnown(at: now)) mtbf=\(mean)")
    }
}

/// Numbers with decimals, as printf writes them.
enum Decimals {
    /// A number of at least 0 with so many places, rounded to nearest.
    static func format(_ value: Double, places: Int) -> String {
        var scale: UInt64 = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = UInt64(min(max(0, value) * Double(scale), 1e15).rounded(.toNearestOrEven))
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: places - fraction.count) + fraction
    }
}
