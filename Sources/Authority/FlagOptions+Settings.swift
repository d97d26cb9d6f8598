internal import Cells
package import Configuration
package import Directory

extension FlagOptions {
    /// What the settings say, and two parameters of the consensus.
    package init(_ settings: Settings, parameters: ConsensusParameters) {
        self.init()
        let authority = settings.authority
        listsBadExits = authority.listsBadExits
        listsMiddleOnly = authority.listsMiddleOnly
        testsReachability = authority.testsReachability
        hasIPv6Connectivity = authority.hasIPv6
        maximumPerAddress = authority.maxRelaysPerAddress ?? 0
        stableGuaranteedUptime = authority.stableUptimeGuarantee.components.seconds
        stableGuaranteedMTBF = authority.stableMTBFGuarantee.components.seconds
        fastGuarantee = UInt64(max(0, authority.fastGuarantee ?? 0))
        guardBandwidthGuarantee = UInt64(max(0, authority.guardBandwidthGuarantee ?? 0))
        guardBandwidthFraction = authority.guardBandwidthFraction
        guardGuaranteedTimeKnown = authority.guardTimeKnownGuarantee.components.seconds
        guardGuaranteedUptime = authority.guardWFUGuarantee
        hsDirMinimumUptime = authority.minimumHSDirUptime.components.seconds
        measuredBandwidthsToIgnoreAdvertised = authority.measuredBandwidthsNeeded
        isTestingNetwork = settings.node.isTestingNetwork
        testingMinimumExitBandwidth = UInt64(max(0, authority.minimumExitThreshold))
        testingMinimumFastBandwidth = UInt64(max(0, authority.minimumFastThreshold))
        minimumFastBandwidth = parameters.value("FastFlagMinThreshold", default: 4, in: 4...Int32.max)
        maximumFastBandwidth = parameters.value("FastFlagMaxThreshold", default: .max, in: 4...Int32.max)
    }
}

extension FlagWishes {
    /// What the settings and the list of relays wish of one relay.
    init(_ settings: Settings, _ approved: ApprovedRouters, of router: RouterDescriptor) {
        self.init()
        let authority = settings.authority
        func has(_ list: NodeList) -> Bool {
            list.contains(
                identity: router.identity, nickname: router.nickname, address: IPAddress(ipv4: router.address),
                port: router.orPort)
        }
        let isTesting = settings.node.isTestingNetwork
        votesGuard = has(authority.alwaysGuards) || (isTesting && has(authority.votedGuards.nodes))
        votesExit = has(authority.votedExits.nodes)
        votesHSDir = has(authority.votedHSDirs.nodes)
        guardIsStrict = authority.votedGuards.isStrict
        exitIsStrict = authority.votedExits.isStrict
        hsDirIsStrict = authority.votedHSDirs.isStrict
        let marks = approved.marks(of: router)
        isBadExit = has(authority.badExits) || marks.contains(.badExit)
        isMiddleOnly = has(authority.middleOnly) || marks.contains(.middleOnly)
        stripsGuard = marks.contains(.stripGuard)
        stripsHSDir = marks.contains(.stripHSDir)
        stripsV2Dir = marks.contains(.stripV2Dir)
    }
}
