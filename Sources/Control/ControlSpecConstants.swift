/// Names of the control protocol, in C Tor's order.
enum ControlSpec {
    /// Lines longer than this end the connection.
    static let longestLine = 1 << 20
    /// Bytes in a cookie (control-spec §3.24).
    static let cookieLength = 32
    /// Bytes in a nonce of ours (control-spec §3.24).
    static let nonceLength = 32
    /// HMAC key of what we prove with (control-spec §3.24).
    static let serverToController = "Tor safe cookie authentication server-to-controller hash"
    /// HMAC key of what the controller proves with (control-spec §3.24).
    static let controllerToServer = "Tor safe cookie authentication controller-to-server hash"
    /// What USEFEATURE takes; both are always on.
    static let features = ["VERBOSE_NAMES", "EXTENDED_EVENTS"]
    /// What SETEVENTS takes and no longer means anything.
    static let formerEvents: Set<String> = ["EXTENDED", "AUTHDIR_NEWDESCS"]
}

/// What a controller can be told about as it happens (control-spec §4.1). Of most kinds nothing is ever told.
package enum ControlEvent: String, CaseIterable, Hashable, Sendable {
    case circuit = "CIRC"
    case circuitMinor = "CIRC_MINOR"
    case stream = "STREAM"
    case channel = "ORCONN"
    case bandwidth = "BW"
    case debug = "DEBUG"
    case info = "INFO"
    case notice = "NOTICE"
    case warning = "WARN"
    case error = "ERR"
    case newDescriptor = "NEWDESC"
    case addressMap = "ADDRMAP"
    case descriptorChanged = "DESCCHANGED"
    case networkStatus = "NS"
    case statusGeneral = "STATUS_GENERAL"
    case statusClient = "STATUS_CLIENT"
    case statusServer = "STATUS_SERVER"
    case `guard` = "GUARD"
    case streamBandwidth = "STREAM_BW"
    case clientsSeen = "CLIENTS_SEEN"
    case newConsensus = "NEWCONSENSUS"
    case buildTimeout = "BUILDTIMEOUT_SET"
    case signal = "SIGNAL"
    case configurationChanged = "CONF_CHANGED"
    case connectionBandwidth = "CONN_BW"
    case cellStatistics = "CELL_STATS"
    case circuitBandwidth = "CIRC_BW"
    case transportLaunched = "TRANSPORT_LAUNCHED"
    case serviceDescriptor = "HS_DESC"
    case serviceDescriptorContent = "HS_DESC_CONTENT"
    case networkLiveness = "NETWORK_LIVENESS"
}

/// What a controller asks the node to do with SIGNAL (control-spec §3.7), as C Tor understands the names.
package enum ControlSignal: Hashable, Sendable, CaseIterable {
    /// Read the torrc again.
    case reload
    /// End after `ShutdownWaitLength`.
    case shutdown
    /// Log what there is.
    case dump
    /// Log more.
    case debug
    /// End now.
    case halt
    /// New streams do not share circuits with old ones.
    case newIdentity
    /// Forget names.
    case clearDNSCache
    /// Log how the node is.
    case heartbeat
    /// Wake up.
    case active
    /// Go to sleep.
    case dormant

    /// Every name, in C Tor's order.
    static let names: [(name: String, signal: ControlSignal)] = [
        ("RELOAD", .reload), ("HUP", .reload), ("SHUTDOWN", .shutdown), ("DUMP", .dump), ("USR1", .dump),
        ("DEBUG", .debug), ("USR2", .debug), ("HALT", .halt), ("TERM", .halt), ("INT", .halt),
        ("NEWNYM", .newIdentity), ("CLEARDNSCACHE", .clearDNSCache), ("HEARTBEAT", .heartbeat), ("ACTIVE", .active),
        ("DORMANT", .dormant),
    ]

    /// The signal of that name, in any case.
    init?(name: String) {
        let name = name.uppercased()
        guard let entry = Self.names.first(where: { $0.name == name }) else { return nil }
        self = entry.signal
    }
}
