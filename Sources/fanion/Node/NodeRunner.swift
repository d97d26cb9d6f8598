import Configuration
import Control
import Logging
import ServiceLifecycle

/// A node with all its roles, as the command runs it. Made of settings that are valid, in a process that is prepared:
/// folders there and locked, descriptors raised, logs open.
///
/// `run` serves until a graceful shutdown is triggered (ServiceLifecycle) or the node cannot go on; a return without
/// either is an end as well.
protocol NodeRunner: Service {
    /// Goes on with other settings, which differ from the old ones only where a running node can change.
    func reload(_ settings: Settings) async throws
    /// Takes nothing new any more; `run` goes on for `ShutdownWaitLength`.
    func stopAccepting() async
    /// Does what a signal asks for that is not about ending or reloading: `dump`, `newIdentity`, ...
    func receive(_ signal: ControlSignal) async
}

/// What a node is made of.
struct NodeStart: Sendable {
    /// The configuration.
    let settings: Settings
    /// The torrc's path; nil without one.
    let torrcPath: String?
    /// Where to log.
    let logger: Logger
    /// Has the command do what a controller asks for: reload, end, and what the node itself then receives.
    let signal: @Sendable (ControlSignal) -> Void
}
