internal import Cells

/// The client: where programs reach it, and which circuits it builds.
package struct ClientSettings: Sendable {
    /// `SocksPort`; 127.0.0.1:9050 unless given.
    package let socksPorts: [SocksPort]
    /// `ClientOnly`: never be a relay, whatever else is said.
    package let isClientOnly: Bool
    /// `SocksTimeout`: how long a stream may wait for a circuit.
    package let socksTimeout: Duration
    /// `SafeSocks`: refuse requests that carry an address which the program must have looked up itself.
    package let safeSocks: Bool
    /// `AllowNonRFC953Hostnames`.
    package let allowsOddHostNames: Bool
    /// `WarnPlaintextPorts`.
    package let warnedPorts: Set<UInt16>
    /// `RejectPlaintextPorts`.
    package let rejectedPorts: Set<UInt16>
    /// `LongLivedPorts`: streams to these go over Stable relays.
    package let longLivedPorts: Set<UInt16>
    /// `ClientRejectInternalAddresses`: no stream to a private address.
    package let rejectsInternalAddresses: Bool
    /// `ClientDNSRejectInternalAddresses`: a name that an exit resolves to a private address is not believed.
    package let rejectsInternalAnswers: Bool
    /// `EntryNodes`.
    package let entryNodes: NodeList
    /// `MiddleNodes`.
    package let middleNodes: NodeList
    /// `ExitNodes`.
    package let exitNodes: NodeList
    /// `ExcludeNodes`.
    package let excludedNodes: NodeList
    /// `ExcludeExitNodes` together with `ExcludeNodes`.
    package let excludedExitNodes: NodeList
    /// `StrictNodes`.
    package let strictNodes: Bool
    /// `EnforceDistinctSubnets`.
    package let enforcesDistinctSubnets: Bool
    /// `UseEntryGuards`.
    package let usesEntryGuards: Bool
    /// `NumEntryGuards`; `nil` when the consensus decides.
    package let entryGuardCount: Int?
    /// `NumDirectoryGuards`; `nil` when the consensus decides.
    package let directoryGuardCount: Int?
    /// `NumPrimaryGuards`; `nil` when the consensus decides.
    package let primaryGuardCount: Int?
    /// `GuardLifetime`; `nil` when the consensus decides.
    package let guardLifetime: Duration?
    /// `CircuitBuildTimeout`; `nil` when it is learnt or the built-in start value holds.
    package let circuitBuildTimeout: Duration?
    /// `LearnCircuitBuildTimeout`.
    package let learnsCircuitBuildTimeout: Bool
    /// `CircuitsAvailableTimeout`; `nil` when the consensus decides.
    package let circuitsAvailableTimeout: Duration?
    /// `ConnectionPadding`; `nil` is auto: channels are padded where the peer knows about it.
    package let connectionPadding: Bool?
    /// `ReducedConnectionPadding`: channels are padded rarely, and stay idle for half as long.
    package let reducesConnectionPadding: Bool
    /// `CircuitStreamTimeout`; `nil` for the built-in schedule.
    package let circuitStreamTimeout: Duration?
    /// `MaxCircuitDirtiness`: how long after its first stream a circuit takes new ones.
    package let maxCircuitDirtiness: Duration
    /// `NewCircuitPeriod`: how often to consider building a circuit ahead.
    package let newCircuitPeriod: Duration
    /// `MaxClientCircuitsPending`.
    package let maxPendingCircuits: Int
    /// `PathsNeededToBuildCircuits`, from 0.25 to 0.95; `nil` when the consensus decides.
    package let pathsNeeded: Double?
    /// `__DisablePredictedCircuits`.
    package let disablesPredictedCircuits: Bool

    init(_ values: inout OptionValues) throws(ConfigurationError) {
        var reader = PortReader(name: "SocksPort", defaultAddress: .v4(127 << 24 | 1))
        var lines = values.lines("SocksPort")
        if lines.isEmpty {
            lines = [
                TorrcLine(
                    key: "SocksPort", value: "\(ConfigurationLimits.defaultSocksPort)", location: .commandLine)
            ]
        }
        socksPorts = try reader.socksPorts(lines, groupWritable: values.flag("UnixSocksGroupWritable"))
        for warning in reader.warnings { values.warn(warning.reason, option: warning.option, at: warning.location) }
        isClientOnly = values.flag("ClientOnly")
        socksTimeout = values.seconds("SocksTimeout")
        safeSocks = values.flag("SafeSocks")
        allowsOddHostNames = values.flag("AllowNonRFC953Hostnames")
        warnedPorts = try values.ports("WarnPlaintextPorts")
        rejectedPorts = try values.ports("RejectPlaintextPorts")
        longLivedPorts = try values.ports("LongLivedPorts")
        rejectsInternalAddresses = values.flag("ClientRejectInternalAddresses")
        rejectsInternalAnswers = values.flag("ClientDNSRejectInternalAddresses")

        entryNodes = try NodeList.read(values.lines("EntryNodes"), option: "EntryNodes")
        middleNodes = try NodeList.read(values.lines("MiddleNodes"), option: "MiddleNodes")
        exitNodes = try NodeList.read(values.lines("ExitNodes"), option: "ExitNodes")
        excludedNodes = try NodeList.read(values.lines("ExcludeNodes"), option: "ExcludeNodes")
        excludedExitNodes = try NodeList.read(values.lines("ExcludeExitNodes"), option: "ExcludeExitNodes")
            .union(excludedNodes)
        strictNodes = values.flag("StrictNodes")
        enforcesDistinctSubnets = values.flag("EnforceDistinctSubnets")
        if strictNodes, !excludedNodes.isEmpty {
            values.warn(
                "with StrictNodes some features may find no relay at all", option: "ExcludeNodes",
                at: values.location("ExcludeNodes"))
        }

        let isAuthority = values.flag("AuthoritativeDirectory")
        let guards = values.flag("UseEntryGuards")
        guard entryNodes.isEmpty || guards else { throw values.error("EntryNodes", "needs UseEntryGuards 1") }
        usesEntryGuards = guards && !isAuthority
        entryGuardCount = Self.positive(values.integer("NumEntryGuards"))
        directoryGuardCount = Self.positive(values.integer("NumDirectoryGuards"))
        primaryGuardCount = Self.positive(values.integer("NumPrimaryGuards"))
        if let entryGuardCount, let primaryGuardCount, entryGuardCount > primaryGuardCount {
            throw values.error("NumEntryGuards", "must not be greater than NumPrimaryGuards")
        }
        guardLifetime = Self.positive(values.integer("GuardLifetime")).map { .seconds($0) }
        circuitBuildTimeout = Self.positive(values.integer("CircuitBuildTimeout")).map { .seconds($0) }
        learnsCircuitBuildTimeout = values.flag("LearnCircuitBuildTimeout")
        let least = ConfigurationLimits.recommendedCircuitBuildTimeout
        if !learnsCircuitBuildTimeout, let circuitBuildTimeout, circuitBuildTimeout < .seconds(least) {
            values.warn(
                "shorter than the recommended \(least) seconds, and LearnCircuitBuildTimeout is off",
                option: "CircuitBuildTimeout", at: values.location("CircuitBuildTimeout"))
        }
        let available = values.integer("CircuitsAvailableTimeout")
        guard available <= ConfigurationLimits.maximumCircuitsAvailableTimeout else {
            throw values.error("CircuitsAvailableTimeout", "more than 24 hours")
        }
        circuitsAvailableTimeout = Self.positive(available).map { .seconds($0) }
        connectionPadding = values.autoFlag("ConnectionPadding")
        reducesConnectionPadding = values.flag("ReducedConnectionPadding")
        circuitStreamTimeout = values.clamped(
            "CircuitStreamTimeout", to: ConfigurationLimits.minimumCircuitStreamTimeout...Int(Int32.max))
        maxCircuitDirtiness =
            values.clamped("MaxCircuitDirtiness", to: ConfigurationLimits.circuitDirtiness, zeroIsUnset: false)
            ?? .seconds(ConfigurationLimits.circuitDirtiness.lowerBound)
        newCircuitPeriod = values.seconds("NewCircuitPeriod")
        maxPendingCircuits = values.integer("MaxClientCircuitsPending")
        guard (1...ConfigurationLimits.maximumClientCircuitsPending).contains(maxPendingCircuits) else {
            throw values.error(
                "MaxClientCircuitsPending", "must be from 1 to \(ConfigurationLimits.maximumClientCircuitsPending)")
        }
        let paths = values.number("PathsNeededToBuildCircuits")
        if paths >= 0, !(0.25...0.95).contains(paths) {
            values.warn(
                "brought into the range from 0.25 to 0.95", option: "PathsNeededToBuildCircuits",
                at: values.location("PathsNeededToBuildCircuits"))
        }
        pathsNeeded = paths < 0 ? nil : min(max(paths, 0.25), 0.95)
        disablesPredictedCircuits = values.flag("__DisablePredictedCircuits")
    }

    private static func positive(_ value: Int) -> Int? { value > 0 ? value : nil }
}

extension OptionValues {
    /// An interval brought into `range`, with a warning when it was not in it.
    fileprivate mutating func clamped(
        _ name: String, to range: ClosedRange<Int>, zeroIsUnset: Bool = true
    ) -> Duration? {
        let value = integer(name)
        if value == 0, zeroIsUnset { return nil }
        let clamped = min(max(value, range.lowerBound), range.upperBound)
        if clamped != value { warn("\(value) seconds become \(clamped)", option: name, at: location(name)) }
        return .seconds(clamped)
    }
}
