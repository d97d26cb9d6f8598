package import Cells
package import Directory

/// C Tor's file `router-stability`: how reachable relays were, kept over a restart.
package struct StabilityFile: Sendable {
    /// The relays' histories.
    package var histories: [RSAIdentity: RelayHistory]
    /// When we began to watch.
    package var trackingSince: WallTime?
    /// When the past was last discounted.
    package var lastDiscounted: WallTime?

    /// Takes the parts.
    package init(histories: [RSAIdentity: RelayHistory], trackingSince: WallTime?, lastDiscounted: WallTime?) {
        self.histories = histories
        self.trackingSince = trackingSince
        self.lastDiscounted = lastDiscounted
    }

    /// The file's bytes.
    package func encode(now: WallTime) -> [UInt8] {
        var text = "format 2\nstored-at \(now)\n"
        if let trackingSince { text += "tracked-since \(trackingSince)\n" }
        if let lastDiscounted { text += "last-downrated \(lastDiscounted)\n" }
        text += "data\n"
        for (identity, history) in histories.sorted(by: { $0.key < $1.key }) {
            let weight = Self.decimal(history.runWeight)
            text += "R \(identity.hex)\n+MTBF \(history.weightedRunLength) \(weight)"
            if let start = history.runStart { text += " S=\(start)" }
            text += "\n+WFU \(history.weightedUptime) \(history.weightedTimeWatched)"
            if let start = history.downtimeStart { text += " S=\(start)" }
            text += "\n"
        }
        return Array((text + ".\n").utf8)
    }

    /// Five places, as C Tor prints them.
    private static func decimal(_ value: Double) -> String {
        let scaled = UInt64(min(max(0, value), 1e12) * 100_000 + 0.5)
        let fraction = String(scaled % 100_000)
        return "\(scaled / 100_000)." + String(repeating: "0", count: 5 - fraction.count) + fraction
    }

    /// Reads a file. Seconds between its saving and `now` count neither as up nor as down: every start is moved on.
    package init?(_ bytes: [UInt8], now: WallTime) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.first == "format 2" else { return nil }
        var histories: [RSAIdentity: RelayHistory] = [:]
        var header: [Substring: WallTime] = [:]
        var relay: (identity: RSAIdentity, mtbf: [Substring], wfu: [Substring])?
        var shift: Int64 = 0
        func finish() {
            guard let relay, relay.mtbf.count >= 2, let length = Self.seconds(relay.mtbf, 0),
                let weight = Double(relay.mtbf[1]), weight.isFinite
            else { return }
            histories[relay.identity] = RelayHistory(
                weightedRunLength: length, runWeight: weight, weightedUptime: Self.seconds(relay.wfu, 0) ?? 0,
                weightedTimeWatched: Self.seconds(relay.wfu, 1) ?? 0,
                runStart: Self.start(relay.mtbf).map { $0 + shift },
                downtimeStart: Self.start(relay.wfu).map { $0 + shift })
        }
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            switch words.first {
            case "stored-at", "tracked-since", "last-downrated":
                header[words[0]] = WallTime(text: words.dropFirst().joined(separator: " "))
            case "data": shift = header["stored-at"].map { max(0, now - $0) } ?? 0
            case "R":
                finish()
                relay = words.count > 1 ? RSAIdentity(hex: words[1]).map { ($0, [], []) } : nil
            case "+MTBF": relay?.mtbf = Array(words.dropFirst())
            case "+WFU": relay?.wfu = Array(words.dropFirst())
            default: break
            }
        }
        finish()
        self.histories = histories
        trackingSince = header["tracked-since"]
        lastDiscounted = header["last-downrated"]
    }

    /// A number of seconds; at most what sums up without overflowing.
    private static func seconds(_ words: [Substring], _ place: Int) -> Int64? {
        guard place < words.count, let number = Int64(words[place]) else { return nil }
        return min(max(0, number), 1 << 40)
    }

    /// The time behind "S=".
    private static func start(_ words: [Substring]) -> WallTime? {
        guard words.count >= 4, words[2].hasPrefix("S=") else { return nil }
        return WallTime(text: words[2].dropFirst(2) + " " + words[3])
    }
}
