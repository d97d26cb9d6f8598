package import Cells

/// What the headers of votes and consensuses have in common (dir-spec §3.4.1).
package struct NetworkStatusHeader: Hashable, Sendable {
    /// When the document begins to count.
    package var validAfter = WallTime(seconds: 0)
    /// When the next one should be there.
    package var freshUntil = WallTime(seconds: 0)
    /// Until when it may be used.
    package var validUntil = WallTime(seconds: 0)
    /// Seconds to collect votes in the next round.
    package var voteDelay: Int64 = 0
    /// Seconds to collect signatures in the next round.
    package var distributionDelay: Int64 = 0
    /// The versions that clients should run, separated by commas.
    package var clientVersions: ByteText?
    /// The versions that relays should run, separated by commas.
    package var serverVersions: ByteText?
    /// Recommended software; no more since method 34.
    package var packages: [ByteText] = []
    /// The flags that the document speaks of, sorted.
    package var knownFlags: [ByteText] = []
    /// Subprotocols that clients should speak.
    package var recommendedClientProtocols: ByteText?
    /// Subprotocols that relays should speak.
    package var recommendedRelayProtocols: ByteText?
    /// Subprotocols without which a client must not use the network.
    package var requiredClientProtocols: ByteText?
    /// Subprotocols without which a relay must not take part.
    package var requiredRelayProtocols: ByteText?
    /// The network's parameters.
    package var parameters: ConsensusParameters?
    /// The shared random value of the period before.
    package var previousSharedRandom: SharedRandomValue?
    /// The shared random value of this period.
    package var currentSharedRandom: SharedRandomValue?

    /// The shortest interval between two documents that anybody votes in.
    private static let minimumInterval: Int64 = 10
    /// The shortest delays that anybody votes with.
    private static let minimumDelay: Int64 = 2

    /// A header in which nothing is set.
    package init() {}

    /// Takes in a line, if it is one of those that are known here.
    mutating func read(
        _ scanner: borrowing NetworkStatusScanner, _ line: NetworkStatusScanner.Line, _ keyword: String
    ) throws(NetworkStatusError) -> Bool {
        func protocols(_ old: ByteText?) throws(NetworkStatusError) -> ByteText {
            try scanner.onlyOnce(old == nil, keyword, line)
            let text = scanner.text(line.arguments)
            guard ProtocolList(text.description) != nil else { throw scanner.bad(keyword, line) }
            return text
        }
        func time(_ old: WallTime) throws(NetworkStatusError) -> WallTime {
            try scanner.onlyOnce(old.seconds == 0, keyword, line)
            guard let time = WallTime(text: scanner.text(line.arguments).trimmed.description) else {
                throw scanner.bad(keyword, line)
            }
            return time
        }
        func versions(_ old: ByteText?) throws(NetworkStatusError) -> ByteText {
            try scanner.onlyOnce(old == nil, keyword, line)
            return scanner.text(line.arguments)
        }
        switch keyword {
        case "valid-after": validAfter = try time(validAfter)
        case "fresh-until": freshUntil = try time(freshUntil)
        case "valid-until": validUntil = try time(validUntil)
        case "voting-delay": try readDelays(scanner, line)
        case "client-versions": clientVersions = try versions(clientVersions)
        case "server-versions": serverVersions = try versions(serverVersions)
        case "package": packages.append(scanner.text(line.arguments))
        case "known-flags": try readKnownFlags(scanner, line)
        case "recommended-client-protocols": recommendedClientProtocols = try protocols(recommendedClientProtocols)
        case "recommended-relay-protocols": recommendedRelayProtocols = try protocols(recommendedRelayProtocols)
        case "required-client-protocols": requiredClientProtocols = try protocols(requiredClientProtocols)
        case "required-relay-protocols": requiredRelayProtocols = try protocols(requiredRelayProtocols)
        case "params":
            try scanner.onlyOnce(parameters == nil, keyword, line)
            let arguments = scanner.words(line.arguments).map { scanner.text($0) }
            guard let read = ConsensusParameters(arguments: arguments) else { throw scanner.bad(keyword, line) }
            parameters = read
        // A value that cannot be read counts as none, as C Tor has it.
        case "shared-rand-previous-value":
            try scanner.onlyOnce(previousSharedRandom == nil, keyword, line)
            previousSharedRandom = SharedRandomValue(scanner, scanner.words(line.arguments))
        case "shared-rand-current-value":
            try scanner.onlyOnce(currentSharedRandom == nil, keyword, line)
            currentSharedRandom = SharedRandomValue(scanner, scanner.words(line.arguments))
        default: return false
        }
        return true
    }

    private mutating func readDelays(
        _ scanner: borrowing NetworkStatusScanner, _ line: NetworkStatusScanner.Line
    ) throws(NetworkStatusError) {
        try scanner.onlyOnce(voteDelay == 0, "voting-delay", line)
        let words = scanner.words(line.arguments)
        guard words.count >= 2, let vote = scanner.number(words[0], max: UInt64(Int32.max)),
            let distribution = scanner.number(words[1], max: UInt64(Int32.max)),
            vote >= Self.minimumDelay, distribution >= Self.minimumDelay
        else { throw scanner.bad("voting-delay", line) }
        voteDelay = Int64(vote)
        distributionDelay = Int64(distribution)
    }

    private mutating func readKnownFlags(
        _ scanner: borrowing NetworkStatusScanner, _ line: NetworkStatusScanner.Line
    ) throws(NetworkStatusError) {
        try scanner.onlyOnce(knownFlags.isEmpty, "known-flags", line)
        knownFlags = scanner.words(line.arguments).map { scanner.text($0) }
        for (earlier, later) in zip(knownFlags, knownFlags.dropFirst()) where !(earlier < later) {
            throw scanner.bad("known-flags", line)
        }
    }

    /// Throws if something is missing that every document must have.
    func check() throws(NetworkStatusError) {
        func require(_ isThere: Bool, _ keyword: String) throws(NetworkStatusError) {
            if !isThere { throw NetworkStatusError(.missing(keyword), at: 0) }
        }
        try require(validAfter.seconds != 0, "valid-after")
        try require(freshUntil.seconds != 0, "fresh-until")
        try require(validUntil.seconds != 0, "valid-until")
        try require(voteDelay != 0, "voting-delay")
        try require(!knownFlags.isEmpty, "known-flags")
        guard freshUntil - validAfter >= Self.minimumInterval else {
            throw NetworkStatusError(.badArguments("fresh-until"), at: 0)
        }
        guard validUntil - validAfter >= 2 * Self.minimumInterval else {
            throw NetworkStatusError(.badArguments("valid-until"), at: 0)
        }
    }
}

extension NetworkStatusScanner {
    /// Throws if a line that may be there once is there again.
    func onlyOnce(_ isFirst: Bool, _ keyword: String, _ line: Line) throws(NetworkStatusError) {
        if !isFirst { throw NetworkStatusError(.repeated(keyword), at: line.start) }
    }

    /// What a line with unreadable arguments is refused with.
    func bad(_ keyword: String, _ line: Line) -> NetworkStatusError {
        NetworkStatusError(.badArguments(keyword), at: line.start)
    }
}
