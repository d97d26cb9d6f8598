internal import Cells
internal import Directory
internal import Glibc

/// Answers GETINFO from what a node says of itself.
struct ControlAnswers: Sendable {
    private let source: any ControlSource
    private let start = ContinuousClock.now

    /// Answers about a node that starts now.
    init(source: any ControlSource) {
        self.source = source
    }

    /// Answers one key.
    func answer(to key: String) async -> ControlInformation {
        switch key {
        case "version": .value(source.version)
        case "config-file": .value(source.torrcPath ?? "")
        case "config-defaults-file": .value("")
        case "uptime": .value("\(start.duration(to: .now).components.seconds)")
        case "process/pid": .value("\(getpid())")
        case "process/uid": .value("\(getuid())")
        case "process/user": .value(Self.userName)
        case "process/descriptor-limit": .value(Self.descriptorLimit)
        case "circuit-status": .value(await source.circuits().joined(separator: "\n"))
        case "stream-status": .value(await source.streams().joined(separator: "\n"))
        case "status/bootstrap-phase": .value(await source.bootstrap().text)
        case "entry-guards": .value(await source.entryGuards().joined(separator: "\n"))
        case "status/circuit-established": .value(await source.hasCircuit() ? "1" : "0")
        case "status/enough-dir-info": .value(await source.hasEnoughDirectory() ? "1" : "0")
        case "traffic/read": .value("\(await source.traffic().read)")
        case "traffic/written": .value("\(await source.traffic().written)")
        case "plugin/counters": .value(await source.pluginCounters().joined(separator: "\n"))
        case "plugin/refusals": .value(await source.pluginRefusals().joined(separator: "\n"))
        case "dormant": .value("0")
        case "ns/all": .value(await source.relays().map(Self.entry).joined())
        case "fingerprint":
            if let identity = await source.fingerprint() {
                .value(Base16.encode(identity.bytes, uppercase: true))
            } else {
                .failed("Not running in server mode")
            }
        case "signal/names": .value(ControlSignal.names.map(\.name).joined(separator: " "))
        case "events/names": .value(ControlEvent.allCases.map(\.rawValue).joined(separator: " "))
        case "features/names": .value(ControlSpec.features.joined(separator: " "))
        case "info/names": .value(Self.keys.map { "\($0.key) -- \($0.meaning)\n" }.joined())
        default: await answer(toPrefixed: key)
        }
    }

    private func answer(toPrefixed key: String) async -> ControlInformation {
        if key.hasPrefix("net/listeners/") {
            let kind = String(key.dropFirst("net/listeners/".count))
            guard Self.listenerKinds.contains(kind) else { return .unrecognized }
            let endpoints = await source.listeners()[kind] ?? []
            return .value(endpoints.map { ControlAuthentication.quoted($0) }.joined(separator: " "))
        }
        if key.hasPrefix("ns/name/") {
            let name = key.dropFirst("ns/name/".count).lowercased()
            let entries = await source.relays().filter { $0.nickname.lowercased() == name }
            return .value(entries.map(Self.entry).joined())
        }
        if key.hasPrefix("ns/id/") {
            let digits = key.dropFirst("ns/id/".count).drop { $0 == "$" }.prefix { $0 != "~" && $0 != "=" }
            guard let bytes = Base16.decode(String(digits)), let identity = RSAIdentity(bytes) else {
                return .unrecognized
            }
            return .value(await source.relays().filter { $0.identity == identity }.map(Self.entry).joined())
        }
        return .unrecognized
    }

    /// Lines of one relay, as a consensus without microdescriptors has them (control-spec §3.9, "ns/id").
    static func entry(_ relay: RouterStatus) -> String {
        var digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAA"
        if let known = relay.descriptorDigest { digest = Base64.encode(known.bytes, padding: false) }
        var text = "r \(relay.nickname) \(Base64.encode(relay.identity.bytes, padding: false)) \(digest) "
        text += "\(relay.published) \(IPAddress(ipv4: relay.address)) \(relay.orPort) \(relay.dirPort)\n"
        if let ipv6 = relay.ipv6 { text += "a \(ipv6)\n" }
        text += "s" + relay.flags.names.map { " " + $0 }.joined() + "\n"
        if let bandwidth = relay.bandwidth { text += "w Bandwidth=\(bandwidth)\n" }
        if let summary = relay.exitSummary { text += "p \(summary)\n" }
        return text
    }

    private static let listenerKinds: Set<String> = [
        "or", "extor", "dir", "socks", "trans", "natd", "dns", "control", "httptunnel", "metrics",
    ]

    private static let keys: [(key: String, meaning: String)] = [
        ("circuit-status", "List of current circuits originating here."),
        ("config-defaults-file", "Current location of the defaults file."),
        ("config-file", "Current location of the \"torrc\" file."),
        ("dormant", "Is Tor dormant (not building circuits because it's idle)?"),
        ("entry-guards", "Which nodes are we using as entry guards?"),
        ("events/names", "Events that the controller can ask for with SETEVENTS."),
        ("features/names", "What arguments can USEFEATURE take?"),
        ("fingerprint", "The RSA identity of this relay."),
        ("info/names", "List of GETINFO options, types, and documentation."),
        ("net/listeners/*", "Bound addresses by type"),
        ("ns/all", "Brief summary of router status (v2 directory format)"),
        ("ns/id/*", "Brief summary of router status by ID (v2 directory format)."),
        ("ns/name/*", "Brief summary of router status by nickname (v2 directory format)."),
        ("plugin/counters", "What each plugin has counted, and what the host has counted about it."),
        (
            "plugin/refusals",
            "What other ends of circuits have refused of the plugins that are brought to them, and why."
        ),
        ("process/descriptor-limit", "File descriptor limit."),
        ("process/pid", "Process id belonging to the main tor process."),
        ("process/uid", "User id running the tor process."),
        ("process/user", "Username under which the tor process is running."),
        ("signal/names", "Signal names recognized by the SIGNAL command"),
        ("status/bootstrap-phase", "The last bootstrap phase status event that Tor sent."),
        ("status/circuit-established", "Whether we think client functionality is working."),
        ("status/enough-dir-info", "Whether we have enough up-to-date directory information to build circuits."),
        ("stream-status", "List of current streams."),
        ("traffic/read", "Bytes read since the process was started."),
        ("traffic/written", "Bytes written since the process was started."),
        ("uptime", "Uptime of the Tor daemon in seconds."),
        ("version", "The current version of Tor."),
    ]

    private static var userName: String {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return "" }
        return String(cString: name)
    }

    private static var descriptorLimit: String {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return "-1" }
        return "\(limit.rlim_cur)"
    }
}
