internal import Configuration
internal import Trust

/// Reads a log forward: its newest checkpoint, and the entries that are new.
///
/// Not for deciding anything about plugins (`TrustJudge`), nor for when to read (`PluginTrustRole`).
struct LogFollower {
    /// What a reading came to.
    struct Reading {
        /// What is known now.
        var mirror: LogMirror
        /// What became of the checkpoint.
        var outcome: LogMirror.Outcome
        /// New entries, from `start` on; to be kept.
        var entries: [[UInt8]] = []
        /// The number of the first.
        var start: UInt64 = 0
    }

    let source: PluginTrustSettings.LogSource
    let transport: any LogTransport

    /// Reads on from what is known.
    func read(_ known: LogMirror) async throws(LogFetchError) -> Reading {
        let bytes = try await transport.fetch(TilePath.checkpoint, of: source.url, limit: TrustLimits.noteBytes)
        var mirror = known
        guard let checkpoint = try? Checkpoint(bytes: bytes), checkpoint.isSigned(by: source.log.key),
            checkpoint.size <= TrustLimits.logEntries
        else { return Reading(mirror: known, outcome: .refused) }
        let start = known.size
        guard checkpoint.size > start || known.checkpoint == nil, known.fork == nil else {
            let outcome = mirror.take(bytes, entries: [])
            return Reading(mirror: mirror, outcome: outcome)
        }
        let fresh = try await entries(from: start, to: checkpoint.size)
        let outcome = mirror.take(bytes, entries: fresh)
        guard outcome == .mismatch, start > 0 else {
            return Reading(mirror: mirror, outcome: outcome, entries: fresh, start: start)
        }
        // Damage, or another history: with all of it we can tell, and prove it.
        let all = try await entries(from: 0, to: checkpoint.size)
        let verdict = mirror.takeWhole(bytes, entries: all)
        return Reading(mirror: mirror, outcome: verdict)
    }

    private func entries(from start: UInt64, to size: UInt64) async throws(LogFetchError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        for tile in TilePath.bundles(from: start, to: size) {
            var bundle = try await bundle(tile)
            let first = tile.index * TilePath.width
            if first < start { bundle.removeFirst(min(Int(start - first), bundle.count)) }
            entries += bundle
        }
        return entries
    }

    /// A bundle's entries. A log may have replaced a part by the whole.
    private func bundle(_ tile: TilePath) async throws(LogFetchError) -> [[UInt8]] {
        let bytes: [UInt8]
        do {
            bytes = try await transport.fetch(tile.description, of: source.url, limit: TrustLimits.bundleBytes)
        } catch .status(404) {
            guard tile.count < 256, let whole = TilePath(tile.content, index: tile.index) else { throw .status(404) }
            bytes = try await transport.fetch(whole.description, of: source.url, limit: TrustLimits.bundleBytes)
        }
        guard let entries = try? EntryBundle.read(bytes), entries.count >= tile.count else { throw .badAnswer }
        return Array(entries.prefix(tile.count))
    }
}
