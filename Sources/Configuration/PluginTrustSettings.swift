internal import Cells
internal import OnionCrypto
package import Trust

/// Whose plugins may run here, and where the logs are that say so.
package struct PluginTrustSettings: Sendable, Hashable {
    /// A log and where it is published.
    package struct LogSource: Sendable, Hashable {
        /// The log.
        package let log: TrustPolicy.Log
        /// Where its files are.
        package let url: LogURL
    }

    /// `PluginPolicy`, `PluginKey`, `PluginLog`, `PluginWitness`, and how fresh things must be.
    package let policy: TrustPolicy
    /// `PluginLog`, in order.
    package let logs: [LogSource]
    /// `PluginLogInterval`: how often logs are read.
    package let interval: Duration

    init(_ values: inout OptionValues) throws(ConfigurationError) {
        var names: Set<String> = []
        var keys: [String: Ed25519.PublicKey] = [:]
        for line in values.lines("PluginKey") {
            let words = try Self.words(line, "PluginKey", "NAME KEY", count: 2, names: &names)
            guard let bytes = Base64.decode(words[1]), let key = Ed25519.PublicKey(bytes), key.isValid else {
                throw Self.error(
                    line, "PluginKey", "\"\(words[1])\" is no Ed25519 key in Base64, as fanion plugin sign prints it")
            }
            guard !keys.values.contains(key) else {
                throw Self.error(line, "PluginKey", "another line has the same key, and it would count twice")
            }
            keys[words[0]] = key
        }
        var logs: [LogSource] = []
        for line in values.lines("PluginLog") {
            let words = try Self.words(line, "PluginLog", "NAME VKEY URL", count: 3, names: &names)
            let key = try Self.key(words[1], line, "PluginLog", .note, "a log's key has type 1, this is a witness's")
            guard let url = LogURL(words[2]) else {
                throw Self.error(
                    line, "PluginLog",
                    "\"\(words[2])\" is no http://HOST[:PORT]/PATH/ (what a log publishes is signed; https is not supported)"
                )
            }
            guard !logs.contains(where: { $0.log.key == key || $0.log.key.name == key.name }) else {
                throw Self.error(line, "PluginLog", "another line has the same log, and it would count twice")
            }
            logs.append(LogSource(log: TrustPolicy.Log(name: words[0], key: key), url: url))
        }
        var freshness = FreshnessRule()
        var witnessNames: Set<String> = []
        for line in values.lines("PluginWitness") {
            let words = try Self.words(line, "PluginWitness", "NAME VKEY", count: 2, names: &witnessNames)
            let key = try Self.key(
                words[1], line, "PluginWitness", .cosignature, "a witness's key has type 4, this signs notes")
            guard !freshness.witnesses.contains(where: { $0.key == key.key }) else {
                throw Self.error(line, "PluginWitness", "another line has the same witness, and it would count twice")
            }
            freshness.witnesses.append(key)
        }
        freshness.witnessesNeeded = try Self.needed(values, of: freshness.witnesses.count)
        freshness.checkpointAge = try Self.age(values, "PluginCheckpointAge")
        freshness.revocationAge = try Self.age(values, "PluginRevocationAge")
        guard values.integer("PluginLogInterval") > 0 else {
            throw values.error("PluginLogInterval", "must be positive")
        }
        interval = values.seconds("PluginLogInterval")
        policy = TrustPolicy(
            try Self.decision(values, names), keys: keys, logs: logs.map(\.log), freshness: freshness)
        self.logs = logs
        if !logs.isEmpty, freshness.witnessesNeeded == 0 {
            values.warn(
                "no witnesses are asked for, so a log could show this node a history of its own: name some with PluginWitness",
                option: "PluginLog", at: values.location("PluginLog"))
        }
    }

    private static func decision(
        _ values: OptionValues, _ names: Set<String>
    ) throws(ConfigurationError) -> TrustPolicy.Decision {
        let text = values.text("PluginPolicy") ?? "installed"
        switch text.lowercased() {
        case "refuse": return .refuse
        case "installed": return .installed
        default: break
        }
        let rule: TrustRule
        do throws(TrustError) {
            rule = try TrustRule(text)
        } catch {
            throw values.error(
                "PluginPolicy", "\(error); write refuse, installed, or a rule such as 2 of (keyA, keyB, log1)")
        }
        if let name = rule.names.first(where: { !names.contains($0) }) {
            throw values.error("PluginPolicy", "no PluginKey or PluginLog line names \"\(name)\"")
        }
        return .rule(rule)
    }

    /// More than half, unless it is said.
    private static func needed(_ values: OptionValues, of count: Int) throws(ConfigurationError) -> Int {
        let given = values.integer("PluginWitnessesNeeded")
        guard given >= 0 else { return count == 0 ? 0 : count / 2 + 1 }
        guard given <= count else {
            throw values.error("PluginWitnessesNeeded", "asks for \(given) of \(count) PluginWitness lines")
        }
        return given
    }

    private static func age(_ values: OptionValues, _ option: String) throws(ConfigurationError) -> Int64 {
        guard values.integer(option) > 0 else { throw values.error(option, "must be positive") }
        return Int64(values.integer(option))
    }

    private static func key(
        _ text: String, _ line: TorrcLine, _ option: String, _ kind: VerifierKey.Kind, _ otherwise: String
    ) throws(ConfigurationError) -> VerifierKey {
        let key: VerifierKey
        do throws(TrustError) {
            key = try VerifierKey(vkey: text)
        } catch {
            throw Self.error(line, option, "\(error)")
        }
        guard key.kind == kind else { throw error(line, option, otherwise) }
        return key
    }

    /// Words between blanks, the first of which is a name that no other line has.
    private static func words(
        _ line: TorrcLine, _ option: String, _ form: String, count: Int, names: inout Set<String>
    ) throws(ConfigurationError) -> [String] {
        let words = line.value.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count == count else { throw error(line, option, "has \(words.count) words: it is written \(form)") }
        guard TrustRule.isName(words[0]) else {
            throw error(line, option, "\"\(words[0])\" cannot be a name: letters, digits, hyphen, underscore and dot")
        }
        guard names.insert(words[0]).inserted else { throw error(line, option, "\"\(words[0])\" is taken already") }
        return words
    }

    private static func error(_ line: TorrcLine, _ option: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(location: line.location, option: option, reason: reason)
    }
}

/// Where a log's static files are.
package struct LogURL: Sendable, Hashable, CustomStringConvertible {
    /// A name or an address.
    package let host: String
    /// 80 unless given.
    package let port: UInt16
    /// The path before all files, with a slash at both ends.
    package let prefix: String

    /// Reads `http://HOST[:PORT]/PATH/`; an IPv6 address stands in brackets.
    package init?(_ text: String) {
        guard text.lowercased().hasPrefix("http://") else { return nil }
        let rest = text.dropFirst("http://".count)
        let place = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(place.count))
        if !path.hasSuffix("/") { path += "/" }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
        else { return nil }
        prefix = path
        if let endpoint = AddressText.endpoint(place) {
            host = endpoint.address.description
            port = endpoint.port
            return
        }
        let parts = place.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let name = parts.first, (1...255).contains(name.utf8.count),
            name.utf8.allSatisfy(Self.isHostByte)
        else { return nil }
        host = String(name)
        if parts.count == 2 {
            guard let number = AddressText.port(parts[1]) else { return nil }
            port = number
        } else {
            port = 80
        }
    }

    package var description: String {
        "http://\(host.contains(":") ? "[\(host)]" : host)\(port == 80 ? "" : ":\(port)")\(prefix)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-_.".utf8.contains(byte)
        }
    }
}
