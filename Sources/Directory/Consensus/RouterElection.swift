internal import Cells

/// What the consensus says of one relay, found from what the votes say of it (dir-spec §3.8).
struct RouterElection {
    /// What was elected.
    struct Outcome {
        var nickname: String
        /// The entry whose descriptor was chosen.
        var entry: VoteEntry
        var ipv6: SocketEndpoint?
        var microdescriptor: MicrodescriptorDigest?
        var flags: [ByteText]
        var version: ByteText?
        var protocols: ByteText?
        var bandwidth: UInt32?
        var isUnmeasured = false
        var guardFraction: UInt8?
        var exitSummary: ByteText?
        var countsAsExit: Bool
        var countsAsGuard: Bool
    }

    /// What is the same for all relays.
    struct Frame {
        let votes: [VoteContent]
        let authorityCount: Int
        let method: Int
        /// All flags that any vote knows, sorted.
        let flags: [ByteText]
        let names: NameElection
        /// Kilobytes per second that an unmeasured relay gets at most.
        let maximumUnmeasured: UInt32
        /// For each vote, which of `flags` its bits are.
        private let flagMaps: [[Int]]
        /// How many votes know each flag.
        private let flagVoters: [Int]
        private let measuringVotes: Int

        init(
            votes: [VoteContent], authorityCount: Int, method: Int, flags: [ByteText], maximumUnmeasured: UInt32
        ) {
            self.votes = votes
            self.authorityCount = authorityCount
            self.method = method
            self.flags = flags
            self.maximumUnmeasured = maximumUnmeasured
            names = NameElection(votes)
            let places = Dictionary(uniqueKeysWithValues: flags.enumerated().map { ($0.element, $0.offset) })
            flagMaps = votes.map { $0.header.knownFlags.compactMap { places[$0] } }
            var flagVoters = [Int](repeating: 0, count: flags.count)
            for map in flagMaps { for place in map { flagVoters[place] += 1 } }
            self.flagVoters = flagVoters
            measuringVotes = votes.count { $0.entries.contains { $0.measuredBandwidth != nil } }
        }

        /// How often each of `flags` was given.
        func flagCounts(_ router: RouterCollation.Router) -> [Int] {
            var counts = [Int](repeating: 0, count: flags.count)
            for (voter, index) in router.entries.enumerated() {
                guard let index else { continue }
                let bits = votes[voter].entries[index].flags
                for (bit, place) in flagMaps[voter].prefix(64).enumerated() where bits & 1 << UInt64(bit) != 0 {
                    counts[place] += 1
                }
            }
            return counts
        }

        /// Whether a flag that was given `count` times is in the consensus.
        func isElected(_ place: Int, _ count: Int) -> Bool { count > flagVoters[place] / 2 }

        /// Whether enough votes measure bandwidths that those of others are capped.
        var capsUnmeasured: Bool { measuringVotes > 2 }

        /// Whether a vote's entry has a flag.
        func has(_ flag: ByteText, _ entry: VoteEntry, voter: Int) -> Bool {
            guard let bit = votes[voter].header.knownFlags.firstIndex(of: flag), bit < 64 else { return false }
            return entry.flags & 1 << UInt64(bit) != 0
        }
    }

    private let frame: Frame
    private let router: RouterCollation.Router
    /// The entries with their voters, best sorted as the choice of the descriptor sorts them.
    private let entries: [VoteEntry]

    init(_ frame: Frame, _ router: RouterCollation.Router) {
        self.frame = frame
        self.router = router
        entries = router.entries.enumerated().compactMap { voter, index in index.map { frame.votes[voter].entries[$0] }
        }
        .sorted(by: Self.precedes)
    }

    /// The outcome; nil if the relay is not to be listed.
    func outcome() -> Outcome? {
        guard entries.count > frame.authorityCount / 2, let chosen = chooseDescriptor() else { return nil }
        let nickname = votedName() ?? chosen.nickname
        var flags = electFlags(nickname)
        // Methods 4 and 24: only relays that are running and valid are listed.
        guard flags.contains("Running"), flags.contains("Valid") else { return nil }
        if flags.contains("MiddleOnly") {
            flags.removeAll { ["Exit", "V2Dir", "Guard", "HSDir"].contains($0) }
            if !flags.contains("BadExit"), frame.flags.contains("BadExit") {
                flags.append("BadExit")
                flags.sort()
            }
        }
        let isGuard = flags.contains("Guard")
        var outcome = Outcome(
            nickname: nickname, entry: chosen, flags: flags,
            countsAsExit: flags.contains("Exit") && !flags.contains("BadExit"), countsAsGuard: isGuard)
        let same = entries.filter { Self.isSame($0, chosen) }
        outcome.ipv6 = Self.mostFrequentEndpoint(same.compactMap(\.ipv6))
        outcome.microdescriptor =
            same.compactMap { $0.microdescriptor(method: frame.method) }.mostFrequent().flatMap { $0.isZero ? nil : $0 }
        outcome.version = Self.mostFrequent(TorVersion.sorted(entries.compactMap(\.version).filter { !$0.isEmpty }))
        outcome.protocols = entries.map(\.protocols).mostFrequent()
        let fractions = entries.compactMap(\.guardFraction)
        if isGuard, fractions.count > 2 { outcome.guardFraction = fractions.lowMedian() }
        electBandwidth(&outcome)
        outcome.exitSummary = electExitSummary(chosen)
        return outcome
    }

    /// C Tor's order of entries: by descriptor digest, and where those are equal although the rest is not, by the rest.
    private static func precedes(_ left: VoteEntry, _ right: VoteEntry) -> Bool {
        if left.descriptorDigest != right.descriptorDigest { return left.descriptorDigest < right.descriptorDigest }
        if left.published != right.published { return right.published < left.published }
        if left.nickname != right.nickname { return ByteText(right.nickname) < ByteText(left.nickname) }
        if left.address != right.address { return left.address < right.address }
        if left.orPort != right.orPort { return left.orPort > right.orPort }
        return left.dirPort > right.dirPort
    }

    private static func isSame(_ left: VoteEntry, _ right: VoteEntry) -> Bool {
        !precedes(left, right) && !precedes(right, left)
    }

    /// The descriptor that most votes have; of several such the latest, and then that with the smallest digest.
    private func chooseDescriptor() -> VoteEntry? {
        var best: VoteEntry?
        var bestCount = 0
        var index = 0
        while index < entries.count {
            var end = index
            while end < entries.count, Self.isSame(entries[index], entries[end]) { end += 1 }
            let isLater = best.map { $0.published < entries[index].published } ?? true
            if end - index > bestCount || (end - index == bestCount && isLater) {
                best = entries[index]
                bestCount = end - index
            }
            index = end
        }
        return best
    }

    /// The name that votes with the flag Named agree on.
    private func votedName() -> String? {
        var name: String?
        for (voter, index) in router.entries.enumerated() {
            guard let index else { continue }
            let entry = frame.votes[voter].entries[index]
            guard frame.has("Named", entry, voter: voter) else { continue }
            if let name, name != entry.nickname { return nil }
            name = entry.nickname
        }
        return name
    }

    private func electFlags(_ nickname: String) -> [ByteText] {
        let counts = frame.flagCounts(router)
        let isNamed = frame.names.isNamed(nickname, router.identity)
        return frame.flags.enumerated().filter { place, flag in
            switch flag {
            case "Named": isNamed == true
            case "Unnamed": isNamed == false
            case "NoEdConsensus": router.ed25519Count <= frame.authorityCount / 2
            default: frame.isElected(place, counts[place])
            }
        }.map(\.element)
    }

    private func electBandwidth(_ outcome: inout Outcome) {
        let measured = entries.compactMap(\.measuredBandwidth)
        if measured.count > 2 {
            outcome.bandwidth = measured.lowMedian()
            return
        }
        guard let median = entries.compactMap(\.bandwidth).lowMedian() else { return }
        outcome.isUnmeasured = true
        outcome.bandwidth = frame.capsUnmeasured ? min(median, frame.maximumUnmeasured) : median
    }

    /// The summary that belongs to the chosen descriptor; should votes disagree, the most frequent one.
    private func electExitSummary(_ chosen: VoteEntry) -> ByteText? {
        let own = entries.filter { $0.descriptorDigest == chosen.descriptorDigest }.compactMap(\.exitSummary)
        return own.isEmpty ? entries.compactMap(\.exitSummary).mostFrequent() : own.mostFrequent()
    }

    /// Of equal neighbours those that are most, later ones before earlier ones.
    private static func mostFrequent(_ ordered: [ByteText]) -> ByteText? {
        var best: ByteText?
        var bestCount = 0
        var index = 0
        while index < ordered.count {
            var end = index
            while end < ordered.count, ordered[end] == ordered[index] { end += 1 }
            if end - index >= bestCount { (best, bestCount) = (ordered[index], end - index) }
            index = end
        }
        return best
    }

    /// The endpoint that is most frequent; of several such the largest address, and then the smallest port.
    private static func mostFrequentEndpoint(_ endpoints: [SocketEndpoint]) -> SocketEndpoint? {
        endpoints.map { SocketEndpoint(address: $0.address, port: .max - $0.port) }.mostFrequent().map {
            SocketEndpoint(address: $0.address, port: .max - $0.port)
        }
    }
}
