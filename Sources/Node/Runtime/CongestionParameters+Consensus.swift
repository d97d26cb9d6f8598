package import Circuits
package import Directory

extension CongestionParameters {
    /// The consensus's, each within the bounds that C Tor gives it.
    package init(_ consensus: ConsensusParameters) {
        self.init()
        func value(_ name: String, _ defaultValue: UInt32, _ range: ClosedRange<Int32>) -> UInt32 {
            UInt32(clamping: consensus.value(name, default: Int32(clamping: defaultValue), in: range))
        }
        // 1 and 3 are algorithms that were given up: C Tor does Vegas in their place.
        isEnabled = value("cc_alg", 2, 0...3) != 0
        sendmeIncrement = UInt8(clamping: value("cc_sendme_inc", UInt32(sendmeIncrement), 1...254))
        firstWindow = value("cc_cwnd_init", firstWindow, 31...10_000)
        leastWindow = value("cc_cwnd_min", leastWindow, 31...1_000)
        greatestWindow = value("cc_cwnd_max", greatestWindow, 500...Int32.max)
        windowIncrement = value("cc_cwnd_inc", windowIncrement, 1...1_000)
        windowIncrementRate = value("cc_cwnd_inc_rate", windowIncrementRate, 1...250)
        slowStartPercent = value("cc_cwnd_inc_pct_ss", slowStartPercent, 1...500)
        slowStartGreatest = value("cc_ss_max", slowStartGreatest, 500...Int32.max)
        averagePercent = value("cc_ewma_cwnd_pct", averagePercent, 1...255)
        averageGreatest = value("cc_ewma_max", averageGreatest, 2...Int32.max)
        averageInSlowStart = value("cc_ewma_ss", averageInSlowStart, 2...Int32.max)
        resetPercent = value("cc_rtt_reset_pct", resetPercent, 0...100)
        fullGap = value("cc_cwnd_full_gap", fullGap, 0...32_767)
        fullLeastPercent = value("cc_cwnd_full_minpct", fullLeastPercent, 0...100)
        isFullPerWindow = value("cc_cwnd_full_per_cwnd", 1, 0...1) == 1
        func thresholds(_ path: String, _ defaults: Thresholds) -> Thresholds {
            Thresholds(
                alpha: value("cc_vegas_alpha_\(path)", defaults.alpha, 0...1_000),
                beta: value("cc_vegas_beta_\(path)", defaults.beta, 0...1_000),
                gamma: value("cc_vegas_gamma_\(path)", defaults.gamma, 0...1_000),
                delta: value("cc_vegas_delta_\(path)", defaults.delta, 0...Int32.max),
                slowStartCap: value("cc_sscap_\(path)", defaults.slowStartCap, 100...Int32.max))
        }
        exit = thresholds("exit", exit)
        onion = thresholds("onion", onion)
        sbws = thresholds("sbws", sbws)
        xoffClient = value("cc_xoff_client", xoffClient, 1...10_000)
        xoffExit = value("cc_xoff_exit", xoffExit, 1...10_000)
        xonRate = value("cc_xon_rate", xonRate, 1...5_000)
        xonChangePercent = value("cc_xon_change_pct", xonChangePercent, 1...99)
        xonAverage = value("cc_xon_ewma_cnt", xonAverage, 2...100)
    }
}
