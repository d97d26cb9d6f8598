package import Cells
package import Configuration
package import Directory

/// Makes what an authority votes of what it knows: C Tor's `dirserv_generate_networkstatus_vote_obj`.
package struct VoteFactory: Sendable {
    private let settings: Settings
    private let source: AuthoritySource
    private let authorities: Set<RSAIdentity>
    /// The consensus methods that are voted for.
    package let methods: [Int]

    /// What is needed for one vote.
    package struct Inputs: Sendable {
        /// The relays.
        package var relays: [RSAIdentity: AuthorityDescriptorStore.Relay] = [:]
        /// How reachable they were.
        package var histories: [RSAIdentity: RelayHistory] = [:]
        /// What the operator says of single relays.
        package var approved = ApprovedRouters()
        /// Our own relay's identity.
        package var own: RSAIdentity?
        /// Which relays are running.
        package var running: Set<RSAIdentity> = []
        /// Measured bandwidths, if there is a file.
        package var bandwidthFile: BandwidthFile?
        /// When we began to watch relays.
        package var trackingSince: WallTime?
        /// Since when we are up.
        package var upSince: WallTime
        /// Our part in drawing a shared random value.
        package var sharedRandom: SharedRandomState?
        /// The current consensus's parameters.
        package var parameters = ConsensusParameters()
        /// The round that the vote is for.
        package var schedule: VotingSchedule
        /// Now.
        package var now: WallTime

        /// Nothing known yet.
        package init(schedule: VotingSchedule, upSince: WallTime, now: WallTime) {
            self.schedule = schedule
            self.upSince = upSince
            self.now = now
        }
    }

    /// A vote and what else came up while it was made.
    package struct Product: Sendable {
        /// What the vote says.
        package var content: VoteContent
        /// The microdescriptors that it names.
        package var microdescriptors: [Microdescriptor]
        /// Relays of too many at one address.
        package var sybils: Set<RSAIdentity>
    }

    /// Takes settings, and what votes call us.
    package init(settings: Settings, source: AuthoritySource) {
        self.settings = settings
        self.source = source
        authorities = Set(settings.directory.authorities.map(\.identity))
        let supported = ConsensusComputation.supportedMethods
        let wanted = settings.authority.consensusMethods?.filter { supported.contains($0) } ?? []
        methods = wanted.isEmpty ? Array(supported) : wanted
    }

    /// Which relays are running, by the tests of their ports.
    package func running(_ inputs: Inputs, options: FlagOptions) -> Set<RSAIdentity> {
        Set(
            inputs.relays.keys.filter { identity in
                candidate(identity, inputs, options)?.isRunning(
                    at: inputs.now, options: options, isSelf: identity == inputs.own) ?? false
            })
    }

    /// Makes a vote.
    package func make(_ inputs: Inputs) -> Product {
        let options = FlagOptions(settings, parameters: inputs.parameters)
        var candidates: [RSAIdentity: FlagCandidate] = [:]
        for identity in inputs.relays.keys { candidates[identity] = candidate(identity, inputs, options) }
        let learning = settings.authority.timeToLearnReachability.components.seconds
        let assignment = FlagAssignment(
            of: candidates.values.sorted { $0.identity < $1.identity }, running: inputs.running,
            trackingSince: inputs.trackingSince, ownUptime: inputs.now - inputs.upSince,
            votesOnRunning: inputs.now > inputs.upSince + learning, options: options, now: inputs.now)
        var content = VoteContent(
            methods: methods, published: inputs.now, header: header(inputs, assignment), source: source)
        content.flagThresholds = assignment.thresholds.line
        if settings.authority.bandwidthsFile != nil {
            let headers = inputs.bandwidthFile?.headers ?? []
            content.bandwidthFileHeaders = ByteText(headers.joined(separator: " "))
            content.bandwidthFileDigest = inputs.bandwidthFile.map { ByteText($0.digestText) }
        }
        content.sharedRandom = inputs.sharedRandom?.statement
        var microdescriptors: [Microdescriptor] = []
        var entries: [VoteEntry] = []
        for (identity, relay) in inputs.relays.sorted(by: { $0.key < $1.key }) {
            guard let candidate = candidates[identity],
                relay.descriptor.published + AuthoritySpec.descriptorAge >= inputs.now,
                ProtocolList(relay.descriptor.protocolText.description) != nil
            else { continue }
            let made = Microdescriptor.all(of: relay.descriptor, methods: methods)
            microdescriptors += made.map(\.microdescriptor)
            var entry = entry(relay.descriptor, candidate, inputs, options)
            entry.flags = assignment.flags(of: candidate).bits(in: content.header.knownFlags)
            entry.microdescriptors = made.map { .init(methods: $0.methods, digest: $0.microdescriptor.digest) }
            entries.append(entry)
        }
        content.entries = VoteEntry.withUniqueEd25519(entries)
        return Product(content: content, microdescriptors: microdescriptors, sybils: assignment.thresholds.sybils)
    }

    private func header(_ inputs: Inputs, _ assignment: FlagAssignment) -> NetworkStatusHeader {
        let authority = settings.authority
        var header = NetworkStatusHeader()
        let interval = authority.votingInterval.components.seconds
        header.validAfter = inputs.schedule.intervalStarts
        header.freshUntil = header.validAfter + interval
        header.validUntil = header.validAfter + interval * Int64(authority.intervalsValid)
        header.voteDelay = authority.voteDelay.components.seconds
        header.distributionDelay = authority.distributionDelay.components.seconds
        if authority.recommendsVersions {
            header.clientVersions = Self.versions(authority.recommendedClientVersions)
            header.serverVersions = Self.versions(authority.recommendedServerVersions)
        }
        header.recommendedClientProtocols = ByteText(AuthoritySpec.recommendedClientProtocols)
        header.recommendedRelayProtocols = ByteText(AuthoritySpec.recommendedRelayProtocols)
        header.requiredClientProtocols = ByteText(AuthoritySpec.requiredClientProtocols)
        header.requiredRelayProtocols = ByteText(AuthoritySpec.requiredRelayProtocols)
        header.knownFlags = assignment.knownFlags
        var parameters = Dictionary(
            authority.consensusParameters.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        if !parameters.isEmpty {
            // So that everybody can see why relays are missing.
            parameters["AuthDirMaxServersPerAddr"] = Int32(clamping: authority.maxRelaysPerAddress ?? 0)
        }
        header.parameters = ConsensusParameters(parameters)
        header.previousSharedRandom = inputs.sharedRandom?.previous
        header.currentSharedRandom = inputs.sharedRandom?.current
        return header
    }

    /// Versions from old to new, each once, with commas between.
    private static func versions(_ list: [String]) -> ByteText {
        let words = list.flatMap { $0.split(separator: " ") }.map { ByteText(String($0)) }
        var result: [ByteText] = []
        for version in TorVersion.sorted(words)
        where result.last.map({ TorVersion.compareTexts($0, version) != 0 }) ?? true {
            result.append(version)
        }
        return ByteText(result.map(\.bytes).joined(separator: [UInt8(ascii: ",")]))
    }

    private func candidate(_ identity: RSAIdentity, _ inputs: Inputs, _ options: FlagOptions) -> FlagCandidate? {
        guard let relay = inputs.relays[identity] else { return nil }
        let router = relay.descriptor
        var candidate = FlagCandidate(identity: identity, address: router.address, published: router.published)
        candidate.isAuthority = authorities.contains(identity)
        candidate.ipv6 = router.ipv6
        candidate.statedUptime = min(router.uptime ?? 0, AuthorityLimits.believableUptime)
        candidate.isHibernating = router.isHibernating
        candidate.answersDirectoryRequests = router.isTunnelledDirServer
        candidate.wantsToBeHSDir = router.isHSDir
        candidate.isGeneralExit = router.exitPolicy.isGeneralExit(
            allowingPrivate: settings.directory.allowsPrivateAddresses)
        candidate.advertisedBandwidth = Self.kilobytes(router)
        candidate.measuredBandwidth = inputs.bandwidthFile?.measurements[identity]
        candidate.isValid = relay.isValid
        candidate.lastReachable = relay.lastReachable
        candidate.lastReachableIPv6 = relay.lastReachableIPv6
        candidate.history = inputs.histories[identity] ?? RelayHistory()
        candidate.wishes = FlagWishes(settings, inputs.approved, of: router)
        return candidate
    }

    /// What a relay says that it carries, as far as anybody is believed, in kilobytes per second.
    private static func kilobytes(_ router: RouterDescriptor) -> UInt32 {
        let advertised = min(router.bandwidth.rate, router.bandwidth.observed, AuthoritySpec.believableBandwidth)
        return UInt32(max(0, advertised)) / 1000
    }

    private func entry(
        _ router: RouterDescriptor, _ candidate: FlagCandidate, _ inputs: Inputs, _ options: FlagOptions
    ) -> VoteEntry {
        var entry = VoteEntry(
            nickname: router.nickname, identity: router.identity, descriptorDigest: router.digest,
            published: router.published, address: router.address, orPort: router.orPort, dirPort: router.dirPort,
            protocols: router.protocolText)
        entry.ipv6 = candidate.votedIPv6(at: inputs.now, options: options, isSelf: router.identity == inputs.own)
        entry.version = router.platform.flatMap { DescriptorRules.versionText($0) }
        entry.bandwidth = candidate.advertisedBandwidth
        // An authority is to do what only it can do, and gets no measured weight.
        if candidate.isAuthority {
            entry.measuredButAuthority = candidate.measuredBandwidth
        } else {
            entry.measuredBandwidth = candidate.measuredBandwidth
        }
        entry.exitSummary = ByteText(router.exitPolicy.summary(isIPv6: false).description)
        entry.ed25519 = .key(router.ed25519Identity)
        entry.statistics = candidate.history.statistics(at: inputs.now)
        return entry
    }
}
