/// How far a node is in getting started, and when to say so: what C Tor says, at the same moments.
///
/// Steps may come in any order and again; only progress is reported. What happens with directory documents (which may
/// come from the disk) waits until a first channel is open. After `done` nothing is reported any more.
///
///     starting 0 -> conn 5 .. handshake_done 15 -> onehop_create 20 .. loading_descriptors 50..74
///              -> enough_dirinfo 75 -> ap_conn 80 .. circuit_create 95 -> done 100
package struct BootstrapMachine: ~Copyable {
    /// How far we are; -1 before the first step.
    package private(set) var percent = -1
    /// The last step that began.
    package private(set) var phase = BootstrapPhase.starting
    /// The last message, which the control port gives to whoever asks.
    package private(set) var last: BootstrapReport?

    private var loudPercent = 0
    private var problems = 0
    private var hasChannel = false
    private var directoryPhase: BootstrapPhase?
    private var directoryPercent = -1

    /// Within a step, less progress than this is not worth a notice.
    private static let increment = 5
    /// So many problems in one step are worth a warning.
    private static let problemThreshold = 10

    /// Nothing has happened yet.
    package init() {}

    /// Whether the network is usable.
    package var isDone: Bool { percent == BootstrapPhase.done.rawValue }

    /// A step began; or, with `progress`, one that is under way got to that percentage.
    ///
    /// - Returns: what to say, if it is worth anything.
    package mutating func reach(_ step: BootstrapPhase, progress: Int = 0) -> BootstrapReport? {
        guard !isDone else { return nil }
        var level = BootstrapReport.Level.notice
        if step.rawValue <= percent {
            guard progress > percent else { return nil }
            if progress < loudPercent + Self.increment { level = .info }
        }
        let report = BootstrapReport(
            level: level, percent: progress > 0 ? progress : step.rawValue, phase: step, problem: nil)
        if step.rawValue > percent {
            phase = step
            percent = step.rawValue
        }
        if progress > percent {
            percent = progress
            problems = 0
        }
        if level == .notice { loudPercent = max(loudPercent, percent) }
        last = report
        return report
    }

    /// A step with directory documents began or went on.
    package mutating func reachDirectory(_ step: BootstrapPhase, progress: Int = 0) -> BootstrapReport? {
        if step.rawValue > directoryPercent {
            directoryPercent = step.rawValue
            directoryPhase = step
        }
        directoryPercent = max(directoryPercent, progress)
        return hasChannel ? reach(step, progress: progress) : nil
    }

    /// A channel to a relay is open.
    package mutating func channelOpened() -> BootstrapReport? {
        guard !hasChannel else { return nil }
        hasChannel = true
        guard let directoryPhase else { return nil }
        return reach(directoryPhase, progress: directoryPercent)
    }

    /// Something stood in the way.
    ///
    /// - Parameter isSerious: tell the user at once, and not only when it happens again and again.
    package mutating func meet(_ warning: String, reason: String, isSerious: Bool = false) -> BootstrapReport? {
        guard !isDone, percent >= 0 else { return nil }
        problems += 1
        let warns = isSerious || problems >= Self.problemThreshold
        let report = BootstrapReport(
            level: warns ? .warning : .info, percent: percent, phase: phase,
            problem: .init(warning: warning, reason: reason, count: problems, isSerious: warns))
        last = report
        return report
    }
}
