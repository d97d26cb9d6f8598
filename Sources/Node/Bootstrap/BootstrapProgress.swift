package import Logging
internal import Synchronization

/// The one place of a node that knows how far it is in getting started: it logs and tells whoever wants to know.
///
/// Shared by all loops. What is worth saying, `BootstrapMachine` decides.
package final class BootstrapProgress: Sendable {
    private struct State: ~Copyable {
        var machine = BootstrapMachine()
        var listeners: [@Sendable (BootstrapReport) -> Void] = []
    }

    private let state = Mutex(State())
    private let logger: Logger

    /// Begins; says "starting" at once.
    package init(logger: Logger) {
        self.logger = logger
        reach(.starting)
    }

    /// How far we are, up to 100.
    package var percent: Int { state.withLock { max(0, $0.machine.percent) } }
    /// Whether the network is usable.
    package var isDone: Bool { state.withLock { $0.machine.isDone } }
    /// The last message.
    package var last: BootstrapReport? { state.withLock { $0.machine.last } }

    /// Has `listener` called with every message from now on, on whichever thread brings it.
    package func listen(_ listener: @escaping @Sendable (BootstrapReport) -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    /// A step began.
    package func reach(_ phase: BootstrapPhase, progress: Int = 0) {
        tell { $0.reach(phase, progress: progress) }
    }

    /// A step with directory documents began or went on.
    package func reachDirectory(_ phase: BootstrapPhase, progress: Int = 0) {
        tell { $0.reachDirectory(phase, progress: progress) }
    }

    /// A channel to a relay is open.
    package func channelOpened() {
        tell { $0.channelOpened() }
    }

    /// Something stood in the way.
    package func meet(_ warning: String, reason: String, isSerious: Bool = false) {
        tell { $0.meet(warning, reason: reason, isSerious: isSerious) }
    }

    private func tell(_ event: (inout BootstrapMachine) -> BootstrapReport?) {
        let (report, listeners) = state.withLock { state in
            (event(&state.machine), state.listeners)
        }
        guard let report else { return }
        switch report.level {
        case .info: logger.info("\(report.logText)")
        case .notice: logger.notice("\(report.logText)")
        case .warning: logger.warning("\(report.logText)")
        }
        for listener in listeners { listener(report) }
    }
}
