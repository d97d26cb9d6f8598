/// The directory authority: when it votes, and what it votes.
package struct AuthoritySettings: Sendable {
    /// `AuthoritativeDirectory` with `V3AuthoritativeDirectory`.
    package let isAuthority: Bool
    /// `V3AuthVotingInterval`.
    package let votingInterval: Duration
    /// `V3AuthVoteDelay`.
    package let voteDelay: Duration
    /// `V3AuthDistDelay`.
    package let distributionDelay: Duration
    /// `V3AuthNIntervalsValid`.
    package let intervalsValid: Int
    /// `TestingV3AuthInitialVotingInterval`: until there is a consensus.
    package let initialVotingInterval: Duration
    /// `TestingV3AuthInitialVoteDelay`.
    package let initialVoteDelay: Duration
    /// `TestingV3AuthInitialDistDelay`.
    package let initialDistributionDelay: Duration
    /// `TestingV3AuthVotingStartOffset`.
    package let votingStartOffset: Duration
    /// `TestingFanionConsensusMethods`; `nil` for all that are built in.
    package let consensusMethods: [Int]?
    /// `ConsensusParams`, sorted by name.
    package let consensusParameters: [(name: String, value: Int32)]
    /// `VersioningAuthoritativeDirectory`.
    package let recommendsVersions: Bool
    /// `RecommendedClientVersions`, else `RecommendedVersions`.
    package let recommendedClientVersions: [String]
    /// `RecommendedServerVersions`, else `RecommendedVersions`.
    package let recommendedServerVersions: [String]
    /// `MinimalAcceptedServerVersion`.
    package let minimalAcceptedVersion: String
    /// `V3BandwidthsFile`.
    package let bandwidthsFile: String?
    /// `MinMeasuredBWsForAuthToIgnoreAdvertised`.
    package let measuredBandwidthsNeeded: Int

    /// `AuthDirReject`: relays whose descriptors are refused.
    package let rejected: NodeList
    /// `AuthDirInvalid`: relays that never get the Valid flag.
    package let invalid: NodeList
    /// `AuthDirBadExit`: relays that get the BadExit flag, when `listsBadExits`.
    package let badExits: NodeList
    /// `AuthDirMiddleOnly`: relays that get the MiddleOnly flag, when `listsMiddleOnly`.
    package let middleOnly: NodeList
    /// `AuthDirListBadExits`.
    package let listsBadExits: Bool
    /// `AuthDirListMiddleOnly`.
    package let listsMiddleOnly: Bool
    /// `AuthDirVoteGuard`.
    package let alwaysGuards: NodeList
    /// `TestingDirAuthVoteExit`.
    package let votedExits: VotedNodes
    /// `TestingDirAuthVoteGuard`.
    package let votedGuards: VotedNodes
    /// `TestingDirAuthVoteHSDir`.
    package let votedHSDirs: VotedNodes

    /// `AuthDirMaxServersPerAddr`; `nil` for any number.
    package let maxRelaysPerAddress: Int?
    /// `AuthDirPinKeys`.
    package let pinsKeys: Bool
    /// `AuthDirSharedRandomness`.
    package let takesPartInSharedRandomness: Bool
    /// `AuthDirTestReachability`.
    package let testsReachability: Bool
    /// `AuthDirTestEd25519LinkKeys`.
    package let testsEd25519LinkKeys: Bool
    /// `AuthDirHasIPv6Connectivity`.
    package let hasIPv6: Bool
    /// `TestingAuthDirTimeToLearnReachability`.
    package let timeToLearnReachability: Duration

    /// `AuthDirFastGuarantee`: bytes per second that always suffice for Fast; `nil` for none.
    package let fastGuarantee: Int?
    /// `AuthDirGuardBWGuarantee`: bytes per second that always suffice for Guard; `nil` for none.
    package let guardBandwidthGuarantee: Int?
    /// `AuthDirVoteStableGuaranteeMinUptime`.
    package let stableUptimeGuarantee: Duration
    /// `AuthDirVoteStableGuaranteeMTBF`.
    package let stableMTBFGuarantee: Duration
    /// `AuthDirVoteGuardGuaranteeTimeKnown`.
    package let guardTimeKnownGuarantee: Duration
    /// `AuthDirVoteGuardGuaranteeWFU`.
    package let guardWFUGuarantee: Double
    /// `AuthDirVoteGuardBwThresholdFraction`.
    package let guardBandwidthFraction: Double
    /// `MinUptimeHidServDirectoryV2`.
    package let minimumHSDirUptime: Duration
    /// `TestingMinExitFlagThreshold`, in bytes per second.
    package let minimumExitThreshold: Int
    /// `TestingMinFastFlagThreshold`, in bytes per second.
    package let minimumFastThreshold: Int

    init(_ values: inout OptionValues, _ environment: ConfigurationEnvironment) throws(ConfigurationError) {
        let isDirectory = values.flag("AuthoritativeDirectory")
        isAuthority = isDirectory && values.flag("V3AuthoritativeDirectory")
        guard !isDirectory || isAuthority else {
            throw values.error("AuthoritativeDirectory", "needs V3AuthoritativeDirectory 1 too")
        }
        votingInterval = values.seconds("V3AuthVotingInterval")
        voteDelay = values.seconds("V3AuthVoteDelay")
        distributionDelay = values.seconds("V3AuthDistDelay")
        intervalsValid = values.integer("V3AuthNIntervalsValid")
        initialVotingInterval = values.seconds("TestingV3AuthInitialVotingInterval")
        initialVoteDelay = values.seconds("TestingV3AuthInitialVoteDelay")
        initialDistributionDelay = values.seconds("TestingV3AuthInitialDistDelay")
        votingStartOffset = values.seconds("TestingV3AuthVotingStartOffset")
        var methods: [Int] = []
        for item in values.list("TestingFanionConsensusMethods") {
            guard let method = Int(item), method > 0 else {
                throw values.error("TestingFanionConsensusMethods", "\"\(item)\" is no method number")
            }
            methods.append(method)
        }
        consensusMethods = methods.isEmpty ? nil : methods.sorted()
        consensusParameters = try Self.parameters(values)
        recommendsVersions = values.flag("VersioningAuthoritativeDirectory")
        let versions = Self.versions("RecommendedVersions", values)
        let client = Self.versions("RecommendedClientVersions", values)
        let server = Self.versions("RecommendedServerVersions", values)
        recommendedClientVersions = client.isEmpty ? versions : client
        recommendedServerVersions = server.isEmpty ? versions : server
        guard !recommendsVersions || (!recommendedClientVersions.isEmpty && !recommendedServerVersions.isEmpty) else {
            throw values.error("VersioningAuthoritativeDirectory", "needs Recommended*Versions")
        }
        minimalAcceptedVersion = values.text("MinimalAcceptedServerVersion") ?? ""
        bandwidthsFile = values.text("V3BandwidthsFile").map(environment.expand)
        measuredBandwidthsNeeded = values.integer("MinMeasuredBWsForAuthToIgnoreAdvertised")

        func list(_ option: String) throws(ConfigurationError) -> NodeList {
            try NodeList.read(values.lines(option), option: option)
        }
        rejected = try list("AuthDirReject")
        invalid = try list("AuthDirInvalid")
        badExits = try list("AuthDirBadExit")
        middleOnly = try list("AuthDirMiddleOnly")
        listsBadExits = values.flag("AuthDirListBadExits")
        listsMiddleOnly = values.flag("AuthDirListMiddleOnly")
        alwaysGuards = try list("AuthDirVoteGuard")
        votedExits = try VotedNodes("TestingDirAuthVoteExit", values)
        votedGuards = try VotedNodes("TestingDirAuthVoteGuard", values)
        votedHSDirs = try VotedNodes("TestingDirAuthVoteHSDir", values)

        let perAddress = values.integer("AuthDirMaxServersPerAddr")
        maxRelaysPerAddress = perAddress > 0 ? perAddress : nil
        pinsKeys = values.flag("AuthDirPinKeys")
        takesPartInSharedRandomness = values.flag("AuthDirSharedRandomness")
        testsReachability = values.flag("AuthDirTestReachability")
        testsEd25519LinkKeys = values.flag("AuthDirTestEd25519LinkKeys")
        hasIPv6 = values.flag("AuthDirHasIPv6Connectivity")
        timeToLearnReachability = values.seconds("TestingAuthDirTimeToLearnReachability")
        let fast = try values.bandwidth("AuthDirFastGuarantee")
        fastGuarantee = fast > 0 ? fast : nil
        let guardBandwidth = try values.bandwidth("AuthDirGuardBWGuarantee")
        guardBandwidthGuarantee = guardBandwidth > 0 ? guardBandwidth : nil
        stableUptimeGuarantee = values.seconds("AuthDirVoteStableGuaranteeMinUptime")
        stableMTBFGuarantee = values.seconds("AuthDirVoteStableGuaranteeMTBF")
        guardTimeKnownGuarantee = values.seconds("AuthDirVoteGuardGuaranteeTimeKnown")
        guardWFUGuarantee = values.number("AuthDirVoteGuardGuaranteeWFU")
        guardBandwidthFraction = values.number("AuthDirVoteGuardBwThresholdFraction")
        guard (0...1).contains(guardBandwidthFraction) else {
            throw values.error("AuthDirVoteGuardBwThresholdFraction", "must be from 0 to 1")
        }
        minimumHSDirUptime = values.seconds("MinUptimeHidServDirectoryV2")
        minimumExitThreshold = values.integer("TestingMinExitFlagThreshold")
        minimumFastThreshold = values.integer("TestingMinFastFlagThreshold")
        if isAuthority { try checkSchedule(&values) }
    }

    private static func versions(_ option: String, _ values: OptionValues) -> [String] {
        values.lines(option).flatMap { $0.value.split(separator: ",").map(trimmed) }.filter { !$0.isEmpty }
    }

    private static func parameters(_ values: OptionValues) throws(ConfigurationError) -> [(name: String, value: Int32)]
    {
        var parameters: [String: Int32] = [:]
        for line in values.lines("ConsensusParams") {
            for item in line.value.split(whereSeparator: \.isWhitespace) {
                let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty, let value = Int32(parts[1]) else {
                    throw ConfigurationError(
                        location: line.location, option: "ConsensusParams",
                        reason: "\"\(item)\" is no name=number")
                }
                parameters[String(parts[0])] = value
            }
        }
        return parameters.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    private func checkSchedule(_ values: inout OptionValues) throws(ConfigurationError) {
        guard (voteDelay + distributionDelay) * 2 < votingInterval else {
            throw values.error(
                "V3AuthVotingInterval", "V3AuthVoteDelay and V3AuthDistDelay together must be less than half of it")
        }
        let isTesting = values.flag("TestingTorNetwork")
        let least = Duration.seconds(ConfigurationLimits.minimumVoteDelay)
        for (option, delay) in [
            ("V3AuthVoteDelay", voteDelay), ("V3AuthDistDelay", distributionDelay),
            ("TestingV3AuthInitialVoteDelay", initialVoteDelay),
            ("TestingV3AuthInitialDistDelay", initialDistributionDelay),
        ] where delay < least {
            throw values.error(option, "way too low; at least \(ConfigurationLimits.minimumVoteDelay) seconds")
        }
        guard intervalsValid >= 2 else { throw values.error("V3AuthNIntervalsValid", "must be at least 2") }
        let interval = values.integer("V3AuthVotingInterval")
        if interval < ConfigurationLimits.minimumVotingInterval {
            guard isTesting else { throw values.error("V3AuthVotingInterval", "insanely low") }
            values.warn("very low; authorities may fail to agree in time", option: "V3AuthVotingInterval")
        }
        guard interval <= 86400 else { throw values.error("V3AuthVotingInterval", "insanely high") }
        if 86400 % interval != 0 {
            values.warn("does not divide evenly into 24 hours", option: "V3AuthVotingInterval")
        }
        let initial = values.integer("TestingV3AuthInitialVotingInterval")
        guard initial >= ConfigurationLimits.minimumInitialVotingInterval else {
            throw values.error("TestingV3AuthInitialVotingInterval", "insanely low")
        }
        guard 1800 % initial == 0 else {
            throw values.error("TestingV3AuthInitialVotingInterval", "does not divide evenly into 30 minutes")
        }
        guard initialVoteDelay + initialDistributionDelay < initialVotingInterval else {
            throw values.error(
                "TestingV3AuthInitialVotingInterval", "must be more than both initial delays together")
        }
        guard votingStartOffset <= min(initialVotingInterval, votingInterval) else {
            throw values.error("TestingV3AuthVotingStartOffset", "higher than the voting interval")
        }
    }
}

/// Relays that a testing network's authority gives a flag, whatever it has measured.
package struct VotedNodes: Sendable {
    /// They get the flag.
    package let nodes: NodeList
    /// Nobody else gets it.
    package let isStrict: Bool

    init(_ option: String, _ values: OptionValues) throws(ConfigurationError) {
        nodes = try NodeList.read(values.lines(option), option: option)
        isStrict = values.flag(option + "IsStrict")
    }
}
