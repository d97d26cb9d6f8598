package import Cells

/// What every node has, whatever its roles: folders, logs, threads, sockets.
package struct NodeSettings: Sendable {
    /// `DataDirectory`; `~/.fanion` unless given.
    package let dataDirectory: String
    /// `KeyDirectory`; `keys` in the data folder unless given.
    package let keyDirectory: String
    /// `CacheDirectory`; the data folder unless given.
    package let cacheDirectory: String
    /// `DataDirectoryGroupReadable`.
    package let dataDirectoryGroupReadable: Bool
    /// `KeyDirectoryGroupReadable`; like the data folder if auto and in it.
    package let keyDirectoryGroupReadable: Bool
    /// `CacheDirectoryGroupReadable`; like the data folder if auto and the same.
    package let cacheDirectoryGroupReadable: Bool
    /// `Log`; empty when nothing was said (then the command line's `--quiet` and `--hush` decide).
    package let logs: [LogDestination]
    /// `TruncateLogFile`.
    package let truncatesLogFile: Bool
    /// `SafeLogging`.
    package let safeLogging: SafeLogging
    /// `PidFile`.
    package let pidFile: String?
    /// `RunAsDaemon`.
    package let runsAsDaemon: Bool
    /// `User`.
    package let user: String?
    /// `NumCPUs`; 0 lets the program count them.
    package let cpuCount: Int
    /// `MaxMemInQueues`, computed from the machine's memory unless given.
    package let maxMemoryInQueues: Int
    /// `ConnLimit`: the least number of file descriptors to run with.
    package let connectionLimit: Int
    /// `DisableNetwork`.
    package let disablesNetwork: Bool
    /// `ShutdownWaitLength`: how long a relay keeps serving after the first request to stop.
    package let shutdownWait: Duration
    /// `KeepalivePeriod`.
    package let keepalivePeriod: Duration
    /// `DisableDebuggerAttachment`.
    package let disablesDebuggerAttachment: Bool
    /// `__ReloadTorrcOnSIGHUP`.
    package let reloadsOnHangup: Bool
    /// `CircuitPriorityHalflife`; `nil` when the consensus or the built-in value decides, zero turns EWMA off.
    package let circuitPriorityHalflife: Duration?
    /// `OutboundBindAddress`: at most one address of each family.
    package let outboundAddresses: OutboundAddresses
    /// `TestingFanionHandshakeTimeout`: how long a link handshake may take.
    package let handshakeTimeout: Duration
    /// `TestingTorNetwork`.
    package let isTestingNetwork: Bool

    init(_ values: inout OptionValues, _ environment: ConfigurationEnvironment) throws(ConfigurationError) {
        let data = environment.expand(values.text("DataDirectory") ?? "~/.fanion")
        dataDirectory = data
        let keys = values.text("KeyDirectory").map(environment.expand)
        keyDirectory = keys ?? data + "/keys"
        let cache = values.text("CacheDirectory").map(environment.expand)
        cacheDirectory = cache ?? data
        let groupReadable = values.flag("DataDirectoryGroupReadable")
        dataDirectoryGroupReadable = groupReadable
        keyDirectoryGroupReadable = values.autoFlag("KeyDirectoryGroupReadable") ?? (keys == nil && groupReadable)
        cacheDirectoryGroupReadable = values.autoFlag("CacheDirectoryGroupReadable") ?? (cache == nil && groupReadable)

        var warnings: [ConfigurationWarning] = []
        var logs: [LogDestination] = []
        for line in values.lines("Log") {
            logs.append(try LogDestination.read(line, expandingPath: environment.expand, warnings: &warnings))
        }
        self.logs = logs
        truncatesLogFile = values.flag("TruncateLogFile")
        switch values.text("SafeLogging")?.lowercased() {
        case nil, "0": safeLogging = .nothing
        case "1": safeLogging = .everything
        case "relay": safeLogging = .relayOnly
        case let other?: throw values.error("SafeLogging", "\"\(other)\" is none of 0, 1 and relay")
        }
        pidFile = values.text("PidFile").map(environment.expand)
        runsAsDaemon = values.flag("RunAsDaemon")
        user = values.text("User")
        cpuCount = values.integer("NumCPUs")
        connectionLimit = values.integer("ConnLimit")
        guard connectionLimit > 0 else { throw values.error("ConnLimit", "must be greater than 0") }
        disablesNetwork = values.flag("DisableNetwork")
        shutdownWait = values.seconds("ShutdownWaitLength")
        keepalivePeriod = values.seconds("KeepalivePeriod")
        guard values.integer("KeepalivePeriod") > 0 else { throw values.error("KeepalivePeriod", "must be positive") }
        disablesDebuggerAttachment = values.flag("DisableDebuggerAttachment")
        reloadsOnHangup = values.flag("__ReloadTorrcOnSIGHUP")
        let halflife = values.number("CircuitPriorityHalflife")
        guard halflife < Double(Int32.max) else { throw values.error("CircuitPriorityHalflife", "too large") }
        circuitPriorityHalflife = halflife < 0 ? nil : .seconds(halflife)
        outboundAddresses = try OutboundAddresses(values)
        handshakeTimeout = values.milliseconds("TestingFanionHandshakeTimeout")
        guard values.integer("TestingFanionHandshakeTimeout") > 0 else {
            throw values.error("TestingFanionHandshakeTimeout", "must be positive")
        }
        isTestingNetwork = values.flag("TestingTorNetwork")
        maxMemoryInQueues = Self.maxMemory(values, environment, &warnings)
        for warning in warnings { values.warn(warning.reason, option: warning.option, at: warning.location) }
    }

    /// A given limit of at least 64 MiB for a relay, or C Tor's share of the machine's memory.
    private static func maxMemory(
        _ values: OptionValues, _ environment: ConfigurationEnvironment, _ warnings: inout [ConfigurationWarning]
    ) -> Int {
        let mebibyte = 1 << 20
        let given = values.integer("MaxMemInQueues")
        guard given == 0 else {
            let isRelay = !values.lines("ORPort").isEmpty && !values.flag("ClientOnly")
            guard isRelay, given < 64 * mebibyte else { return given }
            warnings.append(
                ConfigurationWarning(
                    location: values.location("MaxMemInQueues"), option: "MaxMemInQueues",
                    reason: "too low for a relay; 64 MB are used"))
            return 64 * mebibyte
        }
        guard let memory = environment.totalMemory else { return 8 << 30 }
        let share = memory >= 8 << 30 ? memory / 10 * 4 : memory / 4 * 3
        return min(max(share, 256 * mebibyte), 8 << 30)
    }
}

/// How much of addresses and names goes to logs.
package enum SafeLogging: Hashable, Sendable {
    /// `1`: every address is scrubbed.
    case everything
    /// `relay`: only what a relay sees of others is scrubbed.
    case relayOnly
    /// `0`: nothing is scrubbed.
    case nothing
}

/// From which addresses connections leave.
package struct OutboundAddresses: Sendable {
    private let general: [IPAddress]
    private let relay: [IPAddress]
    private let exit: [IPAddress]

    /// The address of channels to other relays (`OutboundBindAddressOR`, else `OutboundBindAddress`), of the same
    /// family as `destination`.
    package func forChannel(to destination: IPAddress) -> IPAddress? {
        (relay + general).first { $0.isV6 == destination.isV6 }
    }

    /// The address of exit streams and of name servers' sockets (`OutboundBindAddressExit`, else
    /// `OutboundBindAddress`).
    package func forExitStream(to destination: IPAddress) -> IPAddress? {
        (exit + general).first { $0.isV6 == destination.isV6 }
    }

    /// All of them: an exit policy rejects them.
    package var all: [IPAddress] { general + relay + exit }

    init(_ values: OptionValues) throws(ConfigurationError) {
        general = try Self.read("OutboundBindAddress", values)
        relay = try Self.read("OutboundBindAddressOR", values)
        exit = try Self.read("OutboundBindAddressExit", values)
    }

    private static func read(_ option: String, _ values: OptionValues) throws(ConfigurationError) -> [IPAddress] {
        var addresses: [IPAddress] = []
        for line in values.lines(option) {
            guard let address = IPAddress(line.value) else {
                throw ConfigurationError(
                    location: line.location, option: option, reason: "\"\(line.value)\" is no IP address")
            }
            guard !addresses.contains(where: { $0.isV6 == address.isV6 }) else {
                throw ConfigurationError(
                    location: line.location, option: option,
                    reason: "a second \(address.isV6 ? "IPv6" : "IPv4") address; there can be one of each family")
            }
            addresses.append(address)
        }
        return addresses
    }
}

/// What the reader of a configuration knows of the machine.
package struct ConfigurationEnvironment: Sendable {
    /// The user's home folder, for `~/`.
    package let home: String?
    /// The machine's memory in bytes.
    package let totalMemory: Int?

    /// What is known.
    package init(home: String?, totalMemory: Int?) {
        self.home = home
        self.totalMemory = totalMemory
    }

    func expand(_ path: String) -> String {
        guard path == "~" || path.hasPrefix("~/"), let home else { return path }
        return home + path.dropFirst()
    }
}
