/// Every supported option with its value, after defaults, files and command line have been read in that order.
///
/// Knows kinds, not meanings: `Settings` gives them meaning.
struct OptionValues {
    /// A value, read by its option's kind.
    enum Value: Equatable {
        case flag(Bool)
        case autoFlag(Bool?)
        /// Integers, and bytes, seconds and milliseconds.
        case integer(Int)
        case number(Double)
        case text(String?)
        case list([String])
        case lines([TorrcLine])
    }

    private struct Entry {
        let kind: OptionKind
        var value: Value
        var location: SourceLocation?
        /// An earlier source set this list; the next plain line replaces it.
        var isFragile = false
    }

    private var entries: [String: Entry] = [:]
    private(set) var warnings: [ConfigurationWarning] = []
    private var seenInSource: Set<String> = []
    private var warnedOnce: Set<String> = []

    /// All defaults, or those of a testing network.
    init(testingNetwork: Bool) {
        for rule in OptionTable.rules {
            guard case .supported(let kind, let standard) = rule.standing else { continue }
            let text = testingNetwork ? OptionTable.testingNetworkDefaults[rule.name] ?? standard : standard
            guard case .success(let value) = Self.read(text, as: kind, isDefault: true) else {
                preconditionFailure("the default of \(rule.name) does not parse")
            }
            entries[rule.name] = Entry(kind: kind, value: value)
        }
    }

    /// Applies the lines of one source: the defaults file, the torrc, or the command line.
    mutating func apply(_ lines: [TorrcLine], onCommandLine: Bool = false) throws(ConfigurationError) {
        seenInSource = []
        for line in lines { try apply(line, onCommandLine: onCommandLine) }
        for name in entries.keys { entries[name]?.isFragile = true }
    }

    /// Adds a remark for the operator.
    mutating func warn(_ reason: String, option: String? = nil, at location: SourceLocation? = nil) {
        warnings.append(ConfigurationWarning(location: location, option: option, reason: reason))
    }

    /// Where an option was last set.
    func location(_ name: String) -> SourceLocation? { entries[name]?.location }

    /// An error about an option, at the place where it was last set.
    func error(_ name: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(location: location(name), option: name, reason: reason)
    }
}

// MARK: - Reading values back

extension OptionValues {
    func flag(_ name: String) -> Bool {
        guard case .flag(let value) = value(name) else { preconditionFailure("\(name) is no flag") }
        return value
    }

    func autoFlag(_ name: String) -> Bool? {
        guard case .autoFlag(let value) = value(name) else { preconditionFailure("\(name) is no flag with auto") }
        return value
    }

    func integer(_ name: String) -> Int {
        guard case .integer(let value) = value(name) else { preconditionFailure("\(name) is no integer") }
        return value
    }

    func number(_ name: String) -> Double {
        guard case .number(let value) = value(name) else { preconditionFailure("\(name) is no number") }
        return value
    }

    func text(_ name: String) -> String? {
        guard case .text(let value) = value(name) else { preconditionFailure("\(name) is no text") }
        return value
    }

    func list(_ name: String) -> [String] {
        guard case .list(let value) = value(name) else { preconditionFailure("\(name) is no list") }
        return value
    }

    func lines(_ name: String) -> [TorrcLine] {
        guard case .lines(let value) = value(name) else { preconditionFailure("\(name) has no lines") }
        return value
    }

    func seconds(_ name: String) -> Duration { .seconds(integer(name)) }

    func milliseconds(_ name: String) -> Duration { .milliseconds(integer(name)) }

    /// A bandwidth, which must fit a signed 32-bit number; "2 GB", one more than that, is understood.
    func bandwidth(_ name: String) throws(ConfigurationError) -> Int {
        let value = integer(name)
        if value == ConfigurationLimits.bandwidthCap + 1 { return ConfigurationLimits.bandwidthCap }
        guard value <= ConfigurationLimits.bandwidthCap else {
            throw error(name, "\(value) bytes are too many; it must be at most \(ConfigurationLimits.bandwidthCap)")
        }
        return value
    }

    /// Port numbers between commas.
    func ports(_ name: String) throws(ConfigurationError) -> Set<UInt16> {
        var ports: Set<UInt16> = []
        for item in list(name) {
            guard let port = UInt16(item), port > 0 else { throw error(name, "\"\(item)\" is no port number") }
            ports.insert(port)
        }
        return ports
    }

    /// Whether two sets of values agree on an option.
    func agrees(with other: OptionValues, on name: String) -> Bool { value(name) == other.value(name) }

    private func value(_ name: String) -> Value? {
        guard let entry = entries[name] else { preconditionFailure("\(name) is not in the table") }
        return entry.value
    }
}

// MARK: - Assigning

extension OptionValues {
    private mutating func apply(_ line: TorrcLine, onCommandLine: Bool) throws(ConfigurationError) {
        guard let match = OptionTable.find(line.key, onCommandLine: onCommandLine) else {
            throw ConfigurationError(location: line.location, option: nil, reason: "unknown option \"\(line.key)\"")
        }
        let name = match.rule.name
        if match.isAbbreviated {
            warn("the abbreviation \"\(line.key)\" is understood; please write it out", option: name, at: line.location)
        }
        switch match.rule.standing {
        case .supported(let kind, _):
            try assign(line, to: name, kind)
        case .ignored(let reason):
            guard warnedOnce.insert(name).inserted else { return }
            warn("not supported and ignored: \(reason)", option: name, at: line.location)
        case .refused(let reason, let harmless):
            guard !line.value.isEmpty, !harmless.contains(line.value.lowercased()) else { return }
            throw ConfigurationError(
                location: line.location, option: name, reason: "refused, because ignoring it would be unsafe: \(reason)"
            )
        case .obsolete:
            guard warnedOnce.insert(name).inserted else { return }
            warn("obsolete and skipped", option: name, at: line.location)
        }
    }

    private mutating func assign(_ line: TorrcLine, to name: String, _ kind: OptionKind) throws(ConfigurationError) {
        guard var entry = entries[name] else { preconditionFailure("\(name) is not in the table") }
        entry.location = line.location
        if line.value.isEmpty {
            if kind.accumulates, line.command != .clear {
                warn("no value; the line is skipped", option: name, at: line.location)
                return
            }
            entry.value = Self.cleared(kind)
            entries[name] = entry
            return
        }
        if case .lines(let earlier) = entry.value {
            let kept = entry.isFragile && line.command != .append ? [] : earlier
            entry.value = .lines(kept + [line])
            entry.isFragile = false
            entries[name] = entry
            return
        }
        if !seenInSource.insert(name).inserted {
            warn("given more than once; only the last value counts", option: name, at: line.location)
        }
        switch Self.read(line.value, as: kind, isDefault: false) {
        case .success(let value): entry.value = value
        case .failure(let failure):
            throw ConfigurationError(location: line.location, option: name, reason: failure.reason)
        }
        entries[name] = entry
    }

    /// What an empty value leaves behind: nothing, not the default (as in C Tor).
    private static func cleared(_ kind: OptionKind) -> Value {
        switch kind {
        case .flag: .flag(false)
        case .autoFlag: .autoFlag(nil)
        case .integer, .count, .memory, .interval, .milliseconds, .firstInterval: .integer(0)
        case .number: .number(0)
        case .text, .path: .text(nil)
        case .commaList: .list([])
        case .lines: .lines([])
        }
    }

    private static func read(_ text: String, as kind: OptionKind, isDefault: Bool) -> Result<Value, UnitError> {
        if isDefault, text.isEmpty { return .success(cleared(kind)) }
        switch kind {
        case .flag:
            switch text {
            case "0": return .success(.flag(false))
            case "1": return .success(.flag(true))
            default: return .failure(.init("\"\(text)\" is neither 0 nor 1"))
            }
        case .autoFlag:
            switch text.lowercased() {
            case "0": return .success(.autoFlag(false))
            case "1": return .success(.autoFlag(true))
            case "auto": return .success(.autoFlag(nil))
            default: return .failure(.init("\"\(text)\" is none of 0, 1 and auto"))
            }
        case .integer, .count:
            let range = kind == .count ? 0...Int32.max : Int32.min...Int32.max
            guard let value = Int32(text), range.contains(value) else {
                return .failure(
                    .init("\"\(text)\" is no number from \(range.lowerBound) to \(range.upperBound)"))
            }
            return .success(.integer(Int(value)))
        case .number:
            guard let value = Double(text), value.isFinite else { return .failure(.init("\"\(text)\" is no number")) }
            return .success(.number(value))
        case .memory: return UnitReader.read(text, as: .bytes).map { .integer($0) }
        case .interval: return readShort(text, as: .seconds)
        case .milliseconds: return readShort(text, as: .milliseconds)
        case .firstInterval: return readShort(String(text.prefix { $0 != "," }), as: .seconds)
        case .text, .path: return .success(.text(text))
        case .commaList:
            return .success(.list(text.split(separator: ",").map(trimmed).filter { !$0.isEmpty }))
        case .lines:
            return .failure(.init("a list option has no default text"))
        }
    }

    /// Times must fit a signed 32-bit number, as in C Tor.
    private static func readShort(_ text: String, as quantity: UnitReader.Quantity) -> Result<Value, UnitError> {
        UnitReader.read(text, as: quantity).flatMap { value in
            value <= Int(Int32.max) ? .success(.integer(value)) : .failure(.init("\"\(text)\" is too large"))
        }
    }
}
