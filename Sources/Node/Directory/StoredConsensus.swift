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

    private let encoded = Mutex<[CompressionMethod: [UInt8]]>([:])

    /// Below this many bytes compressing is quick enough for an event loop; above, `prepare` runs on a thread first.
    private static let quickLength = 64 << 10

    /// Takes a consensus whose signatures were checked.
    package init(_ consensus: Consensus) {
        self.consensus = consensus
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

    /// Makes all forms; takes seconds for a large consensus.
    package func prepare() {
        for method in CompressionMethod.allCases where method != .identity {
            if encoded.withLock({ $0[method] == nil }) { _ = make(method) }
        }
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
