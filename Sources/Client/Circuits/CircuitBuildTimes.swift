package import Directory

#if canImport(Glibc)
    internal import Glibc
#endif

/// How long circuits take to build, and so how long one is waited for (path-spec §2.4): learnt from a thousand of them by
/// fitting a Pareto distribution, of which the slowest fifth is given up.
package struct CircuitBuildTimes: Sendable {
    /// Numbers that the consensus may set.
    package struct Parameters: Hashable, Sendable {
        /// Learn nothing.
        var isDisabled = false
        /// How many of the fullest bins make Xm.
        var modeCount = 10
        /// How many timeouts among the recent circuits mean another network.
        var maxTimeouts = 18
        /// How many circuits are recent.
        var recentCount = 20
        /// How many circuits it takes to learn anything.
        var minCircuits = 100
        /// Which share of circuits is waited for.
        var quantile = 0.8
        /// Until which share they are watched.
        var closeQuantile = 0.99
        /// Seconds between circuits built to learn.
        var testFrequency = 10
        /// Never less than this, in milliseconds.
        var minTimeout = 10.0
        /// What holds before anything is learnt, in milliseconds.
        var initialTimeout = 60_000.0
        /// How many unused circuits there may be while learning.
        var maxOpenCircuits = 10

        /// C Tor's defaults.
        package init() {}

        /// The consensus's values; `override` is `CircuitBuildTimeout`.
        package init(_ parameters: ConsensusParameters, learns: Bool, override: Duration?) {
            func value(_ name: String, _ standard: Int32, _ range: ClosedRange<Int32>) -> Int32 {
                parameters.value(name, default: standard, in: range)
            }
            let most = Int32.max
            isDisabled = !learns || value("cbtdisabled", 0, 0...1) == 1
            modeCount = Int(value("cbtnummodes", 10, 1...20))
            recentCount = Int(value("cbtrecentcount", 20, 3...1000))
            maxTimeouts = Int(value("cbtmaxtimeouts", 18, 3...10_000))
            minCircuits = Int(value("cbtmincircs", 100, 1...10_000))
            quantile = Double(value("cbtquantile", 80, 10...99)) / 100
            closeQuantile = max(quantile, Double(value("cbtclosequantile", 99, 10...99)) / 100)
            testFrequency = Int(value("cbttestfreq", 10, 1...most))
            minTimeout = Double(value("cbtmintimeout", 10, 10...most))
            initialTimeout = max(minTimeout, Double(value("cbtinitialtimeout", 60_000, 10...most)))
            maxOpenCircuits = Int(value("cbtmaxopencircs", 10, 0...14))
            if let override { initialTimeout = max(1, Double(override.components.seconds) * 1000) }
        }
    }

    /// The network's numbers.
    package var parameters: Parameters {
        didSet { if parameters != oldValue { recompute() } }
    }
    /// Milliseconds of the last thousand circuits, oldest first; nil for those that were given up.
    private var times: [UInt32?] = []
    /// Whether each of the recent circuits timed out after its first hop.
    private var recent: [Bool] = []
    private var isLearnt = false
    private var timeoutMilliseconds: Double
    private var closeMilliseconds: Double

    private static let capacity = 1000
    private static let binWidth = 10.0

    /// Nothing learnt yet.
    package init(parameters: Parameters = Parameters()) {
        self.parameters = parameters
        timeoutMilliseconds = parameters.initialTimeout
        closeMilliseconds = parameters.initialTimeout
    }

    /// How long a circuit is waited for.
    package var timeout: Duration { .milliseconds(Int64(timeoutMilliseconds)) }
    /// How long one that came too late is watched, to learn.
    package var closeTimeout: Duration { .milliseconds(Int64(max(closeMilliseconds, timeoutMilliseconds))) }
    /// How many circuits it has seen.
    package var count: Int { times.count }
    /// Whether the timeout is learnt.
    package var hasEnough: Bool { times.count >= parameters.minCircuits }
    /// Whether circuits should be built only to learn.
    package var wantsCircuits: Bool { !parameters.isDisabled && !hasEnough }

    /// A circuit of three hops was built.
    package mutating func built(after duration: Duration) {
        guard !parameters.isDisabled else { return }
        let milliseconds = duration / .milliseconds(1)
        // C Tor: a value far beyond is a clock that jumped.
        guard milliseconds >= 0, milliseconds <= 2 * max(closeMilliseconds, timeoutMilliseconds) + 1000 else { return }
        note(UInt32(max(1, milliseconds)))
        recompute()
    }

    /// A circuit came in time.
    package mutating func succeeded() {
        noteRecent(false)
    }

    /// A circuit is waited for no longer. `passedFirstHop` tells a slow network from a dead guard.
    package mutating func timedOut(passedFirstHop: Bool) {
        guard !parameters.isDisabled, passedFirstHop else { return }
        noteRecent(true)
        guard recent.count(where: { $0 }) >= parameters.maxTimeouts else { return }
        // Most recent circuits timed out: the network is another one, or much slower. Learn anew, more patiently each time.
        times = []
        recent = []
        isLearnt = false
        if timeoutMilliseconds >= parameters.initialTimeout {
            timeoutMilliseconds = min(timeoutMilliseconds * 2, Double(Int32.max / 2))
            closeMilliseconds = min(closeMilliseconds * 2, Double(Int32.max / 2))
        } else {
            timeoutMilliseconds = parameters.initialTimeout
            closeMilliseconds = parameters.initialTimeout
        }
    }

    /// A circuit is watched no longer.
    package mutating func abandoned() {
        guard !parameters.isDisabled else { return }
        note(nil)
        recompute()
    }

    /// Forgets all (DROPTIMEOUTS).
    package mutating func reset() {
        self = CircuitBuildTimes(parameters: parameters)
    }

    private mutating func note(_ time: UInt32?) {
        if times.count == Self.capacity { times.removeFirst() }
        times.append(time)
    }

    private mutating func noteRecent(_ timedOut: Bool) {
        recent.append(timedOut)
        if recent.count > parameters.recentCount { recent.removeFirst(recent.count - parameters.recentCount) }
    }

    private func bins() -> [Int: Int] {
        var bins: [Int: Int] = [:]
        for case let time? in times { bins[Int(Double(time) / Self.binWidth), default: 0] += 1 }
        return bins
    }

    /// path-spec §2.4.2: Xm from the fullest bins, alpha by maximum likelihood, the timeout from the quantile.
    private mutating func recompute() {
        guard !parameters.isDisabled, hasEnough else {
            if !isLearnt, recent.isEmpty || parameters.isDisabled {
                timeoutMilliseconds = parameters.initialTimeout
                closeMilliseconds = parameters.initialTimeout
            }
            return
        }
        let modes = bins().sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(parameters.modeCount)
        let weight = modes.reduce(0) { $0 + $1.value }
        guard weight > 0 else { return }
        let middles = modes.reduce(0.0) { $0 + (Double($1.key) + 0.5) * Self.binWidth * Double($1.value) }
        let xm = (middles / Double(weight)).rounded(.down)
        let completed = times.compactMap { $0.map(Double.init) }
        let logs = completed.reduce(0.0) { $0 + log(max($1, xm) / xm) }
        guard xm > 0, logs > 0, let slowest = completed.max() else { return }
        let alpha = Double(completed.count) / logs
        func quantile(_ share: Double) -> Double {
            let rest = pow(1 - share, 1 / alpha)
            return rest > 0 ? min(xm / rest, Double(Int32.max)) : Double(Int32.max)
        }
        timeoutMilliseconds = max(min(quantile(parameters.quantile), slowest), parameters.minTimeout)
        closeMilliseconds = max(min(quantile(parameters.closeQuantile), 2 * slowest), parameters.initialTimeout)
        isLearnt = true
    }
}

// MARK: - The state file

extension CircuitBuildTimes {
    /// The lines of the state file, in C Tor's words: `TotalBuildTimes`, `CircuitBuildAbandonedCount`, `CircuitBuildTimeBin`.
    package var stateLines: [String] {
        guard !times.isEmpty else { return [] }
        let abandoned = times.count { $0 == nil }
        return ["TotalBuildTimes \(times.count)"]
            + (abandoned > 0 ? ["CircuitBuildAbandonedCount \(abandoned)"] : [])
            + bins().sorted { $0.key < $1.key }.map {
                "CircuitBuildTimeBin \(Int((Double($0.key) + 0.5) * Self.binWidth)) \($0.value)"
            }
    }

    /// Takes up what such lines say; lines of other kinds, and broken ones, are passed over.
    package mutating func restore(_ stateLines: [String]) {
        guard !parameters.isDisabled else { return }
        var restored: [UInt32?] = []
        for line in stateLines {
            let words = line.split(separator: " ")
            switch words.first {
            case "CircuitBuildTimeBin" where words.count == 3:
                guard let time = UInt32(words[1]), time < UInt32(Int32.max), let count = Int(words[2]),
                    (0...Self.capacity - restored.count).contains(count)
                else { continue }
                restored += [UInt32?](repeating: max(1, time), count: count)
            case "CircuitBuildAbandonedCount" where words.count == 2:
                guard let count = Int(words[1]), (0...Self.capacity - restored.count).contains(count) else { continue }
                restored += [UInt32?](repeating: nil, count: count)
            default: continue
            }
        }
        times = restored
        recompute()
    }
}
