internal import Cells

/// Reads the relays of a consensus, one after the other.
///
/// Many relays share their flags, version and protocols, so these are read once per text.
struct RouterStatusReader {
    private let flavor: ConsensusFlavor
    private var published = PublishedCache()
    private var flagCache: [ArraySlice<UInt8>: RelayFlags] = [:]
    private var versionCache: [ArraySlice<UInt8>: String] = [:]
    private var protocolCache: [ArraySlice<UInt8>: ProtocolList] = [:]

    /// The lines of one relay below its `r` line.
    private struct Lines {
        var microdescriptor: MicrodescriptorDigest?
        var ipv6: SocketEndpoint?
        var flags: RelayFlags?
        var version: String?
        var protocols: ProtocolList?
        var weight: Weight?
        var exitSummary: String?
    }

    /// A `w` line.
    private struct Weight {
        var bandwidth: UInt32?
        var isUnmeasured = false
        var guardFraction: UInt8?
    }

    init(flavor: ConsensusFlavor) {
        self.flavor = flavor
    }

    /// Reads one relay: its `r` line, where the scanner is, and all lines up to the next one's or the footer.
    mutating func read(_ scanner: inout NetworkStatusScanner) throws(NetworkStatusError) -> RouterStatus {
        let line = try scanner.line()
        let entry = try RouterEntryReader(scanner, line, hasDigest: flavor == .ns, publishedCache: &published)
        var lines = Lines()
        while !scanner.isAtBody { try read(&scanner, into: &lines) }
        guard let flags = lines.flags else { throw NetworkStatusError(.missing("s"), at: line.start) }
        guard let protocols = lines.protocols else { throw NetworkStatusError(.missing("pr"), at: line.start) }
        return RouterStatus(
            nickname: entry.nickname, identity: entry.identity, descriptorDigest: entry.descriptorDigest,
            microdescriptorDigest: lines.microdescriptor, published: entry.published, address: entry.address,
            orPort: entry.orPort, dirPort: entry.dirPort, ipv6: lines.ipv6,
            // Methods 4 and 24: only relays that are running and valid are listed.
            flags: flags.union([.running, .valid]), version: lines.version, protocols: protocols,
            bandwidth: lines.weight?.bandwidth, isUnmeasured: lines.weight?.isUnmeasured ?? false,
            guardFraction: flags.contains(.guard) ? lines.weight?.guardFraction : nil, exitSummary: lines.exitSummary)
    }

    private mutating func read(
        _ scanner: inout NetworkStatusScanner, into lines: inout Lines
    ) throws(NetworkStatusError) {
        let line = try scanner.line()
        let keyword = line.keyword
        if scanner.matches(keyword, "s") {
            try scanner.onlyOnce(lines.flags == nil, "s", line)
            lines.flags = flags(scanner, line.arguments)
        } else if scanner.matches(keyword, "m") {
            guard flavor == .microdesc, lines.microdescriptor == nil else { return }
            guard let digest = DirectoryEncoding.base64(scanner.bytes, in: line.arguments, byteCount: 32) else {
                throw scanner.bad("m", line)
            }
            lines.microdescriptor = MicrodescriptorDigest(digest)
        } else if scanner.matches(keyword, "v") {
            try scanner.onlyOnce(lines.version == nil, "v", line)
            lines.version = version(scanner, line.arguments)
        } else if scanner.matches(keyword, "pr") {
            try scanner.onlyOnce(lines.protocols == nil, "pr", line)
            guard let protocols = protocols(scanner, line.arguments) else { throw scanner.bad("pr", line) }
            lines.protocols = protocols
        } else if scanner.matches(keyword, "w") {
            try scanner.onlyOnce(lines.weight == nil, "w", line)
            lines.weight = try weight(scanner, line)
        } else if scanner.matches(keyword, "a") {
            if lines.ipv6 == nil { lines.ipv6 = scanner.ipv6(line) }
        } else if scanner.matches(keyword, "p") {
            try scanner.onlyOnce(lines.exitSummary == nil, "p", line)
            lines.exitSummary = try scanner.exitSummary(line).description
        } else {
            _ = try scanner.object()
        }
    }

    private mutating func flags(_ scanner: NetworkStatusScanner, _ range: Range<Int>) -> RelayFlags {
        let text = scanner.bytes[range]
        if let known = flagCache[text] { return known }
        var flags: RelayFlags = []
        for word in scanner.words(range) { flags.formUnion(RelayFlags.flag(scanner.text(word))) }
        flagCache[text] = flags
        return flags
    }

    private mutating func version(_ scanner: NetworkStatusScanner, _ range: Range<Int>) -> String {
        let text = scanner.bytes[range]
        if let known = versionCache[text] { return known }
        let version = String(decoding: text, as: UTF8.self)
        versionCache[text] = version
        return version
    }

    private mutating func protocols(_ scanner: NetworkStatusScanner, _ range: Range<Int>) -> ProtocolList? {
        let text = scanner.bytes[range]
        if let known = protocolCache[text] { return known }
        guard let list = ProtocolList(String(decoding: text, as: UTF8.self)) else { return nil }
        protocolCache[text] = list
        return list
    }

    private func weight(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line
    ) throws(NetworkStatusError) -> Weight {
        var weight = Weight()
        for word in scanner.words(line.arguments) {
            if let value = scanner.suffix(word, "Bandwidth=") {
                guard let number = scanner.number(value, max: UInt64(UInt32.max)) else { throw scanner.bad("w", line) }
                weight.bandwidth = UInt32(number)
            } else if scanner.suffix(word, "Unmeasured=1") != nil {
                weight.isUnmeasured = true
            } else if let value = scanner.suffix(word, "GuardFraction=") {
                // Clients that do not use it must not stumble over it either.
                weight.guardFraction = scanner.number(value, max: 100).map { UInt8($0) }
            }
        }
        return weight
    }
}

extension NetworkStatusScanner {
    /// The IPv6 OR port of an `a` line; nil if it is of IPv4 or cannot be read.
    func ipv6(_ line: Line) -> SocketEndpoint? {
        guard let word = words(line.arguments).first, bytes[word.lowerBound] == UInt8(ascii: "["),
            let endpoint = SocketEndpoint(String(decoding: bytes[word], as: UTF8.self)), endpoint.address.isV6,
            endpoint.port != 0
        else { return nil }
        return endpoint
    }

    /// The summary of a `p` line.
    func exitSummary(_ line: Line) throws(NetworkStatusError) -> ByteText {
        guard suffix(line.arguments, "accept ") != nil || suffix(line.arguments, "reject ") != nil else {
            throw bad("p", line)
        }
        return text(line.arguments)
    }
}
