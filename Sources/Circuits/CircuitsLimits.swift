/// Numbers of our own choice, or C Tor's where the specification is silent, each with its reason.
package enum CircuitsLimits {
    /// After how long a sent cell counts half in the choice of circuits: C Tor's default (CircuitPriorityHalflifeMsec).
    package static let ewmaHalfLife = Duration.seconds(30)
    /// When sums are scaled down: far below where doubles end, after about five hours.
    static let ewmaRebase = 0x1p600
}
