internal import Cells
internal import Directory

/// A consensus that was current before, kept so that clients who still have it get a difference instead of the whole.
struct PastConsensus: Sendable {
    /// SHA3-256 of its signed part: by this a client names it.
    let signedSHA3: [UInt8]
    /// When it began to count.
    let validAfter: WallTime
    /// How long it is.
    private let length: Int
    /// Its text, by itself or compressed.
    private let packed: [UInt8]
    private let method: CompressionMethod

    /// Keeps what was the current one.
    init(_ stored: StoredConsensus) {
        signedSHA3 = stored.signedSHA3
        validAfter = stored.consensus.validAfter
        length = stored.consensus.text.count
        (method, packed) = stored.form(alreadyIn: .zstd)
    }

    /// How much memory it takes.
    var size: Int { packed.count }

    /// Its text.
    func text() -> [UInt8]? {
        method == .identity
            ? packed : try? Decompressor.decompress(packed, method, limit: length, allowsPartial: false)
    }

    /// Those to keep, the newest first: of the last days, and not too many for the memory.
    static func kept(_ past: [PastConsensus], since oldest: WallTime) -> [PastConsensus] {
        var left = DirectoryClientLimits.pastConsensusesLength
        return past.prefix { consensus in
            left -= consensus.size
            return left >= 0 && consensus.validAfter >= oldest
        }
    }
}
