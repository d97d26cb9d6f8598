/// Where a log's static files are, under its URL: C2SP tlog-tiles.
package struct TilePath: Hashable, Sendable, CustomStringConvertible {
    /// What a tile holds.
    package enum Content: Hashable, Sendable {
        /// Hashes, at this level.
        case hashes(level: Int)
        /// The entries themselves.
        case entries
    }

    /// Things in a full tile.
    package static let width: UInt64 = 256
    /// The signed tree head's path.
    package static let checkpoint = "checkpoint"

    /// What it holds.
    package let content: Content
    /// Its place among those.
    package let index: UInt64
    /// How many things it holds: from 1 to 256.
    package let count: Int

    /// A tile; fails for what there cannot be.
    package init?(_ content: Content, index: UInt64, count: Int = 256) {
        if case .hashes(let level) = content, !(0...63).contains(level) { return nil }
        guard (1...256).contains(count) else { return nil }
        self.content = content
        self.index = index
        self.count = count
    }

    /// Its path, relative to the log's prefix.
    package var description: String {
        var path = "tile/"
        switch content {
        case .hashes(let level): path += "\(level)/"
        case .entries: path += "entries/"
        }
        // "zero-padded 3-digit path elements. All but the last path element MUST begin with an x."
        var groups: [String] = []
        var rest = index
        repeat {
            let digits = String(rest % 1000)
            groups.append(String(repeating: "0", count: 3 - digits.utf8.count) + digits)
            rest /= 1000
        } while rest > 0
        path += groups.reversed().enumerated().map { $0.offset == groups.count - 1 ? $0.element : "x" + $0.element }
            .joined(separator: "/")
        if count < 256 { path += ".p/\(count)" }
        return path
    }

    /// The bundles of entries that hold everything from `start` up to `size`.
    package static func bundles(from start: UInt64, to size: UInt64) -> [TilePath] {
        guard start < size else { return [] }
        return (start / width...(size - 1) / width).compactMap { index in
            TilePath(.entries, index: index, count: Int(min(width, size - index * width)))
        }
    }

    /// The tiles of hashes that a log with `size` entries has, and that one with `old` had not, from the lowest level up.
    package static func tiles(from old: UInt64 = 0, to size: UInt64) -> [TilePath] {
        var tiles: [TilePath] = []
        var before = old
        var after = size
        var level = 0
        while after > 0 {
            if before < after {
                for index in before / width...(after - 1) / width {
                    let count = Int(min(width, after - index * width))
                    if let tile = TilePath(.hashes(level: level), index: index, count: count) { tiles.append(tile) }
                }
            }
            before /= width
            after /= width
            level += 1
        }
        return tiles
    }
}

extension MerkleTree {
    /// What a tile of hashes holds; nil if the tree has not so many entries.
    package func contents(of tile: TilePath) -> [UInt8]? {
        guard case .hashes(let level) = tile.content, level < 8 else { return nil }
        let span = UInt64(1) << UInt64(8 * level)
        var bytes: [UInt8] = []
        for index in 0..<UInt64(tile.count) {
            let (start, hasOverflowed) = (tile.index * TilePath.width + index).multipliedReportingOverflow(by: span)
            guard !hasOverflowed, let hash = subtree(from: start, count: span) else { return nil }
            bytes += hash.bytes
        }
        return bytes
    }
}
