/// Entries as a log serves them: each with its length before it (C2SP tlog-tiles, "Log entries").
package enum EntryBundle {
    /// Reads a bundle, which holds exactly so many.
    package static func read(_ bytes: [UInt8], count: Int) throws(TrustError) -> [[UInt8]] {
        let entries = try read(bytes)
        guard entries.count == count else { throw .entry("bundle holds \(entries.count) entries, not \(count)") }
        return entries
    }

    /// Reads any number of entries.
    package static func read(_ bytes: [UInt8]) throws(TrustError) -> [[UInt8]] {
        var entries: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let high = rest.popFirst(), let low = rest.popFirst() else { throw .entry("bundle ends in a length") }
            let length = Int(high) << 8 | Int(low)
            guard rest.count >= length else { throw .entry("bundle ends in an entry") }
            entries.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return entries
    }

    /// Writes entries; nil if one is too long.
    package static func write(_ entries: some Sequence<[UInt8]>) -> [UInt8]? {
        var bytes: [UInt8] = []
        for entry in entries {
            guard entry.count <= 0xFFFF else { return nil }
            bytes += [UInt8(entry.count >> 8), UInt8(entry.count & 0xFF)]
            bytes += entry
        }
        return bytes
    }
}
