package import Directory

/// Numbers of guard-spec §A, "Parameters with suggested values", as the consensus or the operator set them.
package struct GuardParameters: Hashable, Sendable {
    /// No more guards than this are sampled.
    package var maxSampleSize = 60
    /// Nor more than this fraction of all guards.
    package var maxSampleFraction = 0.2
    /// Sampling goes on until so many may be used.
    package var minFilteredSample = 20
    /// A guard that the consensus has not listed for so long is forgotten.
    package var removeUnlistedAfter: Int64 = 20 * 86_400
    /// A guard never used is forgotten so long after it was sampled.
    package var lifetime: Int64 = 120 * 86_400
    /// A guard is forgotten so long after its first use.
    package var confirmedLifetime: Int64 = 60 * 86_400
    /// How many guards are primary.
    package var primaryCount = 3
    /// Among how many of these circuits choose.
    package var primariesForTraffic = 1
    /// Among how many of these directory requests choose.
    package var primariesForDirectory = 3
    /// A first success after so long means that the network was down, not our primary guards.
    package var internetLikelyDownInterval: Int64 = 600
    /// So long a better guard may take to connect.
    package var nonprimaryConnectTimeout: Int64 = 15
    /// So long a circuit may wait for a better guard.
    package var nonprimaryIdleTimeout: Int64 = 600
    /// Fewer guards than this fraction pass the operator's filter: they are sampled apart.
    package var meaningfulRestriction = 0.2
    /// Fewer than this: the operator stands out.
    package var extremeRestriction = 0.01

    /// The suggested values.
    package init() {}

    /// The consensus's values.
    ///
    /// The last four are the operator's (`NumPrimaryGuards`, `NumEntryGuards`, `NumDirectoryGuards`, `GuardLifetime`);
    /// nil leaves them to the consensus.
    package init(
        _ parameters: ConsensusParameters, primaryCount: Int? = nil, primariesForTraffic: Int? = nil,
        primariesForDirectory: Int? = nil, lifetime: Int64? = nil
    ) {
        let most = Int32.max
        func value(_ name: String, _ standard: Int32, _ range: ClosedRange<Int32>) -> Int32 {
            parameters.value(name, default: standard, in: range)
        }
        maxSampleSize = Int(value("guard-max-sample-size", 60, 1...most))
        maxSampleFraction = Double(value("guard-max-sample-threshold-percent", 20, 1...100)) / 100
        minFilteredSample = Int(value("guard-min-filtered-sample-size", 20, 1...most))
        removeUnlistedAfter = Int64(value("guard-remove-unlisted-guards-after-days", 20, 1...3650)) * 86_400
        if let lifetime, lifetime >= 86_400 {
            self.lifetime = lifetime
            confirmedLifetime = lifetime
        } else {
            self.lifetime = Int64(value("guard-lifetime-days", 120, 1...3650)) * 86_400
            confirmedLifetime = Int64(value("guard-confirmed-min-lifetime-days", 60, 1...3650)) * 86_400
        }
        self.primaryCount = primaryCount ?? Int(value("guard-n-primary-guards", 3, 1...most))
        self.primariesForTraffic = primariesForTraffic ?? Int(value("guard-n-primary-guards-to-use", 1, 1...most))
        self.primariesForDirectory =
            primariesForDirectory ?? Int(value("guard-n-primary-dir-guards-to-use", 3, 1...most))
        internetLikelyDownInterval = Int64(value("guard-internet-likely-down-interval", 600, 1...most))
        nonprimaryConnectTimeout = Int64(value("guard-nonprimary-guard-connect-timeout", 15, 1...most))
        nonprimaryIdleTimeout = Int64(value("guard-nonprimary-guard-idle-timeout", 600, 1...most))
        meaningfulRestriction = Double(value("guard-meaningful-restriction-percent", 20, 1...100)) / 100
        extremeRestriction = Double(value("guard-extreme-restriction-percent", 1, 1...100)) / 100
    }
}
