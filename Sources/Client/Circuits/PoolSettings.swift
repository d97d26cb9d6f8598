internal import Cells
package import Configuration
internal import Directory
package import Paths

/// What the pool of circuits goes by: the operator's options, in the pool's terms.
package struct PoolSettings: Sendable {
    /// Which relays may be used.
    package var rules = PathRules()
    /// `SocksTimeout`.
    package var socksTimeout = Duration.seconds(120)
    /// `CircuitStreamTimeout`; nil for C Tor's schedule of 10, 10, 15, 15, … seconds.
    package var streamTimeout: Duration?
    /// `MaxCircuitDirtiness`.
    package var maxDirtiness = Duration.seconds(600)
    /// `CircuitBuildTimeout`.
    package var buildTimeout: Duration?
    /// `LearnCircuitBuildTimeout`.
    package var learnsBuildTimeout = true
    /// `MaxClientCircuitsPending`.
    package var maxPending = 32
    /// `__DisablePredictedCircuits` is off.
    package var predicts = true
    /// `CircuitsAvailableTimeout`; nil for C Tor's half an hour to an hour.
    package var availableTimeout: Duration?
    /// `ClientDNSRejectInternalAddresses`.
    package var rejectsInternalAnswers = true
    /// `NumPrimaryGuards`.
    package var primaryGuards: Int?
    /// `NumEntryGuards`.
    package var entryGuards: Int?
    /// `NumDirectoryGuards`.
    package var directoryGuards: Int?
    /// `GuardLifetime`, in seconds.
    package var guardLifetime: Int64?

    /// C Tor's defaults.
    package init() {}

    /// What a torrc says.
    package init(_ settings: ClientSettings) {
        rules = PathRules(settings)
        socksTimeout = settings.socksTimeout
        streamTimeout = settings.circuitStreamTimeout
        maxDirtiness = settings.maxCircuitDirtiness
        buildTimeout = settings.circuitBuildTimeout
        learnsBuildTimeout = settings.learnsCircuitBuildTimeout
        maxPending = settings.maxPendingCircuits
        predicts = !settings.disablesPredictedCircuits
        availableTimeout = settings.circuitsAvailableTimeout
        rejectsInternalAnswers = settings.rejectsInternalAnswers
        primaryGuards = settings.primaryGuardCount
        entryGuards = settings.entryGuardCount
        directoryGuards = settings.directoryGuardCount
        guardLifetime = settings.guardLifetime?.components.seconds
    }
}

extension PathRules {
    /// What a torrc says of relays.
    package init(_ settings: ClientSettings) {
        self.init()
        entryNodes = RelaySet(settings.entryNodes)
        middleNodes = RelaySet(settings.middleNodes)
        exitNodes = RelaySet(settings.exitNodes)
        excludedNodes = RelaySet(settings.excludedNodes)
        excludedExitNodes = RelaySet(settings.excludedExitNodes)
        isStrict = settings.strictNodes
        distinctSubnets = settings.enforcesDistinctSubnets
        usesGuards = settings.usesEntryGuards
        longLivedPorts = settings.longLivedPorts
    }
}

extension RelaySet {
    /// The relays that a list names, by any of their addresses.
    package init(_ list: NodeList) {
        self.init(isEmpty: list.isEmpty) { relay in
            relay.endpoints.contains { endpoint in
                list.contains(
                    identity: relay.rsaIdentity, nickname: relay.nickname, address: endpoint.address,
                    port: endpoint.port)
            }
        }
    }
}

extension PluginSettings {
    /// Where a circuit is of no use without a relay that takes plugins.
    var requiredPositions: Set<PathPosition> {
        var positions: Set<PathPosition> = []
        for bring in brings where bring.isRequired {
            switch bring.place {
            case "guard": positions.insert(.guard)
            case "middle": positions.insert(.middle)
            case "exit": positions.insert(.exit)
            default: positions.formUnion([.guard, .middle, .exit])
            }
        }
        return positions
    }
}
