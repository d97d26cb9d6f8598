package import Directory

/// Where on a path a relay stands.
package enum PathPosition: String, CaseIterable, Hashable, Sendable {
    /// First.
    case `guard`
    /// Between first and last.
    case middle
    /// Last, from where streams leave.
    case exit
    /// At the end of a directory request's circuit.
    case directory
}

/// How much each kind of relay counts in each position (dir-spec §3.8.3), as fractions of 1.
package struct PathWeights: Hashable, Sendable {
    private var byPosition: [PathPosition: Kinds]

    /// Factors for relays that are guards, middles, exits or both guards and exits, and what V2Dir changes about each.
    private struct Kinds: Hashable {
        var guards = 1.0
        var middles = 1.0
        var exits = 1.0
        var both = 1.0
        var guardDirectories = 1.0
        var middleDirectories = 1.0
        var exitDirectories = 1.0
        var bothDirectories = 1.0
    }

    /// Takes the consensus's weights; a position of which one is missing counts bandwidth alone, as in C Tor.
    package init(_ weights: BandwidthWeights?, scale: Int32) {
        let scale = Double(max(1, scale))
        byPosition = [:]
        guard let weights else { return }
        func value(_ name: String) -> Double? {
            guard let value = weights[name], value >= 0 else { return nil }
            return Double(value) / scale
        }
        func kinds(_ letter: String, guards: Bool = true, exits: Bool = true) -> Kinds? {
            guard let middles = value("W\(letter)m"), let both = value("W\(letter)d"),
                let guardFactor = guards ? value("W\(letter)g") : 0, let exitFactor = exits ? value("W\(letter)e") : 0
            else { return nil }
            var kinds = Kinds(guards: guardFactor, middles: middles, exits: exitFactor, both: both)
            if letter == "b" { return kinds }
            guard let guardDirectories = value("Wgb"), let middleDirectories = value("Wmb"),
                let exitDirectories = value("Web"), let bothDirectories = value("Wdb")
            else { return nil }
            kinds.guardDirectories = guardDirectories
            kinds.middleDirectories = middleDirectories
            kinds.exitDirectories = exitDirectories
            kinds.bothDirectories = bothDirectories
            return kinds
        }
        // There is no "Wge": a relay that is an exit and no guard is never chosen as a guard.
        byPosition[.guard] = kinds("g", exits: false)
        byPosition[.middle] = kinds("m")
        byPosition[.exit] = kinds("e")
        byPosition[.directory] = kinds("b")
    }

    /// What a relay weighs in a position, in bytes per second.
    package func weight(of relay: RelayFacts, as position: PathPosition) -> Double {
        let kinds = byPosition[position] ?? Kinds()
        // A consensus without bandwidths is as old as the hills; the number is C Tor's.
        let bandwidth = relay.bandwidth.map { Double($0) * 1000 } ?? 30_000
        let isDirectory = relay.isDirectory
        let plain =
            relay.isExit
            ? kinds.exits * (isDirectory ? kinds.exitDirectories : 1)
            : kinds.middles * (isDirectory ? kinds.middleDirectories : 1)
        guard relay.flags.contains(.guard) else { return bandwidth * plain }
        let asGuard =
            relay.isExit
            ? kinds.both * (isDirectory ? kinds.bothDirectories : 1)
            : kinds.guards * (isDirectory ? kinds.guardDirectories : 1)
        guard position != .guard, let fraction = relay.guardFraction else { return bandwidth * asGuard }
        // dir-spec §3.8.3: a guard of short standing counts in part as no guard.
        let part = Double(min(fraction, 100)) / 100
        return bandwidth * (part * asGuard + (1 - part) * plain)
    }
}
