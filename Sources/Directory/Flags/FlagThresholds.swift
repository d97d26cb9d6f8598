package import Cells

/// What a relay needs for Stable, Fast and Guard, drawn from all relays of the moment (dir-spec, "Assigning flags").
package struct FlagThresholds: Hashable, Sendable {
    /// Seconds of uptime for Stable, where too little was watched for the next.
    package private(set) var stableUptime: UInt32 = 0
    /// Seconds between failures for Stable.
    package private(set) var stableMTBF = 0.0
    /// Whether four hours were watched, so that the time between failures counts.
    package private(set) var hasEnoughMTBF: Bool
    /// Kilobytes per second for Fast.
    package private(set) var fastBandwidth: UInt32 = 0
    /// Fraction of time up for Guard.
    package private(set) var guardUptime = 0.0
    /// Seconds of being known for Guard.
    package private(set) var guardTimeKnown: Int64 = 0
    /// Kilobytes per second for Guard, among all relays.
    package private(set) var guardBandwidthWithExits: UInt32 = 0
    /// Kilobytes per second for Guard, among those that are no exits.
    package private(set) var guardBandwidthWithoutExits: UInt32 = 0
    /// Whether enough relays are measured that advertised bandwidths count nothing.
    package private(set) var ignoresAdvertised: Bool
    /// The relays at an address that has too many.
    package let sybils: Set<RSAIdentity>

    /// Below this the lowest eighth is taken for too low a bar: half of what a relay must have at least.
    private static let tooSlow: UInt32 = 75 * 1024 / 2000
    /// Relays with less, in kilobytes per second, do not count on a real network.
    private static let minimumBandwidth: UInt64 = 4

    /// Computes the thresholds from all relays that the authority knows.
    ///
    /// `trackingSince` is when it began to watch reachability; `running` says which relays are.
    package init(
        of candidates: [FlagCandidate], running: Set<RSAIdentity>, trackingSince: WallTime?, options: FlagOptions,
        now: WallTime
    ) {
        sybils = Self.sybils(candidates, running: running, options: options)
        hasEnoughMTBF = (trackingSince?.seconds ?? 0) < now.seconds - 4 * 60 * 60
        let measured = candidates.count { $0.measuredBandwidth != nil }
        ignoresAdvertised = measured > options.measuredBandwidthsToIgnoreAdvertised
        let ignoresAdvertised = ignoresAdvertised
        let sybils = sybils
        let minimum = options.isTestingNetwork ? options.testingMinimumExitBandwidth / 1000 : Self.minimumBandwidth
        let active = candidates.filter {
            Self.isActive($0, running: running, now: now) && !sybils.contains($0.identity)
                && UInt64(Self.bandwidth($0, ignoresAdvertised)) >= minimum
                && ($0.measuredBandwidth != nil || !ignoresAdvertised)
        }
        let bandwidths = active.map { Self.bandwidth($0, ignoresAdvertised) }.sorted()
        if !active.isEmpty {
            stableUptime = UInt32(clamping: active.map { $0.uptime(at: now) }.lowMedian() ?? 0)
            stableMTBF = active.map { $0.history.meanTimeBetweenFailures(at: now) }.lowMedian() ?? 0
            fastBandwidth = bandwidths[active.count / 8]
            if fastBandwidth < Self.tooSlow { fastBandwidth = bandwidths[active.count / 4] }
            guardBandwidthWithExits = Self.nth(bandwidths, options.guardBandwidthFraction)
            guardTimeKnown = active.map { $0.history.timeKnown(at: now) }.sorted()[active.count / 8]
        }
        guardTimeKnown = min(guardTimeKnown, options.guardGuaranteedTimeKnown)
        limitFast(options)
        let familiar = active.filter { $0.history.timeKnown(at: now) >= guardTimeKnown }
        guardUptime = min(
            familiar.map { $0.history.fractionalUptime(at: now) }.lowMedian() ?? 0, options.guardGuaranteedUptime)
        let others = active.filter { !$0.isGeneralExit || $0.wishes.isBadExit }
        guardBandwidthWithoutExits = Self.nth(
            others.map { Self.bandwidth($0, ignoresAdvertised) }.sorted(), options.guardBandwidthFraction)
    }

    /// Presses the bar for Fast into the range that consensus and operator set.
    private mutating func limitFast(_ options: FlagOptions) {
        let minimum =
            options.isTestingNetwork
            ? Int32(clamping: options.testingMinimumFastBandwidth) : max(4, options.minimumFastBandwidth)
        let maximum = max(minimum, options.maximumFastBandwidth)
        fastBandwidth = min(max(fastBandwidth, UInt32(minimum / 1000)), UInt32(maximum / 1000))
        if options.fastGuarantee > 0 {
            fastBandwidth = UInt32(min(UInt64(fastBandwidth), options.fastGuarantee / 1000))
        }
    }

    private static func nth(_ sorted: [UInt32], _ fraction: Double) -> UInt32 {
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, max(0, Int(Double(sorted.count) * fraction)))]
    }

    /// The bandwidth that we believe in: measured, or else advertised, as long as that counts.
    static func bandwidth(_ candidate: FlagCandidate, _ ignoresAdvertised: Bool) -> UInt32 {
        candidate.measuredBandwidth ?? (ignoresAdvertised ? 0 : candidate.advertisedBandwidth)
    }

    /// Running, valid, awake, and with a descriptor of the last day.
    static func isActive(_ candidate: FlagCandidate, running: Set<RSAIdentity>, now: WallTime) -> Bool {
        candidate.published.seconds >= now.seconds - 86_400 && running.contains(candidate.identity) && candidate.isValid
            && !candidate.isHibernating
    }

    /// The relays above the limit at one IPv4 or IPv6 address. The most useful stay: authorities, then those that are
    /// running, then the fast ones.
    private static func sybils(
        _ candidates: [FlagCandidate], running: Set<RSAIdentity>, options: FlagOptions
    ) -> Set<RSAIdentity> {
        guard options.maximumPerAddress > 0 else { return [] }
        let useful = candidates.sorted { left, right in
            if left.isAuthority != right.isAuthority { return left.isAuthority }
            let (leftRuns, rightRuns) = (running.contains(left.identity), running.contains(right.identity))
            if leftRuns != rightRuns { return leftRuns }
            let leftBandwidth = left.measuredBandwidth ?? left.advertisedBandwidth
            let rightBandwidth = right.measuredBandwidth ?? right.advertisedBandwidth
            return leftBandwidth == rightBandwidth ? left.identity < right.identity : leftBandwidth > rightBandwidth
        }
        var result: Set<RSAIdentity> = []
        var counts: [IPAddress: Int] = [:]
        for candidate in useful {
            for address in [IPAddress(ipv4: candidate.address), candidate.ipv6?.address].compactMap({ $0 }) {
                counts[address, default: 0] += 1
                if counts[address, default: 0] > options.maximumPerAddress { result.insert(candidate.identity) }
            }
        }
        return result
    }

    /// The arguments of the vote's `flag-thresholds` line.
    package var line: ByteText {
        ByteText(
            "stable-uptime=\(stableUptime) stable-mtbf=\(UInt64(max(0, stableMTBF))) "
                + "fast-speed=\(UInt64(fastBandwidth) * 1000) "
                + "guard-wfu=\(Decimals.format(guardUptime * 100, places: 3))% guard-tk=\(guardTimeKnown) "
                + "guard-bw-inc-exits=\(UInt64(guardBandwidthWithExits) * 1000) "
                + "guard-bw-exc-exits=\(UInt64(guardBandwidthWithoutExits) * 1000) "
                + "enough-mtbf=\(hasEnoughMTBF ? 1 : 0) ignoring-advertised-bws=\(ignoresAdvertised ? 1 : 0)")
    }
}
