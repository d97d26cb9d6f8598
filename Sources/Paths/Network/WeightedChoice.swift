/// A random choice among things of different weight.
package enum WeightedChoice {
    /// An index, each as likely as its weight; all alike if nothing weighs anything; nil if there is nothing.
    package static func index(of weights: [Double], using generator: inout some RandomNumberGenerator) -> Int? {
        guard !weights.isEmpty else { return nil }
        let total = weights.reduce(0) { $0 + max(0, $1) }
        guard total > 0, total.isFinite else { return Int.random(in: 0..<weights.count, using: &generator) }
        var rest = Double.random(in: 0..<total, using: &generator)
        var last = 0
        for (index, weight) in weights.enumerated() where weight > 0 {
            rest -= weight
            if rest < 0 { return index }
            last = index
        }
        // Rounding may leave a crumb behind the last one.
        return last
    }
}
