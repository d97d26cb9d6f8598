package import Cells
package import Directory
internal import Synchronization

/// A consensus that is believed, with the forms in which it is served: each is made once.
package final class StoredConsensus: Sendable {
    /// The consensus.
    package let consensus: Consensus
    /// SHA3-256 of its signed part, by which clients say which one they have.
    package let signedSHA3: [UInt8]
    /// The authorities that have signed it.
    package let signers: Set<RSAIdentity>

    /// Those before it, the newest first.
    let past: [PastConsensus]

    private typealias Forms = [CompressionMethod: [UInt8]]
    private let encoded = Mutex<Forms>([:])
    /// Differences from those before, in every form that was made, by the digest of the older one; nil if none can be made.
    private let differences = Mutex<[[UInt8]: Forms?]>([:])

    /// C Tor makes no other forms of differences; whoever takes deflate alone gets them as they are.
    private static let differenceMethods: [CompressionMethod] = [.lzma, .zstd, .gzip]
    /// Below this many bytes compressing is quick enough for an event loop; above, `prepare` runs on a thread first.
    private static let quickLength = 64 << 10

    /// Takes a consensus whose signatures were checked, and what was current before.
    package convenience init(_ consensus: Consensus) { self.init(consensus, past: []) }

    init(_ consensus: Consensus, past: [PastConsensus]) {
        self.consensus = consensus
        self.past = past
        signedSHA3 = consensus.signedSHA3
        signers = Set(consensus.signatures.map(\.identity))
    }

    /// The best form for a client that takes these methods, of those that are there.
    package func form(accepting methods: Set<CompressionMethod>) -> (method: CompressionMethod, bytes: [UInt8]) {
        for method in CompressionMethod.precompressedPreference where methods.contains(method) && method != .identity {
            if let bytes = encoded.withLock({ $0[method] }) { return (method, bytes) }
            if consensus.text.count <= Self.quickLength, let bytes = make(method) { return (method, bytes) }
        }
        return (.identity, consensus.text)
    }

    /// The text, in a compressed form if that has been made already.
    func form(alreadyIn method: CompressionMethod) -> (CompressionMethod, [UInt8]) {
        encoded.withLock { $0[method] }.map { (method, $0) } ?? (.identity, consensus.text)
    }

    /// The difference from an older consensus, by the digest of its signed part; nil if there is none now.
    package func difference(
        from digest: [UInt8], accepting methods: Set<CompressionMethod>
    ) -> (method: CompressionMethod, bytes: [UInt8])? {
        if consensus.text.count <= Self.quickLength { makeDifference(from: digest) }
        guard case let forms?? = differences.withLock({ $0[digest] }) else { return nil }
        let best = CompressionMethod.precompressedPreference.first { methods.contains($0) && forms[$0] != nil }
        return (best ?? .identity, forms[best ?? .identity] ?? [])
    }

    /// Makes all forms; takes seconds for a large consensus. Then the differences, since the recent ones are asked for most.
    package func prepare() {
        for method in CompressionMethod.allCases where method != .identity {
            if encoded.withLock({ $0[method] == nil }) { _ = make(method) }
        }
        for consensus in past { makeDifference(from: consensus.signedSHA3) }
    }

    private func makeDifference(from digest: [UInt8]) {
        guard differences.withLock({ $0[digest] == nil }), let old = past.first(where: { $0.signedSHA3 == digest })
        else { return }
        var forms: Forms?
        if let text = old.text(),
            let difference = ConsensusDiff.make(from: text, baseDigest: digest, to: consensus.text)
        {
            var made: Forms = [.identity: difference]
            for method in Self.differenceMethods { made[method] = try? Compressor.compress(difference, method) }
            forms = made
        }
        differences.withLock { $0[digest] = .some(forms) }
    }

    private func make(_ method: CompressionMethod) -> [UInt8]? {
        guard let bytes = try? Compressor.compress(consensus.text, method) else { return nil }
        encoded.withLock { $0[method] = bytes }
        return bytes
    }
}

extension Consensus {
    /// Whether it does for building circuits, and may be served: it counts, or did a day ago, or will in a day.
    package func isReasonablyLive(at now: WallTime) -> Bool {
        header.validAfter - DirectoryClientLimits.reasonablyLive <= now
            && now <= header.validUntil + DirectoryClientLimits.reasonablyLive
    }
}
