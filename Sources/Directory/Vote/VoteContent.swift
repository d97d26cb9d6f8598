package import Cells

/// All that a vote says, before it is signed (dir-spec §3.4.1, §3.4.2).
package struct VoteContent: Hashable, Sendable {
    /// The consensus methods that the authority can compute.
    package var methods: [Int]
    /// When the vote was made.
    package var published: WallTime
    /// Times, parameters, recommendations: what a vote shares with the consensus.
    package var header: NetworkStatusHeader
    /// The bars for Stable, Fast and Guard; for people who watch the network.
    package var flagThresholds: ByteText?
    /// The headers of the bandwidth file, joined with spaces.
    package var bandwidthFileHeaders: ByteText?
    /// ALGORITHM=DIGEST of the bandwidth file.
    package var bandwidthFileDigest: ByteText?
    /// Who votes.
    package var source: AuthoritySource
    /// The authority's part in drawing a shared random value; nil if it takes none.
    package var sharedRandom: SharedRandomStatement?
    /// SHA-1 of an identity key that the authority had before.
    package var legacyIdentity: RSAIdentity?
    /// The relays, in the order of their identities.
    package var entries: [VoteEntry]

    /// What a vote tells of the drawing of shared random values.
    package struct SharedRandomStatement: Hashable, Sendable {
        /// In the reveal phase every commit has a place for its reveal.
        package var phase: SharedRandomPhase
        /// The commits that the authority knows.
        package var commits: [SharedRandomCommit]

        /// Takes phase and commits.
        package init(phase: SharedRandomPhase, commits: [SharedRandomCommit]) {
            self.phase = phase
            self.commits = commits
        }
    }

    /// A vote without relays.
    package init(methods: [Int], published: WallTime, header: NetworkStatusHeader, source: AuthoritySource) {
        self.methods = methods
        self.published = published
        self.header = header
        self.source = source
        entries = []
    }

    /// The vote up to its signature, line by line in C Tor's order, with the key certificate in its place.
    package func encode(certificate: [UInt8]) -> [UInt8] {
        var writer = DocumentWriter()
        writer.line("network-status-version", "3")
        writer.line("vote-status", "vote")
        writer.line("consensus-methods", methods.map { "\($0)" }.joined(separator: " "))
        writer.line("published", published.description)
        writer.line("valid-after", header.validAfter.description)
        writer.line("fresh-until", header.freshUntil.description)
        writer.line("valid-until", header.validUntil.description)
        writer.line("voting-delay", "\(header.voteDelay)", "\(header.distributionDelay)")
        writer.line("client-versions", header.clientVersions)
        writer.line("server-versions", header.serverVersions)
        writer.line("recommended-relay-protocols", header.recommendedRelayProtocols)
        writer.line("recommended-client-protocols", header.recommendedClientProtocols)
        writer.line("required-relay-protocols", header.requiredRelayProtocols)
        writer.line("required-client-protocols", header.requiredClientProtocols)
        writer.line("known-flags", ByteText(header.knownFlags.joined()))
        writer.line("flag-thresholds", flagThresholds)
        writer.line("params", header.parameters?.text ?? "")
        writer.line("bandwidth-file-headers", bandwidthFileHeaders)
        writer.line("bandwidth-file-digest", bandwidthFileDigest)
        var dirSource: [UInt8] = []
        source.encode(into: &dirSource)
        writer.raw(dirSource)
        writer.line("contact", source.contact ?? "(none)")
        if let sharedRandom { encode(sharedRandom, into: &writer) }
        if let legacyIdentity { writer.line("legacy-dir-key", legacyIdentity.hex) }
        writer.raw(certificate)
        for entry in entries { entry.encode(flags: header.knownFlags, into: &writer) }
        writer.line("directory-footer")
        return writer.bytes
    }

    private func encode(_ statement: SharedRandomStatement, into writer: inout DocumentWriter) {
        writer.line("shared-rand-participate")
        let lines = statement.commits.map { commit in
            switch statement.phase {
            case .commit: commit.withoutReveal.text
            // C Tor writes the space also where there is no reveal.
            case .reveal: commit.reveal == nil ? ByteText(commit.text.bytes + [0x20]) : commit.text
            }
        }
        for line in lines.sorted() { writer.line("shared-rand-commit", line) }
        writer.line("shared-rand-previous-value", header.previousSharedRandom?.text)
        writer.line("shared-rand-current-value", header.currentSharedRandom?.text)
    }
}

extension [ByteText] {
    /// All, with spaces between.
    func joined() -> [UInt8] {
        Array<UInt8>(map(\.bytes).joined(separator: [0x20]))
    }
}

extension VoteEntry {
    /// The longest version that is told.
    private static let longestVersion = 120

    /// Writes the entry's lines in C Tor's order; `flags` are the vote's known flags.
    func encode(flags known: [ByteText], into writer: inout DocumentWriter) {
        writer.line(
            "r", nickname, DirectoryEncoding.base64(identity.bytes), DirectoryEncoding.base64(descriptorDigest.bytes),
            published.description, IPAddress(ipv4: address).description, "\(orPort)", "\(dirPort)")
        if let ipv6 { writer.line("a", ipv6.description) }
        writer.raw(Array("s".utf8))
        for (index, flag) in known.prefix(64).enumerated() where flags & 1 << UInt64(index) != 0 {
            writer.raw([0x20] + flag.bytes)
        }
        writer.text("\n")
        if let version, version.bytes.count < Self.longestVersion { writer.line("v", version) }
        writer.line("pr", protocols)
        if let bandwidth {
            writer.text("w Bandwidth=\(bandwidth)")
            if let measuredBandwidth { writer.text(" Measured=\(measuredBandwidth)") }
            if let measuredButAuthority { writer.text(" MeasuredButAuthority=\(measuredButAuthority)") }
            if let guardFraction { writer.text(" GuardFraction=\(guardFraction)") }
            writer.text("\n")
        }
        writer.line("p", exitSummary)
        switch ed25519 {
        case .absent: break
        case .none: writer.line("id", "ed25519", "none")
        case .key(let key): writer.line("id", "ed25519", DirectoryEncoding.base64(key.bytes))
        }
        writer.line("stats", statistics)
        for vote in microdescriptors {
            guard let digest = vote.digest else { continue }
            writer.line(
                "m", vote.methods.map { "\($0)" }.joined(separator: ","),
                "sha256=" + DirectoryEncoding.base64(digest.bytes))
        }
    }
}
