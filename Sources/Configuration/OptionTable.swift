// Longer than other files because it is one table: every option name of C Tor 0.4.9.11, and ours. `docs/torrc.md` is
// made from it, and a test compares the two.

/// Every option name that a torrc may hold, and what we do with it.
package enum OptionTable {
    /// One line per option that works: `Name | kind | default`.
    private static let supported = """
        Address | lines |
        AddressDisableIPv6 | flag | 0
        AllowNonRFC953Hostnames | flag | 0
        AssumeReachable | flag | 0
        AssumeReachableIPv6 | autoFlag | auto
        AuthDirBadExit | lines |
        AuthDirFastGuarantee | memory | 100 KB
        AuthDirGuardBWGuarantee | memory | 2 MB
        AuthDirHasIPv6Connectivity | flag | 0
        AuthDirInvalid | lines |
        AuthDirListBadExits | flag | 0
        AuthDirListMiddleOnly | flag | 0
        AuthDirMaxServersPerAddr | count | 2
        AuthDirMiddleOnly | lines |
        AuthDirPinKeys | flag | 1
        AuthDirReject | lines |
        AuthDirSharedRandomness | flag | 1
        AuthDirTestEd25519LinkKeys | flag | 1
        AuthDirTestReachability | flag | 1
        AuthDirVoteGuard | lines |
        AuthDirVoteGuardBwThresholdFraction | number | 0.75
        AuthDirVoteGuardGuaranteeTimeKnown | interval | 8 days
        AuthDirVoteGuardGuaranteeWFU | number | 0.98
        AuthDirVoteStableGuaranteeMTBF | interval | 5 days
        AuthDirVoteStableGuaranteeMinUptime | interval | 30 days
        AuthoritativeDirectory | flag | 0
        BandwidthBurst | memory | 1 GB
        BandwidthRate | memory | 1 GB
        CacheDirectory | path |
        CacheDirectoryGroupReadable | autoFlag | auto
        CircuitBuildTimeout | interval | 0
        CircuitPadding | flag | 1
        CircuitPriorityHalflife | number | -1.0
        CircuitStreamTimeout | interval | 0
        CircuitsAvailableTimeout | interval | 0
        ClientBootstrapConsensusAuthorityDownloadInitialDelay | firstInterval | 6
        ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay | firstInterval | 0
        ClientBootstrapConsensusFallbackDownloadInitialDelay | firstInterval | 0
        ClientBootstrapConsensusMaxInProgressTries | count | 3
        ClientDNSRejectInternalAddresses | flag | 1
        ClientOnly | flag | 0
        ClientRejectInternalAddresses | flag | 1
        ConnLimit | count | 1000
        ConnectionPadding | autoFlag | auto
        ConsensusParams | lines |
        ContactInfo | text |
        ControlPort | lines |
        ControlPortFileGroupReadable | flag | 0
        ControlPortWriteToFile | path |
        ControlSocket | lines |
        ControlSocketsGroupWritable | flag | 0
        CookieAuthFile | path |
        CookieAuthFileGroupReadable | flag | 0
        CookieAuthentication | flag | 0
        CountPrivateBandwidth | flag | 0
        DataDirectory | path |
        DataDirectoryGroupReadable | flag | 0
        DirAllowPrivateAddresses | flag | 0
        DirAuthority | lines |
        DirCache | flag | 1
        DirPort | lines |
        DisableDebuggerAttachment | flag | 1
        DisableNetwork | flag | 0
        DownloadExtraInfo | flag | 0
        EnforceDistinctSubnets | flag | 1
        EntryNodes | lines |
        ExcludeExitNodes | lines |
        ExcludeNodes | lines |
        ExitNodes | lines |
        ExitPolicy | lines |
        ExitPolicyRejectLocalInterfaces | flag | 0
        ExitPolicyRejectPrivate | flag | 1
        ExitRelay | autoFlag | auto
        ExtendAllowPrivateAddresses | flag | 0
        FetchDirInfoEarly | flag | 0
        FetchDirInfoExtraEarly | flag | 0
        FetchServerDescriptors | flag | 1
        FetchUselessDescriptors | flag | 0
        GuardLifetime | interval | 0 minutes
        HashedControlPassword | lines |
        IPv6Exit | flag | 0
        KeepalivePeriod | interval | 5 minutes
        KeyDirectory | path |
        KeyDirectoryGroupReadable | autoFlag | auto
        LearnCircuitBuildTimeout | flag | 1
        Log | lines |
        LongLivedPorts | commaList | 21,22,706,1863,5050,5190,5222,5223,6523,6667,6697,8300
        MaxAdvertisedBandwidth | memory | 1 GB
        MaxCircuitDirtiness | interval | 10 minutes
        MaxClientCircuitsPending | count | 32
        MaxConsensusAgeForDiffs | interval | 0
        MaxMemInQueues | memory | 0
        MaxOnionQueueDelay | milliseconds | 0
        MiddleNodes | lines |
        MinMeasuredBWsForAuthToIgnoreAdvertised | integer | 500
        MinUptimeHidServDirectoryV2 | interval | 96 hours
        MinimalAcceptedServerVersion | text | 0.4.8.0-alpha-dev
        MyFamily | lines |
        NewCircuitPeriod | interval | 30 seconds
        Nickname | text |
        NumCPUs | count | 0
        NumDirectoryGuards | count | 0
        NumEntryGuards | count | 0
        NumPrimaryGuards | count | 0
        ORPort | lines |
        OfflineMasterKey | flag | 0
        OutboundBindAddress | lines |
        OutboundBindAddressExit | lines |
        OutboundBindAddressOR | lines |
        PathsNeededToBuildCircuits | number | -1
        PerConnBWBurst | memory | 0
        PerConnBWRate | memory | 0
        PidFile | path |
        Plugin | lines |
        PluginBring | lines |
        PluginBudgetCPU | count | 10
        PluginBudgetHostCPU | count | 50
        PluginBudgetInstructions | count | 20000
        PluginBudgetMemory | memory | 64 KB
        PluginBudgetMessages | count | 32
        PluginBudgetPaddingPercent | count | 10000
        PluginBudgetPaddingRate | count | 1000
        PluginCheckpointAge | interval | 7 days
        PluginKey | lines |
        PluginLog | lines |
        PluginLogInterval | interval | 1 hour
        PluginPolicy | text | installed
        PluginRevocationAge | interval | 7 days
        PluginsDirectory | path |
        PluginStrictCircuits | flag | 0
        PluginWitness | lines |
        PluginWitnessesNeeded | integer | -1
        PublishServerDescriptor | commaList | 1
        RecommendedClientVersions | lines |
        RecommendedServerVersions | lines |
        RecommendedVersions | lines |
        ReducedConnectionPadding | flag | 0
        ReducedExitPolicy | flag | 0
        RejectPlaintextPorts | commaList |
        RelayBandwidthBurst | memory | 0
        RelayBandwidthRate | memory | 0
        RunAsDaemon | flag | 0
        SafeLogging | text | 1
        SafeSocks | flag | 0
        ServerDNSAllowBrokenConfig | flag | 1
        ServerDNSAllowNonRFC953Hostnames | flag | 0
        ServerDNSDetectHijacking | flag | 1
        ServerDNSRandomizeCase | flag | 1
        ServerDNSResolvConfFile | path |
        ServerDNSSearchDomains | flag | 0
        ServerDNSTestAddresses | commaList | www.google.com,www.mit.edu,www.yahoo.com,www.slashdot.org
        ShutdownWaitLength | interval | 30 seconds
        SigningKeyLifetime | interval | 30 days
        SocksPort | lines |
        SocksTimeout | interval | 2 minutes
        StrictNodes | flag | 0
        TestingAuthDirTimeToLearnReachability | interval | 30 minutes
        TestingAuthKeyLifetime | interval | 2 days
        TestingAuthKeySlop | interval | 3 hours
        TestingClientConsensusDownloadInitialDelay | firstInterval | 0
        TestingClientDownloadInitialDelay | firstInterval | 0
        TestingClientMaxIntervalWithoutRequest | interval | 10 minutes
        TestingDirAuthVoteExit | lines |
        TestingDirAuthVoteExitIsStrict | flag | 0
        TestingDirAuthVoteGuard | lines |
        TestingDirAuthVoteGuardIsStrict | flag | 0
        TestingDirAuthVoteHSDir | lines |
        TestingDirAuthVoteHSDirIsStrict | flag | 0
        TestingDirConnectionMaxStall | interval | 5 minutes
        TestingFanionAnyPlugin | flag | 0
        TestingFanionConsensusMethods | commaList |
        TestingFanionHandshakeTimeout | milliseconds | 60 seconds
        TestingLinkCertLifetime | interval | 2 days
        TestingLinkKeySlop | interval | 3 hours
        TestingMinExitFlagThreshold | memory | 0
        TestingMinFastFlagThreshold | memory | 0
        TestingMinTimeToReportBandwidth | interval | 1 day
        TestingServerConsensusDownloadInitialDelay | firstInterval | 0
        TestingServerDownloadInitialDelay | firstInterval | 0
        TestingSigningKeySlop | interval | 1 day
        TestingTorNetwork | flag | 0
        TestingV3AuthInitialDistDelay | interval | 5 minutes
        TestingV3AuthInitialVoteDelay | interval | 5 minutes
        TestingV3AuthInitialVotingInterval | interval | 30 minutes
        TestingV3AuthVotingStartOffset | interval | 0
        TruncateLogFile | flag | 0
        UnixSocksGroupWritable | flag | 0
        UseEntryGuards | flag | 1
        User | text |
        V3AuthDistDelay | interval | 5 minutes
        V3AuthNIntervalsValid | count | 3
        V3AuthVoteDelay | interval | 5 minutes
        V3AuthVotingInterval | interval | 1 hour
        V3AuthoritativeDirectory | flag | 0
        V3BandwidthsFile | path |
        VersioningAuthoritativeDirectory | flag | 0
        WarnPlaintextPorts | commaList | 23,109,110,143
        __DisablePredictedCircuits | flag | 0
        __HashedControlSessionPassword | lines |
        __ReloadTorrcOnSIGHUP | flag | 1
        """

    /// One line per option that does nothing here: `Name | why that is harmless`.
    private static let ignored = """
        AccelDir | OpenSSL chooses its own acceleration
        AccelName | OpenSSL chooses its own acceleration
        AccountingRule | there is no accounting yet; AccountingMax is refused
        AccountingStart | there is no accounting yet; AccountingMax is refused
        AlternateBridgeAuthority | bridges are not supported yet, so there is nobody to ask
        AuthDirRejectRequestsUnderLoad | an authority answers everybody
        AutomapHostsOnResolve | names under .onion do not resolve yet
        AutomapHostsSuffixes | names under .onion do not resolve yet
        AvoidDiskWrites | only what a restart needs is written
        BridgeDistribution | BridgeRelay is refused
        BridgeRecordUsageByCountry | no usage is recorded at all
        CellStatistics | no such statistics are collected
        ClientOnionAuthDir | onion services are not supported yet
        ClientPreferIPv6DirPort | it has no effect in C Tor either
        ClientPreferIPv6ORPort | a client connects over IPv4 first
        ClientUseIPv6 | a client connects over IPv4
        CompiledProofOfWorkHash | onion services are not supported yet
        ConfluxClientUX | circuits have one leg
        ConfluxEnabled | circuits have one leg
        ConnDirectionStatistics | no such statistics are collected
        ConstrainedSockSize | socket buffers are the system's
        ConstrainedSockets | socket buffers are the system's
        DirAuthorityFallbackRate | there are no fallback directories; authorities are asked
        DirPortFrontPage | the DirPort serves directory documents only
        DirReqStatistics | no such statistics are collected
        DisableOOSCheck | connections are refused when descriptors run out, never killed
        DoSCircuitCreationBurst | the defence is not built yet; DoSCircuitCreationEnabled 1 is refused
        DoSCircuitCreationDefenseTimePeriod | the defence is not built yet; DoSCircuitCreationEnabled 1 is refused
        DoSCircuitCreationDefenseType | the defence is not built yet; DoSCircuitCreationEnabled 1 is refused
        DoSCircuitCreationMinConnections | the defence is not built yet; DoSCircuitCreationEnabled 1 is refused
        DoSCircuitCreationRate | the defence is not built yet; DoSCircuitCreationEnabled 1 is refused
        DoSConnectionConnectBurst | the defence is not built yet; DoSConnectionEnabled 1 is refused
        DoSConnectionConnectDefenseTimePeriod | the defence is not built yet; DoSConnectionEnabled 1 is refused
        DoSConnectionConnectRate | the defence is not built yet; DoSConnectionEnabled 1 is refused
        DoSConnectionDefenseType | the defence is not built yet; DoSConnectionEnabled 1 is refused
        DoSConnectionMaxConcurrentCount | the defence is not built yet; DoSConnectionEnabled 1 is refused
        DoSRefuseSingleHopClientRendezvous | a relay is no rendezvous point yet
        DoSStreamCreationBurst | the defence is not built yet; DoSStreamCreationEnabled 1 is refused
        DoSStreamCreationDefenseType | the defence is not built yet; DoSStreamCreationEnabled 1 is refused
        DoSStreamCreationRate | the defence is not built yet; DoSStreamCreationEnabled 1 is refused
        DormantCanceledByStartup | a client never goes dormant
        DormantClientTimeout | a client never goes dormant
        DormantOnFirstStartup | a client never goes dormant
        DormantTimeoutDisabledByIdleStreams | a client never goes dormant
        DormantTimeoutEnabled | a client never goes dormant
        EntryStatistics | no such statistics are collected
        ExitPortStatistics | no such statistics are collected
        ExtORPortCookieAuthFile | ExtORPort is refused
        ExtORPortCookieAuthFileGroupReadable | ExtORPort is refused
        ExtendByEd25519ID | Ed25519 identities are always used where they are known
        ExtraInfoStatistics | the extra-info document carries no statistics
        FallbackDir | the first consensus comes from the authorities
        FetchHidServDescriptors | onion services are not supported yet
        GeoIPExcludeUnknown | country codes are refused, so no country is unknown
        GeoIPFile | country codes are refused and no usage is counted by country
        GeoIPv6File | country codes are refused and no usage is counted by country
        GuardfractionFile | guard fractions are not voted on
        HTTPProxyAuthenticator | HTTPProxy is refused
        HTTPSProxyAuthenticator | HTTPSProxy is refused
        HardwareAccel | OpenSSL chooses its own acceleration
        HeartbeatPeriod | there is no heartbeat message yet
        HiddenServiceStatistics | no such statistics are collected
        KISTSchedRunInterval | the scheduler runs when a socket can be written to
        KISTSockBufSizeFactor | the kernel's queue is bounded by TCP_NOTSENT_LOWAT
        LogMessageDomains | log lines carry their component as a label
        LogTimeGranularity | log lines carry milliseconds
        MainloopStats | the event loops keep no such counters
        MaxHSDirCacheBytes | a relay is no onion service directory yet
        MaxUnparseableDescSizeToLog | unreadable descriptors are not written to disk
        MetricsPort | there is no metrics port yet
        MetricsPortPolicy | there is no metrics port yet
        OutboundBindAddressPT | pluggable transports are refused
        OverloadStatistics | no such statistics are collected
        PaddingStatistics | no such statistics are collected
        PathBiasCircThreshold | path bias is not measured
        PathBiasExtremeRate | path bias is not measured
        PathBiasExtremeUseRate | path bias is not measured
        PathBiasNoticeRate | path bias is not measured
        PathBiasNoticeUseRate | path bias is not measured
        PathBiasScaleThreshold | path bias is not measured
        PathBiasScaleUseThreshold | path bias is not measured
        PathBiasUseThreshold | path bias is not measured
        PathBiasWarnRate | path bias is not measured
        ProtocolWarnings | a peer's misbehaviour is counted and shown at debug level
        PublishHidServDescriptors | onion services are not supported yet
        ReconfigDropsBridgeDescs | bridges are refused
        ReducedCircuitPadding | a client's padding machines are for onion services, which are not supported yet
        ReevaluateExitPolicy | a new exit policy holds for new streams
        RephistTrackTime | history is kept for a day
        SSLKeyLifetime | the TLS key lives as long as its certificate
        Schedulers | there is one scheduler
        ServerTransportListenAddr | ServerTransportPlugin is refused
        ServerTransportOptions | ServerTransportPlugin is refused
        Socks5ProxyPassword | Socks5Proxy is refused
        Socks5ProxyUsername | Socks5Proxy is refused
        SyslogIdentityTag | logging to syslog is refused
        TestSocks | SOCKS requests are never logged one by one
        TestingBridgeBootstrapDownloadInitialDelay | bridges are refused
        TestingBridgeDownloadInitialDelay | bridges are refused
        TestingEnableCellStatsEvent | the control port has no such event yet
        TestingEnableConnBwEvent | the control port has no such event yet
        TokenBucketRefillInterval | token buckets are filled continuously
        TrackHostExits | exits are not pinned to hosts
        TrackHostExitsExpire | exits are not pinned to hosts
        TransProxyType | TransPort is refused
        UseDefaultFallbackDirs | the first consensus comes from the authorities
        UseGuardFraction | guard fractions are not voted on
        UseMicrodescriptors | a client always uses microdescriptors
        VanguardsLiteEnabled | onion services are not supported yet
        VirtualAddrNetworkIPv4 | names under .onion do not resolve yet
        VirtualAddrNetworkIPv6 | names under .onion do not resolve yet
        __AlwaysCongestionControl | it has no effect on fixed windows
        __DisableSignalHandlers | signals are always handled
        __OwningControllerFD | a controller ends the program with SIGNAL SHUTDOWN
        __OwningControllerProcess | a controller ends the program with SIGNAL SHUTDOWN
        __SbwsExit | it has no effect on fixed windows
        """

    /// One line per option that we refuse: `Name | values that are harmless | why ignoring it would do harm`.
    private static let refused = """
        AccountingMax | 0,0 bytes | there is no accounting yet, and the traffic would not be limited
        AlternateDirAuthority | | use DirAuthority; this would trust other authorities
        AuthDirBadExitCCs | | there is no country database
        AuthDirInvalidCCs | | there is no country database
        AuthDirMiddleOnlyCCs | | there is no country database
        AuthDirRejectCCs | | there is no country database
        Bridge | | bridges are not supported yet, and the client would connect to guards openly
        BridgeAuthoritativeDir | 0 | bridges are not supported yet
        BridgePassword | | bridges are not supported yet
        BridgeRelay | 0 | bridges are not supported yet, and the relay would be published
        ClientTransportPlugin | | pluggable transports are not supported yet, and the client would connect openly
        ClientUseIPv4 | 1 | a client connects over IPv4
        DNSPort | 0 | there is no DNS port yet, and names might be resolved elsewhere
        DirPolicy | | the DirPort answers everybody
        DisableAllSwap | 0 | memory is not locked yet, and keys could reach the swap device
        DoSCircuitCreationEnabled | 0,auto | the defence is not built yet
        DoSConnectionEnabled | 0,auto | the defence is not built yet
        DoSStreamCreationEnabled | 0,auto | the defence is not built yet
        ExtORPort | 0 | pluggable transports are not supported yet
        FamilyId | | family keys are not supported yet, and relays of one operator would share circuits; use MyFamily
        FamilyKeyDirectory | | family keys are not supported yet; use MyFamily
        FascistFirewall | 0 | a client connects to any port
        FirewallPorts | | a client connects to any port
        HSLayer2Nodes | | onion services are not supported yet, and their paths would not be pinned
        HSLayer3Nodes | | onion services are not supported yet, and their paths would not be pinned
        HTTPProxy | | proxies are not supported yet, and connections would be made openly
        HTTPSProxy | | proxies are not supported yet, and connections would be made openly
        HTTPTunnelPort | 0 | there is no HTTP tunnel port yet; use SocksPort
        HiddenServiceAllowUnknownPorts | | onion services are not supported yet
        HiddenServiceDir | | onion services are not supported yet
        HiddenServiceDirGroupReadable | | onion services are not supported yet
        HiddenServiceEnableIntroDoSBurstPerSec | | onion services are not supported yet
        HiddenServiceEnableIntroDoSDefense | | onion services are not supported yet
        HiddenServiceEnableIntroDoSRatePerSec | | onion services are not supported yet
        HiddenServiceExportCircuitID | | onion services are not supported yet
        HiddenServiceMaxStreams | | onion services are not supported yet
        HiddenServiceMaxStreamsCloseCircuit | | onion services are not supported yet
        HiddenServiceNonAnonymousMode | 0 | onion services are not supported yet
        HiddenServiceNumIntroductionPoints | | onion services are not supported yet
        HiddenServiceOnionBalanceInstance | | onion services are not supported yet
        HiddenServicePoWDefensesEnabled | | onion services are not supported yet
        HiddenServicePoWQueueBurst | | onion services are not supported yet
        HiddenServicePoWQueueRate | | onion services are not supported yet
        HiddenServicePort | | onion services are not supported yet
        HiddenServiceSingleHopMode | 0 | onion services are not supported yet
        HiddenServiceVersion | | onion services are not supported yet
        KeepBindCapabilities | 0,auto | capabilities are dropped with the user
        MapAddress | | addresses are not mapped yet, and connections would go elsewhere than asked
        NATDPort | 0 | there is no NATD port yet
        NoExec | 0 | running other programs is not forbidden to the process yet
        NodeFamily | | families are read from descriptors only, and these relays would share circuits
        PathBiasDropGuards | 0,auto | path bias is not measured, and no guard would be dropped
        ReachableAddresses | | a client connects to any address
        ReachableDirAddresses | | a client connects to any address
        ReachableORAddresses | | a client connects to any address
        RefuseUnknownExits | 0,auto | a relay cannot tell unknown relays yet
        Sandbox | 0 | there is no sandbox yet
        ServerTransportPlugin | | pluggable transports are not supported yet
        Socks4Proxy | | proxies are not supported yet, and connections would be made openly
        Socks5Proxy | | proxies are not supported yet, and connections would be made openly
        SocksPolicy | | the SocksPort answers everybody who reaches it; bind it to an address that only you can reach
        TCPProxy | | proxies are not supported yet, and connections would be made openly
        TransPort | 0 | there is no transparent port yet
        UpdateBridgesFromAuthority | 0 | bridges are not supported yet
        UseBridges | 0 | bridges are not supported yet, and the client would connect to guards openly
        V3AuthUseLegacyKey | 0 | an authority votes with one identity key
        __AllDirActionsPrivate | 0 | an authority answers the first request directly
        __LeaveStreamsUnattached | 0 | a controller cannot attach streams yet
        """

    /// Names that C Tor skips with a warning.
    private static let obsolete = """
        AllowDotExit AllowInvalidNodes AllowSingleHopCircuits AllowSingleHopExits AlternateHSAuthority AndroidIdentityTag
        AuthDirBadDir AuthDirBadDirCCs AuthDirListBadDirs AuthDirMaxServersPerAuthAddr AuthDirRejectUnlisted
        CircuitIdleTimeout ClientAutoIPv6ORPort ClientBootstrapConsensusAuthorityOnlyMaxDownloadTries
        ClientBootstrapConsensusMaxDownloadTries CloseHSClientCircuitsImmediatelyOnTimeout
        CloseHSServiceRendCircuitsImmediatelyOnTimeout ControlListenAddress DNSListenAddress DirListenAddress DisableIOCP
        DisableV2DirectoryInfo_ DynamicDHGroups ExcludeSingleHopRelays FallbackNetworkstatusFile FastFirstHopPK
        FetchV2Networkstatus Group HidServAuth HidServDirectoryV2 HiddenServiceAuthorizeClient MaxOnionsPending
        NATDListenAddress NamingAuthoritativeDirectory ORListenAddress OptimisticData PathBiasDisableRate
        PathBiasMultFactor PathBiasScaleFactor PathBiasUseCloseCounts PortForwarding PortForwardingHelper
        PredictedPortsRelevanceTime PreferTunneledDirConns RecommendedPackages RunTesting SchedulerHighWaterMark__
        SchedulerLowWaterMark__ SchedulerMaxFlushCells__ SocksListenAddress StrictEntryNodes StrictExitNodes
        Support022HiddenServices TLSECGroup TestingCertMaxDownloadTries TestingConsensusMaxDownloadTries
        TestingDescriptorMaxDownloadTries TestingEnableTbEmptyEvent TestingEstimatedDescriptorPropagationTime
        TestingMicrodescMaxDownloadTries Tor2webMode Tor2webRendezvousPoints TransListenAddress TunnelDirConns
        UseEntryGuardsAsDirGuards UseFilteringSSLBufferevents UseNTorHandshake UserspaceIOCPBuffers
        V1AuthoritativeDirectory V2AuthoritativeDirectory VoteOnHidServDirectoriesV2 WarnUnsafeSocks
        __UseFilteringSSLBufferevents
        """

    /// Other spellings that C Tor accepts: `Spelling | Name`.
    private static let otherSpellings = """
        AuthDirBadDirCC | AuthDirBadDirCCs
        AuthDirBadExitCC | AuthDirBadExitCCs
        AuthDirInvalidCC | AuthDirInvalidCCs
        AuthDirMiddleOnlyCC | AuthDirMiddleOnlyCCs
        AuthDirRejectCC | AuthDirRejectCCs
        AutomapHostOnResolve | AutomapHostsOnResolve
        AutomapHostSuffixes | AutomapHostsSuffixes
        BandwidthBurstBytes | BandwidthBurst
        BandwidthRateBytes | BandwidthRate
        BridgeAuthoritativeDirectory | BridgeAuthoritativeDir
        ClientBootstrapConsensusAuthorityDownloadSchedule | ClientBootstrapConsensusAuthorityDownloadInitialDelay
        ClientBootstrapConsensusAuthorityOnlyDownloadSchedule | \
        ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay
        ClientBootstrapConsensusFallbackDownloadSchedule | ClientBootstrapConsensusFallbackDownloadInitialDelay
        DirServer | DirAuthority
        EntryNode | EntryNodes
        ExcludeNode | ExcludeNodes
        FirewallPort | FirewallPorts
        LongLivedPort | LongLivedPorts
        MaxConn | ConnLimit
        MaxMemInCellQueues | MaxMemInQueues
        NumCPU | NumCPUs
        NumEntryNodes | NumEntryGuards
        NumHelperNodes | NumEntryGuards
        ResolvConf | ServerDNSResolvConfFile
        SearchDomains | ServerDNSSearchDomains
        ServerDNSAllowBrokenResolvConf | ServerDNSAllowBrokenConfig
        SocksSocketsGroupWritable | UnixSocksGroupWritable
        StrictNode | StrictNodes
        TestingBridgeBootstrapDownloadSchedule | TestingBridgeBootstrapDownloadInitialDelay
        TestingBridgeDownloadSchedule | TestingBridgeDownloadInitialDelay
        TestingClientConsensusDownloadSchedule | TestingClientConsensusDownloadInitialDelay
        TestingClientDownloadSchedule | TestingClientDownloadInitialDelay
        TestingServerConsensusDownloadSchedule | TestingServerConsensusDownloadInitialDelay
        TestingServerDownloadSchedule | TestingServerDownloadInitialDelay
        UseEntryNodes | UseEntryGuards
        UseHelperNodes | UseEntryGuards
        VirtualAddrNetwork | VirtualAddrNetworkIPv4
        _HSLayer2Nodes | HSLayer2Nodes
        _HSLayer3Nodes | HSLayer3Nodes
        __ControlPort | ControlPort
        __DNSPort | DNSPort
        __DirPort | DirPort
        __ExtORPort | ExtORPort
        __HTTPTunnelPort | HTTPTunnelPort
        __MetricsPort | MetricsPort
        __NATDPort | NATDPort
        __ORPort | ORPort
        __SocksPort | SocksPort
        __TransPort | TransPort
        """

    /// Spellings that only the command line accepts.
    private static let commandLineSpellings = [
        "l": "Log", "hashedcontrolpassword": "__HashedControlSessionPassword",
    ]

    /// What `TestingTorNetwork 1` changes.
    private static let testingNetwork = """
        DirAllowPrivateAddresses | 1
        EnforceDistinctSubnets | 0
        AuthDirMaxServersPerAddr | 0
        ClientBootstrapConsensusAuthorityDownloadInitialDelay | 0
        ClientBootstrapConsensusFallbackDownloadInitialDelay | 0
        ClientBootstrapConsensusAuthorityOnlyDownloadInitialDelay | 0
        ClientDNSRejectInternalAddresses | 0
        ClientRejectInternalAddresses | 0
        CountPrivateBandwidth | 1
        ExitPolicyRejectPrivate | 0
        ExtendAllowPrivateAddresses | 1
        V3AuthVotingInterval | 5 minutes
        V3AuthVoteDelay | 20 seconds
        V3AuthDistDelay | 20 seconds
        TestingV3AuthInitialVotingInterval | 150 seconds
        TestingV3AuthInitialVoteDelay | 20 seconds
        TestingV3AuthInitialDistDelay | 20 seconds
        TestingAuthDirTimeToLearnReachability | 0 minutes
        MinUptimeHidServDirectoryV2 | 0 minutes
        TestingMinTimeToReportBandwidth | 0 seconds
        TestingServerDownloadInitialDelay | 0
        TestingClientDownloadInitialDelay | 0
        TestingServerConsensusDownloadInitialDelay | 0
        TestingClientConsensusDownloadInitialDelay | 0
        TestingClientMaxIntervalWithoutRequest | 5 seconds
        TestingDirConnectionMaxStall | 30 seconds
        """

    /// Every rule, sorted by name without regard to case.
    package static let rules: [OptionRule] = {
        var rules: [OptionRule] = []
        for fields in rows(supported) {
            guard let kind = OptionKind(rawValue: fields[1]) else { preconditionFailure("bad kind in \(fields)") }
            rules.append(OptionRule(name: fields[0], standing: .supported(kind, default: fields[2])))
        }
        for fields in rows(ignored) {
            rules.append(OptionRule(name: fields[0], standing: .ignored(because: fields[1])))
        }
        for fields in rows(refused) {
            let harmless = fields[1].split(separator: ",").map(String.init)
            rules.append(OptionRule(name: fields[0], standing: .refused(because: fields[2], harmless: harmless)))
        }
        for name in obsolete.split(whereSeparator: \.isWhitespace) {
            rules.append(OptionRule(name: String(name), standing: .obsolete))
        }
        return rules.sorted { $0.name.lowercased() < $1.name.lowercased() }
    }()

    /// Other spellings and the names that they stand for.
    package static let spellings: [(spelling: String, name: String)] = rows(otherSpellings).map { ($0[0], $0[1]) }

    private static let rulesByName = Dictionary(uniqueKeysWithValues: rules.map { ($0.name.lowercased(), $0) })
    private static let namesBySpelling = Dictionary(
        uniqueKeysWithValues: spellings.map { ($0.spelling.lowercased(), $0.name) })
    /// The defaults that `TestingTorNetwork 1` changes, by name.
    package static let testingNetworkDefaults = Dictionary(
        uniqueKeysWithValues: rows(testingNetwork).map { ($0[0], $0[1]) })

    /// How a name was understood.
    package struct Match {
        /// The rule of that name.
        package let rule: OptionRule
        /// Whether only the beginning of the name was given, which deserves a warning.
        package let isAbbreviated: Bool
    }

    /// Finds the rule for `name`: exact without regard to case, another spelling, or the beginning of a name (of the
    /// first in alphabetical order, as C Tor does).
    package static func find(_ name: String, onCommandLine: Bool = false) -> Match? {
        var key = name.lowercased()
        guard !key.isEmpty else { return nil }
        if onCommandLine, let full = commandLineSpellings[key] { key = full.lowercased() }
        if let full = namesBySpelling[key] { key = full.lowercased() }
        if let rule = rulesByName[key] { return Match(rule: rule, isAbbreviated: false) }
        guard let rule = rules.first(where: { $0.name.lowercased().hasPrefix(key) }) else { return nil }
        return Match(rule: rule, isAbbreviated: true)
    }

    private static func rows(_ table: String) -> [[String]] {
        table.split(separator: "\n").map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).map(trimmed)
        }
    }
}

/// `text` without the blanks around it.
func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
}
