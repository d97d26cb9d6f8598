package import Cells

/// When the next consensus is fetched (dir-spec §5.1): caches soon after the present one is no longer fresh, clients
/// when the caches have it and long before the present one ends.
package enum ConsensusFetchTime {
    /// How eager a node is.
    package enum Eagerness: Hashable, Sendable {
        /// A client.
        case client
        /// A cache, or a client with `FetchDirInfoEarly`.
        case early
        /// An authority, or a client with `FetchDirInfoExtraEarly`.
        case extraEarly
    }

    /// Draws a moment; `now` if the consensus does not count.
    package static func draw(
        validAfter: WallTime, freshUntil: WallTime, validUntil: WallTime, now: WallTime, eagerness: Eagerness,
        using random: inout some RandomNumberGenerator
    ) -> WallTime {
        guard validAfter <= now, now <= validUntil, let range = window(validAfter, freshUntil, validUntil, eagerness)
        else { return now }
        return WallTime(seconds: Int64.random(in: range, using: &random))
    }

    /// The seconds among which to draw; nil if the times make no sense.
    static func window(
        _ validAfter: WallTime, _ freshUntil: WallTime, _ validUntil: WallTime, _ eagerness: Eagerness
    ) -> Range<Int64>? {
        let interval = freshUntil - validAfter
        guard interval > 0, validUntil > freshUntil else { return nil }
        // Two minutes for clocks that differ a little, less where consensuses follow each other fast.
        let slop = max(1, min(120, interval / 16))
        var start: Int64
        var length: Int64
        switch eagerness {
        case .client:
            start = freshUntil.seconds + interval * 3 / 4
            length = (validUntil.seconds - start) * 7 / 8
        case .early:
            start = freshUntil.seconds + slop
            length = interval / 2
        case .extraEarly:
            start = freshUntil.seconds + slop
            length = slop + 60 > interval ? interval / 2 : 60
        }
        length = max(1, length)
        // Networks whose consensuses end soon leave little choice.
        if start + length >= validUntil.seconds { start = validUntil.seconds - length - 1 }
        return start..<(start + length)
    }
}
