internal import Cells

/// Reads the relays of a vote.
struct VoteEntryReader {
    private let bits: [ByteText: UInt64]
    private var published = PublishedCache()

    init(knownFlags: [ByteText]) {
        bits = Dictionary(
            knownFlags.prefix(VoteReader.maximumFlags).enumerated().map { ($0.element, 1 << UInt64($0.offset)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Reads all relays, up to the footer or the signature.
    mutating func readAll(_ scanner: inout NetworkStatusScanner) throws(NetworkStatusError) -> [VoteEntry] {
        var entries: [VoteEntry] = []
        var keys: Set<Ed25519Identity> = []
        while scanner.isAt("r ") {
            let start = scanner.position
            let entry = try read(&scanner)
            if let last = entries.last, !(last.identity < entry.identity) {
                throw NetworkStatusError(.unordered, at: start)
            }
            if case .key(let key) = entry.ed25519, !keys.insert(key).inserted {
                throw NetworkStatusError(.repeated("id"), at: start)
            }
            entries.append(entry)
        }
        return entries
    }

    private mutating func read(_ scanner: inout NetworkStatusScanner) throws(NetworkStatusError) -> VoteEntry {
        let line = try scanner.line()
        let reader = try RouterEntryReader(scanner, line, hasDigest: true, publishedCache: &published)
        guard let digest = reader.descriptorDigest else { throw scanner.bad("r", line) }
        var entry = VoteEntry(
            nickname: reader.nickname, identity: reader.identity, descriptorDigest: digest,
            published: reader.published, address: reader.address, orPort: reader.orPort, dirPort: reader.dirPort,
            protocols: "")
        var seen: Set<String> = []
        while !scanner.isAtBody {
            let line = try scanner.line()
            _ = try scanner.object()
            let keyword = scanner.text(line.keyword).description
            let isFirst = seen.insert(keyword).inserted
            switch keyword {
            case "s", "v", "pr", "w", "p":
                try scanner.onlyOnce(isFirst, keyword, line)
                try read(keyword, scanner, line, into: &entry)
            case "a": if entry.ipv6 == nil { entry.ipv6 = scanner.ipv6(line) }
            case "id": try readIdentity(scanner, line, into: &entry)
            case "stats": entry.statistics = scanner.text(line.arguments)
            case "m": entry.microdescriptors.append(Self.microdescriptor(scanner, line))
            default: break
            }
        }
        guard seen.contains("s") else { throw NetworkStatusError(.missing("s"), at: line.start) }
        guard seen.contains("pr") else { throw NetworkStatusError(.missing("pr"), at: line.start) }
        return entry
    }

    private func read(
        _ keyword: String, _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line,
        into entry: inout VoteEntry
    ) throws(NetworkStatusError) {
        switch keyword {
        case "s":
            for word in scanner.words(line.arguments) {
                guard let bit = bits[scanner.text(word)] else { throw scanner.bad("s", line) }
                entry.flags |= bit
            }
        case "v": entry.version = scanner.text(line.arguments)
        case "pr":
            entry.protocols = scanner.text(line.arguments)
            guard ProtocolList(entry.protocols.description) != nil else { throw scanner.bad("pr", line) }
        case "p": entry.exitSummary = try scanner.exitSummary(line)
        default: try readWeight(scanner, line, into: &entry)
        }
    }

    private func readWeight(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line, into entry: inout VoteEntry
    ) throws(NetworkStatusError) {
        func number(_ range: Range<Int>, max: UInt64 = UInt64(UInt32.max)) throws(NetworkStatusError) -> UInt32 {
            guard let number = scanner.number(range, max: max) else { throw scanner.bad("w", line) }
            return UInt32(number)
        }
        for word in scanner.words(line.arguments) {
            if let value = scanner.suffix(word, "Bandwidth=") {
                entry.bandwidth = try number(value)
            } else if let value = scanner.suffix(word, "Measured=") {
                entry.measuredBandwidth = try number(value)
            } else if let value = scanner.suffix(word, "MeasuredButAuthority=") {
                entry.measuredButAuthority = scanner.number(value, max: UInt64(UInt32.max)).map { UInt32($0) }
            } else if let value = scanner.suffix(word, "GuardFraction=") {
                entry.guardFraction = UInt8(try number(value, max: 100))
            }
        }
    }

    private func readIdentity(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line, into entry: inout VoteEntry
    ) throws(NetworkStatusError) {
        let words = scanner.words(line.arguments)
        guard words.count >= 2 else { throw scanner.bad("id", line) }
        guard scanner.matches(words[0], "ed25519") else { return }
        if scanner.matches(words[1], "none") {
            entry.ed25519 = .none
        } else {
            guard
                let key = DirectoryEncoding.base64(scanner.bytes, in: words[1], byteCount: 32)
                    .flatMap({ Ed25519Identity($0) })
            else { throw scanner.bad("id", line) }
            // A key of zeros is how C Tor holds "none".
            entry.ed25519 = key.isZero ? .none : .key(key)
        }
    }

    /// Reads METHOD,METHOD... sha256=DIGEST; as much of the methods as can be read counts, as C Tor has it.
    private static func microdescriptor(
        _ scanner: NetworkStatusScanner, _ line: NetworkStatusScanner.Line
    ) -> VoteEntry.MicrodescriptorVote {
        var words = scanner.words(line.arguments)[...]
        var methods: [Int] = []
        if let list = words.popFirst() {
            for part in scanner.bytes[list].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let method = scanner.number(part.startIndex..<part.endIndex, max: UInt64(Int32.max)) else {
                    break
                }
                methods.append(Int(method))
            }
        }
        let digest = words.lazy.compactMap { scanner.suffix($0, "sha256=") }.first.flatMap {
            DirectoryEncoding.base64(scanner.bytes, in: $0, byteCount: 32)
        }
        return .init(methods: methods, digest: digest.flatMap { MicrodescriptorDigest($0) })
    }
}
