/// One message about getting started: for the log and for the control port.
package struct BootstrapReport: Hashable, Sendable {
    /// How loud it is.
    package enum Level: Hashable, Sendable {
        /// For the curious: too little has changed.
        case info
        /// For everybody.
        case notice
        /// For the operator: it does not go on.
        case warning
    }

    /// What stands in its way.
    package struct Problem: Hashable, Sendable {
        /// For people.
        package var warning: String
        /// C Tor's word for programs: `NOROUTE`, `TIMEOUT`, `CONNECTREFUSED`, `IDENTITY`, `DONE`, `IOERROR`, `MISC`.
        package var reason: String
        /// How many there were in this step.
        package var count: Int
        /// Whether the user should be told.
        package var isSerious: Bool
    }

    /// How loud it is.
    package var level: Level
    /// How far we are, up to 100.
    package var percent: Int
    /// The step.
    package var phase: BootstrapPhase
    /// What stands in its way, if anything.
    package var problem: Problem?

    /// As C Tor logs it. No host is named: that is not for logs.
    package var logText: String {
        guard let problem else { return "Bootstrapped \(percent)% (\(phase.tag)): \(phase.summary)" }
        return "Problem bootstrapping. Stuck at \(percent)% (\(phase.tag)): \(phase.summary). "
            + "(\(problem.warning); \(problem.reason); count \(problem.count); "
            + "recommendation \(problem.isSerious ? "warn" : "ignore"))"
    }

    /// As `GETINFO status/bootstrap-phase` and STATUS_CLIENT have it.
    package var controlText: String {
        let progress = "BOOTSTRAP PROGRESS=\(percent) TAG=\(phase.tag) SUMMARY=\"\(phase.summary)\""
        guard let problem else { return "NOTICE \(progress)" }
        return "WARN \(progress) WARNING=\"\(problem.warning)\" REASON=\(problem.reason) COUNT=\(problem.count) "
            + "RECOMMENDATION=\(problem.isSerious ? "warn" : "ignore")"
    }
}
