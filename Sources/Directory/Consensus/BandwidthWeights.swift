/// The weights by which clients choose relays for a position, from the consensus's `bandwidth-weights` line
/// (dir-spec, "Computing bandwidth weights").
///
/// A weight's name is W, the position (g guard, m middle, e exit, b begin-dir, d directory) and the relay's kind
/// (g guard, m neither, e exit, d both; b begin-dir). Values are in units of `bwweightscale`.
package struct BandwidthWeights: Hashable, Sendable {
    /// Names and values in the order of the line.
    private var values: [String: Int32]
    /// The names in the order in which they were read or computed.
    private var order: [String]

    /// The value of one weight, if the consensus names it.
    package subscript(_ name: String) -> Int32? {
        values[name]
    }

    /// Reads the arguments of a `bandwidth-weights` line; nil if one is not NAME=INT32.
    package init?(arguments: some Sequence<ByteText>) {
        values = [:]
        order = []
        for argument in arguments {
            guard let (name, value) = ConsensusParameters.split(argument) else { return nil }
            if values.updateValue(value, forKey: name) == nil {
                order.append(name)
            }
        }
    }

    /// Computes the weights from the network's totals, as C Tor does since consensus method 10.
    ///
    /// Nil where a total is not positive or no case gives balanced weights; the consensus then has no such line.
    package init?(totals: Totals, scale: Int64) {
        guard let solution = Solution(totals: totals, scale: scale) else { return nil }
        let all: [(String, Int64)] = [
            ("Wbd", solution.middleBoth), ("Wbe", solution.middleExit), ("Wbg", solution.middleGuard), ("Wbm", scale),
            ("Wdb", scale),
            ("Web", scale), ("Wed", solution.exitBoth), ("Wee", solution.exitExit), ("Weg", solution.exitBoth),
            ("Wem", solution.exitExit),
            ("Wgb", scale), ("Wgd", solution.guardBoth), ("Wgg", solution.guardGuard), ("Wgm", solution.guardGuard),
            ("Wmb", scale), ("Wmd", solution.middleBoth), ("Wme", solution.middleExit), ("Wmg", solution.middleGuard),
            ("Wmm", scale),
        ]
        values = Dictionary(uniqueKeysWithValues: all.map { ($0.0, Int32(truncatingIfNeeded: $0.1)) })
        order = all.map(\.0)
    }

    /// Appends the line, with its newline.
    package func encode(into output: inout [UInt8]) {
        output.append(contentsOf: "bandwidth-weights".utf8)
        for name in order {
            output.append(contentsOf: " \(name)=\(values[name] ?? 0)".utf8)
        }
        output.append(0x0A)
    }

    /// Bandwidth of the network by kind of relay, in kilobytes per second.
    package struct Totals: Hashable, Sendable {
        /// Relays that are guards but no exits.
        package var guards: Int64
        /// Relays that are neither.
        package var middles: Int64
        /// Relays that are exits but no guards.
        package var exits: Int64
        /// Relays that are both.
        package var both: Int64
        /// All of them.
        package var total: Int64

        /// Starts with the ones that C Tor starts with, so that nothing divides by zero.
        package init(guards: Int64 = 1, middles: Int64 = 1, exits: Int64 = 1, both: Int64 = 1, total: Int64 = 4) {
            self.guards = guards
            self.middles = middles
            self.exits = exits
            self.both = both
            self.total = total
        }

        /// Counts one relay in. A guard whose `guardFraction` is known counts partly as no guard.
        package mutating func add(bandwidth: Int64, isGuard: Bool, isExit: Bool, guardFraction: UInt8?) {
            var asGuard = bandwidth
            var asOther: Int64 = 0
            if let guardFraction, isGuard {
                asGuard = Int64((Double(guardFraction) / 100.0 * Double(bandwidth)).rounded(.toNearestOrAwayFromZero))
                asOther = bandwidth - asGuard
            }
            // C Tor adds only the guard's part to the total; we must reach its result.
            total &+= asGuard
            switch (isExit, isGuard) {
            case (true, true):
                both &+= asGuard
                exits &+= asOther
            case (true, false): exits &+= asGuard
            case (false, true):
                guards &+= asGuard
                middles &+= asOther
            case (false, false): middles &+= asGuard
            }
        }
    }
}

/// The seven unknowns, and how dir-spec's cases find them.
///
/// Wrapping arithmetic throughout: the scale is voted for and may be anything up to 2^31, and C Tor's numbers would wrap
/// too; the checks refuse what comes out.
private struct Solution {
    var guardGuard: Int64 = 0
    var guardBoth: Int64 = 0
    var middleGuard: Int64 = 0
    var middleExit: Int64 = 0
    var middleBoth: Int64 = 0
    var exitBoth: Int64 = 0
    var exitExit: Int64 = 0

    private enum Fault {
        case range
        case guardSum
        case exitSum
        case bothSum
        case middleBalance
        case exitGuardBalance
    }

    init?(totals: BandwidthWeights.Totals, scale: Int64) {
        let (guards, middles, exits) = (totals.guards, totals.middles, totals.exits)
        let (both, total) = (totals.both, totals.total)
        guard guards > 0, middles > 0, exits > 0, both > 0 else { return nil }
        let exitsScarce = 3 &* exits < total
        let guardsScarce = 3 &* guards < total
        switch (exitsScarce, guardsScarce) {
        case (false, false):
            // Case 1: neither is scarce.
            guardBoth = scale / 3
            exitBoth = scale / 3
            middleBoth = scale / 3
            exitExit = (scale &* (exits &+ guards &+ middles)) / (3 &* exits)
            middleExit = scale &- exitExit
            middleGuard = (scale &* (2 &* guards &- exits &- middles)) / (3 &* guards)
            guardGuard = scale &- middleGuard
            if fault(totals, scale) != nil { return nil }
        case (true, true):
            guard solveBothScarce(totals, scale) else { return nil }
        default:
            // Case 3: one of the two is scarce.
            let scarce = min(exits, guards)
            if 3 &* (scarce &+ both) < total {
                if guards < exits {
                    (guardGuard, guardBoth) = (scale, scale)
                    middleExit = exits < middles ? 0 : (scale &* (exits &- middles)) / (2 &* exits)
                    exitExit = scale &- middleExit
                } else {
                    (exitExit, exitBoth) = (scale, scale)
                    middleGuard = guards < middles ? 0 : (scale &* (guards &- middles)) / (2 &* guards)
                    guardGuard = scale &- middleGuard
                }
            } else {
                if guards < exits {
                    guardGuard = scale
                    guardBoth = (scale &* (both &- 2 &* guards &+ exits &+ middles)) / (3 &* both)
                    exitExit = (scale &* (exits &+ middles)) / (2 &* exits)
                    middleExit = scale &- exitExit
                    middleBoth = (scale &- guardBoth) / 2
                    exitBoth = middleBoth
                } else {
                    exitExit = scale
                    exitBoth = (scale &* (both &- 2 &* exits &+ guards &+ middles)) / (3 &* both)
                    guardGuard = (scale &* (guards &+ middles)) / (2 &* guards)
                    middleGuard = scale &- guardGuard
                    middleBoth = (scale &- exitBoth) / 2
                    guardBoth = middleBoth
                }
                if fault(totals, scale) != nil { return nil }
            }
        }
    }

    /// Case 2: guards and exits are scarce both.
    private mutating func solveBothScarce(_ totals: BandwidthWeights.Totals, _ scale: Int64) -> Bool {
        let (guards, middles, exits, both) = (totals.guards, totals.middles, totals.exits, totals.both)
        if min(exits, guards) &+ both < max(exits, guards) {
            // 2a: all that could be either goes to the scarcer of the two.
            (guardGuard, exitExit) = (scale, scale)
            if exits < guards {
                exitBoth = scale
            } else {
                guardBoth = scale
            }
            return true
        }
        // 2b1.
        exitExit = (scale &* (exits &- guards &+ middles)) / exits
        exitBoth = (scale &* (both &- 2 &* exits &+ 4 &* guards &- 2 &* middles)) / (3 &* both)
        middleExit = (scale &* (guards &- middles)) / exits
        middleGuard = 0
        guardGuard = scale
        middleBoth = (scale &- exitBoth) / 2
        guardBoth = middleBoth
        if fault(totals, scale) == nil { return true }
        // 2b2 and, where that leaves less than nothing for the middle, 2b3.
        exitExit = scale
        exitBoth = (scale &* (both &- 2 &* exits &+ guards &+ middles)) / (3 &* both)
        middleBoth = max(0, (scale &* (both &- 2 &* middles &+ guards &+ exits)) / (3 &* both))
        middleExit = 0
        guardBoth = scale &- exitBoth &- middleBoth
        let fault = fault(totals, scale)
        return fault == nil || fault == .middleBalance
    }

    /// What is wrong with the weights, if anything: sums, ranges, balance between the positions.
    private func fault(_ totals: BandwidthWeights.Totals, _ scale: Int64) -> Fault? {
        let margin: Int64 = 10
        func near(_ left: Int64, _ right: Int64, _ margin: Int64) -> Bool {
            left &- right >= 0 ? left &- right <= margin : right &- left <= margin
        }
        if !near(exitBoth &+ middleBoth &+ guardBoth, scale, margin) { return .bothSum }
        if !near(middleGuard &+ guardGuard, scale, margin) { return .guardSum }
        if !near(middleExit &+ exitExit, scale, margin) { return .exitSum }
        let all = [guardGuard, guardBoth, middleGuard, middleExit, middleBoth, exitBoth, exitExit]
        if !all.allSatisfy({ $0 >= 0 && $0 <= scale }) { return .range }
        let balance = (margin &* totals.total) / 3
        let guardPosition = guardGuard &* totals.guards &+ guardBoth &* totals.both
        let exitPosition = exitExit &* totals.exits &+ exitBoth &* totals.both
        if !near(guardPosition, exitPosition, balance) { return .exitGuardBalance }
        let middlePosition =
            totals.middles &* scale &+ middleBoth &* totals.both &+ middleExit &* totals.exits
            &+ middleGuard &* totals.guards
        return near(guardPosition, middlePosition, balance) ? nil : .middleBalance
    }
}
