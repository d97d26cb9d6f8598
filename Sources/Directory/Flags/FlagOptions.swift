/// What an operator can set about an authority's flags; the defaults are C Tor's.
package struct FlagOptions: Hashable, Sendable {
    /// AuthDirListBadExits: whether it votes on BadExit.
    package var listsBadExits = false
    /// AuthDirListMiddleOnly: whether it votes on MiddleOnly.
    package var listsMiddleOnly = false
    /// AuthDirTestReachability: if not, all that do not hibernate are running.
    package var testsReachability = true
    /// AuthDirHasIPv6Connectivity: whether IPv6 OR ports must answer too, and are voted for.
    package var hasIPv6Connectivity = false
    /// AuthDirMaxServersPerAddr: more at one address are Sybils; 0 for no limit.
    package var maximumPerAddress = 2
    /// AuthDirVoteStableGuaranteeMinUptime, in seconds.
    package var stableGuaranteedUptime: Int64 = 30 * 86_400
    /// AuthDirVoteStableGuaranteeMTBF, in seconds.
    package var stableGuaranteedMTBF: Int64 = 5 * 86_400
    /// AuthDirFastGuarantee, in bytes per second; 0 for none.
    package var fastGuarantee: UInt64 = 100 * 1024
    /// AuthDirGuardBWGuarantee, in bytes per second; 0 for none.
    package var guardBandwidthGuarantee: UInt64 = 2 * 1024 * 1024
    /// AuthDirVoteGuardBwThresholdFraction.
    package var guardBandwidthFraction = 0.75
    /// AuthDirVoteGuardGuaranteeTimeKnown, in seconds.
    package var guardGuaranteedTimeKnown: Int64 = 8 * 86_400
    /// AuthDirVoteGuardGuaranteeWFU.
    package var guardGuaranteedUptime = 0.98
    /// MinUptimeHidServDirectoryV2, in seconds.
    package var hsDirMinimumUptime: Int64 = 96 * 60 * 60
    /// MinMeasuredBWsForAuthToIgnoreAdvertised.
    package var measuredBandwidthsToIgnoreAdvertised = 500
    /// TestingTorNetwork: the four that follow count only there.
    package var isTestingNetwork = false
    /// TestingMinExitFlagThreshold, in bytes per second.
    package var testingMinimumExitBandwidth: UInt64 = 0
    /// TestingMinFastFlagThreshold, in bytes per second.
    package var testingMinimumFastBandwidth: UInt64 = 0
    /// FastFlagMinThreshold of the consensus, in bytes per second.
    package var minimumFastBandwidth: Int32 = 4
    /// FastFlagMaxThreshold of the consensus, in bytes per second.
    package var maximumFastBandwidth = Int32.max

    /// C Tor's defaults.
    package init() {}
}

/// What an operator wishes of one relay, whatever it does: the sets of relays in the options, looked up for it.
package struct FlagWishes: Hashable, Sendable {
    /// In AuthDirVoteGuard, or in a testing network in TestingDirAuthVoteGuard.
    package var votesGuard = false
    /// In TestingDirAuthVoteExit.
    package var votesExit = false
    /// In TestingDirAuthVoteHSDir.
    package var votesHSDir = false
    /// TestingDirAuthVoteGuardIsStrict: no others.
    package var guardIsStrict = false
    /// TestingDirAuthVoteExitIsStrict: no others.
    package var exitIsStrict = false
    /// TestingDirAuthVoteHSDirIsStrict: no others.
    package var hsDirIsStrict = false
    /// In AuthDirBadExit.
    package var isBadExit = false
    /// In AuthDirMiddleOnly.
    package var isMiddleOnly = false

    /// Never Guard ("!stripguard" in approved-routers).
    package var stripsGuard = false
    /// Never HSDir ("!striphsdir").
    package var stripsHSDir = false
    /// Never V2Dir ("!stripv2dir").
    package var stripsV2Dir = false

    /// Nothing wished.
    package init() {}
}
