package import Cells

/// Gives relays the flags that an authority votes for (dir-spec, "Assigning flags"; C Tor's voteflags).
package struct FlagAssignment: Sendable {
    /// The bars of this vote.
    package let thresholds: FlagThresholds
    private let running: Set<RSAIdentity>
    private let options: FlagOptions
    private let now: WallTime
    private let ownUptime: Int64
    private let votesOnRunning: Bool

    /// Computes the thresholds from all relays that the authority knows.
    ///
    /// `ownUptime` is for how many seconds the authority is up: until it can have seen for how long a relay is, it goes
    /// by the relay's word. `votesOnRunning` is false until it has had the time to reach everybody
    /// (TestingAuthDirTimeToLearnReachability); nobody is Running in its vote until then.
    package init(
        of candidates: [FlagCandidate], running: Set<RSAIdentity>, trackingSince: WallTime?, ownUptime: Int64,
        votesOnRunning: Bool, options: FlagOptions, now: WallTime
    ) {
        thresholds = FlagThresholds(
            of: candidates, running: running, trackingSince: trackingSince, options: options, now: now)
        self.running = running
        self.options = options
        self.now = now
        self.ownUptime = ownUptime
        self.votesOnRunning = votesOnRunning
    }

    /// The flags that this vote can give, sorted: its `known-flags` line.
    package var knownFlags: [ByteText] {
        var names: RelayFlags = [
            .authority, .exit, .fast, .guard, .hsDir, .stable, .staleDesc, .sybil, .v2Dir, .valid,
        ]
        if votesOnRunning { names.insert(.running) }
        if options.listsBadExits { names.insert(.badExit) }
        if options.listsMiddleOnly { names.insert(.middleOnly) }
        return names.names.map { ByteText($0) }
    }

    /// The flags of one relay.
    package func flags(of relay: FlagCandidate) -> RelayFlags {
        let isRunning = running.contains(relay.identity)
        let isStable = isStable(relay)
        let bandwidth = FlagThresholds.bandwidth(relay, thresholds.ignoresAdvertised)
        let isFast = bandwidth >= thresholds.fastBandwidth
        var flags: RelayFlags = []
        flags.set(.authority, relay.isAuthority)
        flags.set(.exit, relay.isGeneralExit)
        flags.set(.stable, isStable)
        flags.set(.fast, isFast)
        flags.set(.running, isRunning)
        flags.set(.valid, relay.isValid)
        flags.set(.v2Dir, relay.answersDirectoryRequests)
        flags.set(.hsDir, isStable && isFast && isHSDir(relay))
        flags.set(.guard, isStable && isFast && isGuard(relay, bandwidth))
        flags.set(.badExit, options.listsBadExits && relay.wishes.isBadExit)
        if options.listsMiddleOnly, relay.wishes.isMiddleOnly {
            flags.insert(.middleOnly)
            flags.set(.badExit, options.listsBadExits)
            flags.subtract([.exit, .guard, .hsDir, .v2Dir])
        }
        if relay.wishes.stripsGuard { flags.remove(.guard) }
        if relay.wishes.stripsHSDir { flags.remove(.hsDir) }
        if relay.wishes.stripsV2Dir { flags.remove(.v2Dir) }
        flags.set(.staleDesc, relay.published.seconds + 18 * 60 * 60 < now.seconds)
        applyWishes(relay.wishes, to: &flags)
        if thresholds.sybils.contains(relay.identity) {
            // A Sybil keeps its bad flags only.
            flags.formIntersection([.badExit, .middleOnly, .staleDesc])
            flags.insert(.sybil)
        }
        if !votesOnRunning { flags.remove(.running) }
        return flags
    }

    private func isStable(_ relay: FlagCandidate) -> Bool {
        if thresholds.hasEnoughMTBF {
            let mean = relay.history.meanTimeBetweenFailures(at: now)
            return mean >= thresholds.stableMTBF || mean >= Double(options.stableGuaranteedMTBF)
        }
        let uptime = relay.uptime(at: now)
        return uptime >= Int64(thresholds.stableUptime) || uptime >= options.stableGuaranteedUptime
    }

    private func isHSDir(_ relay: FlagCandidate) -> Bool {
        var uptime = relay.uptime(at: now)
        if Double(ownUptime) > Double(options.hsDirMinimumUptime) * 1.1 {
            uptime = min(uptime, relay.history.uptime(at: now))
        }
        return relay.wantsToBeHSDir && relay.answersDirectoryRequests && uptime >= options.hsDirMinimumUptime
            && FlagThresholds.isActive(relay, running: running, now: now)
    }

    private func isGuard(_ relay: FlagCandidate, _ bandwidth: UInt32) -> Bool {
        let bar = min(thresholds.guardBandwidthWithExits, thresholds.guardBandwidthWithoutExits)
        let guarantee = options.guardBandwidthGuarantee
        let isFastEnough = bandwidth >= bar || (guarantee > 0 && UInt64(bandwidth) >= guarantee / 1000)
        return relay.answersDirectoryRequests && isFastEnough
            && relay.history.fractionalUptime(at: now) >= thresholds.guardUptime
            && relay.history.timeKnown(at: now) >= thresholds.guardTimeKnown
    }

    private func applyWishes(_ wishes: FlagWishes, to flags: inout RelayFlags) {
        if wishes.votesGuard {
            flags.insert(.guard)
        } else if wishes.guardIsStrict, options.isTestingNetwork {
            flags.remove(.guard)
        }
        guard options.isTestingNetwork else { return }
        if wishes.votesExit { flags.insert(.exit) } else if wishes.exitIsStrict { flags.remove(.exit) }
        if wishes.votesHSDir { flags.insert(.hsDir) } else if wishes.hsDirIsStrict { flags.remove(.hsDir) }
    }
}

extension RelayFlags {
    /// Puts in or takes out.
    fileprivate mutating func set(_ flag: RelayFlags, _ isOn: Bool) {
        if isOn { insert(flag) } else { remove(flag) }
    }

    /// These flags as the bits of a vote's entries.
    package func bits(in knownFlags: [ByteText]) -> UInt64 {
        knownFlags.prefix(64).enumerated().reduce(0) { bits, item in
            let flag = RelayFlags.flag(item.element)
            return !flag.isEmpty && contains(flag) ? bits | 1 << UInt64(item.offset) : bits
        }
    }
}
