package import Cells

/// Computes the consensus from votes, byte for byte as every other authority computes it (dir-spec §3.8).
///
/// What is done here must never change for a method that is in use: authorities that differ in one byte sign different
/// documents, and there is no consensus.
package struct ConsensusComputation: Sendable {
    /// The methods that we can compute; higher ones are better.
    package static let supportedMethods = 32...35
    /// From this method on, microdescriptor consensuses have no publication times.
    private static let methodWithoutPublished = 33
    /// From this method on, there are no `package` lines.
    private static let methodWithoutPackages = 34
    /// Kilobytes per second that an unmeasured relay gets at most, unless a parameter says otherwise.
    private static let maximumUnmeasured: Int32 = 20

    /// The method that the votes chose.
    package let method: Int
    /// When the consensus begins to count.
    package var validAfter: WallTime { median(\.validAfter) }

    /// By identity of their authorities.
    private let votes: [Vote]
    private let authorityCount: Int
    private let sharedRandom: SharedRandomRule
    private let parameters: ConsensusParameters

    /// How this authority treats shared random values; all must treat them alike.
    package struct SharedRandomRule: Hashable, Sendable {
        /// AuthDirSharedRandomness: false for a consensus without them.
        package var takesPart: Bool
        /// True in the first round of a period, when the value is new and must be agreed on by more.
        package var isFresh: Bool

        /// Takes both.
        package init(takesPart: Bool = true, isFresh: Bool = false) {
            self.takesPart = takesPart
            self.isFresh = isFresh
        }
    }

    /// Takes the votes of one round, at most one from each authority; nil if there are none.
    package init?(_ votes: [Vote], authorityCount: Int, sharedRandom: SharedRandomRule = SharedRandomRule()) {
        guard !votes.isEmpty else { return nil }
        self.votes = votes.sorted { $0.identity < $1.identity }
        self.authorityCount = max(authorityCount, votes.count)
        self.sharedRandom = sharedRandom
        let chosen = Self.method(of: votes.map(\.content.methods))
        method = Self.supportedMethods.contains(chosen) ? chosen : Self.supportedMethods.upperBound
        parameters = .consensus(
            of: votes.map { $0.content.header.parameters ?? ConsensusParameters() },
            authorityCount: self.authorityCount)
    }

    /// The highest method that more than two thirds of the votes list; 1 if there is none.
    package static func method(of lists: [[Int]]) -> Int {
        var counts: [Int: Int] = [:]
        for list in lists { for method in Set(list) { counts[method, default: 0] += 1 } }
        let least = lists.count * 2 / 3
        return counts.filter { $0.value > least }.keys.max() ?? 1
    }

    /// The consensus up to its signatures: what is signed are these bytes and "directory-signature " behind them.
    package func unsigned(_ flavor: ConsensusFlavor) -> [UInt8] {
        var writer = DocumentWriter()
        let flags = Set(votes.flatMap(\.content.header.knownFlags) + ["NoEdConsensus"]).sorted()
        writeHeader(flavor, flags, into: &writer)
        writeSources(into: &writer)
        var totals = BandwidthWeights.Totals()
        let frame = RouterElection.Frame(
            votes: votes.map(\.content), authorityCount: authorityCount, method: method, flags: flags,
            maximumUnmeasured: UInt32(max(1, parameters["maxunmeasuredbw"] ?? Self.maximumUnmeasured)))
        for router in RouterCollation(votes.map(\.content.entries), authorityCount: authorityCount).routers {
            guard let outcome = RouterElection(frame, router).outcome() else { continue }
            if let bandwidth = outcome.bandwidth {
                totals.add(
                    bandwidth: Int64(Int32(bitPattern: bandwidth)), isGuard: outcome.countsAsGuard,
                    isExit: outcome.countsAsExit, guardFraction: outcome.guardFraction)
            }
            write(outcome, flavor, into: &writer)
        }
        writer.line("directory-footer")
        let scale = Int64(max(1, parameters["bwweightscale"] ?? 10_000))
        if let weights = BandwidthWeights(totals: totals, scale: scale) {
            var line: [UInt8] = []
            weights.encode(into: &line)
            writer.raw(line)
        }
        return writer.bytes
    }

    private func median<Value: Comparable>(_ path: KeyPath<NetworkStatusHeader, Value>) -> Value {
        // There is at least one vote.
        votes.map { $0.content.header[keyPath: path] }.lowMedian() ?? votes[0].content.header[keyPath: path]
    }

    private func writeHeader(_ flavor: ConsensusFlavor, _ flags: [ByteText], into writer: inout DocumentWriter) {
        writer.line("network-status-version", flavor == .ns ? "3" : "3 \(flavor.rawValue)")
        writer.line("vote-status", "consensus")
        writer.line("consensus-method", "\(method)")
        writer.line("valid-after", median(\.validAfter).description)
        writer.line("fresh-until", median(\.freshUntil).description)
        writer.line("valid-until", median(\.validUntil).description)
        writer.line("voting-delay", "\(median(\.voteDelay))", "\(median(\.distributionDelay))")
        writer.line("client-versions", versions(\.clientVersions))
        writer.line("server-versions", versions(\.serverVersions))
        if method < Self.methodWithoutPackages {
            for line in RecommendedPackages.consensus(of: votes.map(\.content.header.packages)) {
                writer.line("package", line)
            }
        }
        writer.line("known-flags", ByteText(flags.joined()))
        let half = (authorityCount + 1) / 2
        let twoThirds = (authorityCount * 2 + 2) / 3
        writer.line("recommended-client-protocols", protocols(\.recommendedClientProtocols, half))
        writer.line("recommended-relay-protocols", protocols(\.recommendedRelayProtocols, half))
        writer.line("required-client-protocols", protocols(\.requiredClientProtocols, twoThirds))
        writer.line("required-relay-protocols", protocols(\.requiredRelayProtocols, twoThirds))
        if !parameters.entries.isEmpty { writer.line("params", parameters.text) }
        if sharedRandom.takesPart {
            writer.line("shared-rand-previous-value", sharedRandomValue(\.previousSharedRandom)?.text)
            writer.line("shared-rand-current-value", sharedRandomValue(\.currentSharedRandom)?.text)
        }
    }

    /// The versions that more than half of those recommend who recommend any, from old to new.
    private func versions(_ path: KeyPath<NetworkStatusHeader, ByteText?>) -> ByteText {
        let lists = votes.compactMap { $0.content.header[keyPath: path] }
        var counts: [ByteText: Int] = [:]
        for list in lists {
            var own: [ByteText] = []
            for version in TorVersion.sorted(list.split(separator: UInt8(ascii: ",")).map(\.trimmed))
            where !version.isEmpty && own.last.map({ TorVersion.compareTexts($0, version) != 0 }) ?? true {
                own.append(version)
            }
            for version in own { counts[version, default: 0] += 1 }
        }
        let good = counts.filter { $0.value > lists.count / 2 }.keys.sorted()
        return ByteText(TorVersion.sorted(good).map(\.bytes).joined(separator: [UInt8(ascii: ",")]))
    }

    private func protocols(_ path: KeyPath<NetworkStatusHeader, ByteText?>, _ threshold: Int) -> ByteText {
        let lists = votes.compactMap { $0.content.header[keyPath: path] }
        return ByteText(ProtocolElection.elect(lists, threshold: threshold).description)
    }

    /// The value that enough of the votes have (srv-spec §4.1.4).
    private func sharedRandomValue(
        _ path: KeyPath<NetworkStatusHeader, SharedRandomValue?>
    ) -> SharedRandomValue? {
        let values = votes.filter { $0.content.sharedRandom != nil }.compactMap { $0.content.header[keyPath: path] }
        guard let best = values.map({ ByteText($0.value) }).mostFrequent() else { return nil }
        let same = values.filter { $0.value == best.bytes }
        guard same.count >= authorityCount / 2 + 1 else { return nil }
        let agreements = Int(parameters["AuthDirNumSRVAgreements"] ?? Int32(clamping: authorityCount * 2 / 3))
        if sharedRandom.isFresh, same.count < agreements { return nil }
        return same.first
    }

    private func writeSources(into writer: inout DocumentWriter) {
        var sections: [(identity: RSAIdentity, bytes: [UInt8])] = []
        for vote in votes {
            let source = vote.content.source
            var own = DocumentWriter()
            var line: [UInt8] = []
            source.encode(into: &line)
            own.raw(line)
            own.line("contact", source.contact ?? "(none)")
            own.line("vote-digest", DirectoryEncoding.hex(vote.digest.bytes))
            sections.append((source.identity, own.bytes))
            if let legacy = vote.content.legacyIdentity, !legacy.isZero {
                line = []
                source.encode(suffix: "-legacy", identity: legacy, into: &line)
                sections.append((legacy, line))
            }
        }
        for section in sections.sorted(by: { $0.identity < $1.identity }) { writer.raw(section.bytes) }
    }

    private func write(_ outcome: RouterElection.Outcome, _ flavor: ConsensusFlavor, into writer: inout DocumentWriter)
    {
        if flavor == .microdesc, outcome.microdescriptor == nil { return }
        let entry = outcome.entry
        let identity: String = DirectoryEncoding.base64(entry.identity.bytes)
        let digest = flavor == .ns ? " " + DirectoryEncoding.base64(entry.descriptorDigest.bytes) : ""
        let hidesTime = flavor == .microdesc && method >= Self.methodWithoutPublished
        let published = hidesTime ? "2038-01-01 00:00:00" : entry.published.description
        writer.line(
            "r", outcome.nickname, identity + digest, published, IPAddress(ipv4: entry.address).description,
            "\(entry.orPort)", "\(entry.dirPort)")
        if let ipv6 = outcome.ipv6 { writer.line("a", ipv6.description) }
        if flavor == .microdesc, let microdescriptor = outcome.microdescriptor {
            writer.line("m", DirectoryEncoding.base64(microdescriptor.bytes))
        }
        if outcome.flags.isEmpty { writer.line("s") } else { writer.line("s", ByteText(outcome.flags.joined())) }
        writer.line("v", outcome.version)
        writer.line("pr", outcome.protocols)
        if let bandwidth = outcome.bandwidth {
            let unmeasured = outcome.isUnmeasured ? " Unmeasured=1" : ""
            let fraction = outcome.guardFraction.map { " GuardFraction=\($0)" } ?? ""
            // C Tor prints the number as a signed one.
            writer.line("w", "Bandwidth=\(Int32(bitPattern: bandwidth))\(unmeasured)\(fraction)")
        }
        if flavor == .ns { writer.line("p", outcome.exitSummary) }
    }
}
