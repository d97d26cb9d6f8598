/// Everything that a torrc says, with names, types and defaults: what the rest of the program works from.
///
/// The values of one configuration; a reload makes another. Reading it does no I/O: files come as bytes, includes
/// through an argument.
package struct Settings: Sendable {
    /// Folders, logs, threads, sockets.
    package let node: NodeSettings
    /// ORPort and what goes with it.
    package let relay: RelaySettings
    /// What may leave here.
    package let exit: ExitSettings
    /// Rates and bursts.
    package let bandwidth: BandwidthSettings
    /// Where documents come from.
    package let directory: DirectorySettings
    /// SocksPort and the choice of paths.
    package let client: ClientSettings
    /// Voting.
    package let authority: AuthoritySettings
    /// The control port.
    package let control: ControlSettings
    /// The operator's plugins.
    package let plugins: PluginSettings
    /// Whose plugins may run.
    package let pluginTrust: PluginTrustSettings
    /// What the operator should know about this configuration.
    package let warnings: [ConfigurationWarning]

    /// Reads a configuration: built-in defaults, then `defaults`, then `torrc`, then the command line.
    ///
    /// - Parameters:
    ///   - defaults: the `--defaults-torrc` file.
    ///   - torrc: the `-f` file.
    ///   - commandLine: options given as command-line words.
    ///   - include: reads what `%include` names; without it `%include` is an unknown option.
    ///   - environment: what the machine is like.
    package init(
        defaults: TorrcFile? = nil, torrc: TorrcFile?, commandLine: [TorrcLine] = [], include: IncludeReader? = nil,
        environment: ConfigurationEnvironment = ConfigurationEnvironment(home: nil, totalMemory: nil)
    ) throws(ConfigurationError) {
        var sources: [[TorrcLine]] = []
        for case let file? in [defaults, torrc] {
            sources.append(try TorrcReader.lines(of: file, include: include))
        }
        func values(testingNetwork: Bool) throws(ConfigurationError) -> OptionValues {
            var values = OptionValues(testingNetwork: testingNetwork)
            for lines in sources { try values.apply(lines) }
            try values.apply(commandLine, onCommandLine: true)
            return values
        }
        var read = try values(testingNetwork: false)
        if read.flag("TestingTorNetwork") { read = try values(testingNetwork: true) }
        try self.init(&read, environment)
    }

    private init(_ values: inout OptionValues, _ environment: ConfigurationEnvironment) throws(ConfigurationError) {
        node = try NodeSettings(&values, environment)
        relay = try RelaySettings(&values)
        exit = try ExitSettings(values)
        bandwidth = try BandwidthSettings(values, isRelay: relay.isRelay)
        directory = try DirectorySettings(&values)
        authority = try AuthoritySettings(&values, environment)
        client = try ClientSettings(&values)
        control = try ControlSettings(&values, environment)
        plugins = try PluginSettings(&values, dataDirectory: node.dataDirectory, environment)
        pluginTrust = try PluginTrustSettings(&values)
        try Self.check(&values, relay, exit, authority, client, directory)
        warnings = values.warnings
    }
}

// MARK: - Options that cannot change while the program runs

extension Settings {
    /// Refuses to replace `old` at run time when an option differs that is looked at only at the start.
    package func checkTransition(from old: Settings) throws(ConfigurationError) {
        let changed: [(option: String, hasChanged: Bool)] = [
            ("DataDirectory", node.dataDirectory != old.node.dataDirectory),
            ("KeyDirectory", node.keyDirectory != old.node.keyDirectory),
            ("CacheDirectory", node.cacheDirectory != old.node.cacheDirectory),
            ("PidFile", node.pidFile != old.node.pidFile),
            ("User", node.user != old.node.user),
            ("RunAsDaemon", node.runsAsDaemon != old.node.runsAsDaemon),
            ("TestingTorNetwork", node.isTestingNetwork != old.node.isTestingNetwork),
            ("DisableDebuggerAttachment", node.disablesDebuggerAttachment != old.node.disablesDebuggerAttachment),
            ("NumCPUs", node.cpuCount != old.node.cpuCount),
            ("AuthoritativeDirectory", authority.isAuthority != old.authority.isAuthority),
        ]
        for (option, hasChanged) in changed where hasChanged {
            throw ConfigurationError(
                location: nil, option: option, reason: "cannot change while the program runs; restart it")
        }
    }
}

// MARK: - Options that must agree with each other

extension Settings {
    private static func check(
        _ values: inout OptionValues, _ relay: RelaySettings, _ exit: ExitSettings, _ authority: AuthoritySettings,
        _ client: ClientSettings, _ directory: DirectorySettings
    ) throws(ConfigurationError) {
        let isTesting = values.flag("TestingTorNetwork")
        if authority.isAuthority {
            guard !client.isClientOnly else { throw values.error("AuthoritativeDirectory", "excludes ClientOnly 1") }
            guard relay.isRelay else { throw values.error("AuthoritativeDirectory", "needs an ORPort") }
            guard relay.dirPorts.contains(where: \.listens) else {
                throw values.error("AuthoritativeDirectory", "needs a DirPort")
            }
            guard relay.contactInfo != nil || isTesting else {
                throw values.error("AuthoritativeDirectory", "needs ContactInfo")
            }
            let hasOwnAddress = relay.orPorts.contains(where: \.isAddressExplicit)
            guard !relay.addresses.isEmpty || hasOwnAddress else {
                throw values.error("AuthoritativeDirectory", "needs Address")
            }
        } else if relay.isRelay, relay.contactInfo == nil {
            values.warn(
                "not set, so nobody can tell you when something is wrong with your relay", option: "ContactInfo")
        }
        if relay.isRelay {
            guard client.connectionPadding == nil else {
                throw values.error("ConnectionPadding", "must be auto at a relay")
            }
            guard !client.reducesConnectionPadding else {
                throw values.error("ReducedConnectionPadding", "must be 0 at a relay")
            }
        }
        if !relay.family.isEmpty, relay.contactInfo == nil {
            values.warn("ContactInfo should be set too", option: "MyFamily", at: values.location("MyFamily"))
        }
        if !exit.policy.isEmpty, exit.exitRelay == false {
            values.warn("has no effect while ExitRelay is 0", option: "ExitPolicy", at: values.location("ExitPolicy"))
        }
        if exit.reducedPolicy, !exit.policy.isEmpty {
            values.warn("is added after the lines of ExitPolicy", option: "ReducedExitPolicy")
        }
        guard !values.flag("FetchDirInfoExtraEarly") || values.flag("FetchDirInfoEarly") else {
            throw values.error("FetchDirInfoExtraEarly", "needs FetchDirInfoEarly 1 too")
        }
        guard !isTesting || !directory.authorities.isEmpty else {
            throw values.error("TestingTorNetwork", "needs DirAuthority lines")
        }
        guard values.flag("ClientDNSRejectInternalAddresses") || !directory.authorities.isEmpty else {
            throw values.error(
                "ClientDNSRejectInternalAddresses", "0 is for networks of your own, with DirAuthority lines")
        }
        if isTesting {
            values.warn("this node is almost unusable in the public network", option: "TestingTorNetwork")
        } else {
            let standard = OptionValues(testingNetwork: false)
            for option in testingOnly where !values.agrees(with: standard, on: option) {
                throw values.error(option, "may only be changed in testing networks (TestingTorNetwork 1)")
            }
        }
    }

    /// What only a testing network may change.
    private static let testingOnly = [
        "TestingV3AuthInitialVotingInterval", "TestingV3AuthInitialVoteDelay", "TestingV3AuthInitialDistDelay",
        "TestingV3AuthVotingStartOffset", "TestingAuthDirTimeToLearnReachability", "TestingServerDownloadInitialDelay",
        "TestingClientDownloadInitialDelay", "TestingServerConsensusDownloadInitialDelay",
        "TestingClientConsensusDownloadInitialDelay", "TestingClientMaxIntervalWithoutRequest",
        "TestingDirConnectionMaxStall", "TestingAuthKeyLifetime", "TestingLinkCertLifetime", "TestingSigningKeySlop",
        "TestingAuthKeySlop", "TestingLinkKeySlop", "TestingMinTimeToReportBandwidth", "TestingFanionConsensusMethods",
        "TestingFanionHandshakeTimeout",
    ]
}
