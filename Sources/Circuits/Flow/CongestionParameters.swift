/// What congestion control must know of the consensus (proposal 324 §6.5; param-spec), each value within its bounds.
///
/// The bounds are `CongestionSpec`'s and are kept by whoever reads the consensus; what is computed here does not overflow
/// within them.
package struct CongestionParameters: Equatable, Sendable {
    /// How much queue a path may fill, in cells (`cc_vegas_alpha_exit` and so on).
    package struct Thresholds: Equatable, Sendable {
        /// Below this much queue, the window grows.
        package var alpha: UInt32
        /// Above this, it shrinks.
        package var beta: UInt32
        /// At this, slow start ends.
        package var gamma: UInt32
        /// Above this, it shrinks at once.
        package var delta: UInt32
        /// The window from which on slow start is slower (RFC 3742).
        package var slowStartCap: UInt32

        /// Given thresholds.
        package init(alpha: UInt32, beta: UInt32, gamma: UInt32, delta: UInt32, slowStartCap: UInt32) {
            self.alpha = alpha
            self.beta = beta
            self.gamma = gamma
            self.delta = delta
            self.slowStartCap = slowStartCap
        }
    }

    /// What a circuit is for, which decides how long its path is.
    package enum Path: Equatable, Sendable, CaseIterable {
        /// Three hops to an exit.
        case exit
        /// Six hops, to or of an onion service.
        case onion
        /// Two hops or one: measurements and directory requests.
        case sbws
    }

    /// `cc_alg`: whether congestion control is asked for and granted at all.
    package var isEnabled = true
    /// `cc_sendme_inc`: DATA cells for one SENDME.
    package var sendmeIncrement: UInt8 = 31
    /// `cc_cwnd_init`: the first window.
    package var firstWindow: UInt32 = 124
    /// `cc_cwnd_min`.
    package var leastWindow: UInt32 = 124
    /// `cc_cwnd_max`.
    package var greatestWindow: UInt32 = 0x7FFF_FFFF
    /// `cc_cwnd_inc`: by how many cells the window changes after slow start.
    package var windowIncrement: UInt32 = 1
    /// `cc_cwnd_inc_rate`: how often, in windows' SENDMEs.
    package var windowIncrementRate: UInt32 = 31
    /// `cc_cwnd_inc_pct_ss`: by how much it grows in slow start, in percent of what a SENDME acknowledges.
    package var slowStartPercent: UInt32 = 100
    /// `cc_ss_max`: where slow start ends at the latest.
    package var slowStartGreatest: UInt32 = 5000
    /// `cc_ewma_cwnd_pct`: over which part of a window's SENDMEs round trips are averaged.
    package var averagePercent: UInt32 = 50
    /// `cc_ewma_max`: over how many at most.
    package var averageGreatest: UInt32 = 10
    /// `cc_ewma_ss`: over how many in slow start.
    package var averageInSlowStart: UInt32 = 2
    /// `cc_rtt_reset_pct`: how far the least round trip is raised once the window is at its least.
    package var resetPercent: UInt32 = 100
    /// `cc_cwnd_full_gap`: SENDMEs that a window may lack and still be full.
    package var fullGap: UInt32 = 4
    /// `cc_cwnd_full_minpct`: percent of the window below which it is not full any more.
    package var fullLeastPercent: UInt32 = 25
    /// `cc_cwnd_full_per_cwnd`: whether it must have been full once a window, or once an update.
    package var isFullPerWindow = true
    /// Of paths through an exit.
    package var exit = Thresholds(alpha: 186, beta: 248, gamma: 186, delta: 310, slowStartCap: 600)
    /// Of onion services.
    package var onion = Thresholds(alpha: 186, beta: 372, gamma: 248, delta: 434, slowStartCap: 475)
    /// Of shorter paths.
    package var sbws = Thresholds(alpha: 93, beta: 155, gamma: 124, delta: 248, slowStartCap: 400)
    /// `cc_xoff_client`: cells that a client lets a stream's reader be behind.
    package var xoffClient: UInt32 = 500
    /// `cc_xoff_exit`: the same at an exit.
    package var xoffExit: UInt32 = 500
    /// `cc_xon_rate`: cells between two looks at how fast a reader is.
    package var xonRate: UInt32 = 500
    /// `cc_xon_change_pct`: by how much that must change for the other end to be told.
    package var xonChangePercent: UInt32 = 25
    /// `cc_xon_ewma_cnt`: over how many looks it is averaged.
    package var xonAverage: UInt32 = 2

    /// The defaults.
    package init() {}

    /// The thresholds of a kind of path.
    package func thresholds(_ path: Path) -> Thresholds {
        switch path {
        case .exit: exit
        case .onion: onion
        case .sbws: sbws
        }
    }
}
