package import Hooks

/// Who decides about flow control at one end of a circuit: a plugin, or nobody but the built-in.
///
/// Asked through the doors' own questions, only when an answer is needed; and what the questions tell beside the counts.
package protocol FlowDecider: FlowControlPolicy, ~Copyable {
    /// Microseconds of a clock that never goes back, read when asked.
    var now: UInt64 { get }
    /// Cells of the circuit that wait to leave from here.
    var queue: UInt32 { get }
    /// Whether its channel takes no more of them now.
    var isBlocked: Bool { get }
    /// How many DATA cells a SENDME acknowledges if somebody else than the built-in says so.
    var ackInterval: UInt32? { get }
}

/// Where no plugin decides: every question goes to the built-in.
package struct BuiltInFlow: FlowDecider {
    package var now: UInt64
    package var queue: UInt32
    package var isBlocked: Bool
    package var ackInterval: UInt32? { nil }

    /// Nobody stands at the doors.
    package init(now: UInt64 = 0, queue: UInt32 = 0, isBlocked: Bool = false) {
        self.now = now
        self.queue = queue
        self.isBlocked = isBlocked
    }

    package func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> { .builtIn }
    package func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> { .builtIn }
    package func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> { .builtIn }
}

/// Which DATA a question is about.
package struct FlowSubject: Equatable, Sendable {
    /// The hop at the other end; 0 at a relay.
    package let hop: UInt32
    /// The stream's number; 0: all DATA between us and the hop.
    package let stream: UInt32

    /// All DATA of a hop, or a stream's.
    package init(hop: Int, stream: UInt16 = 0) {
        self.hop = UInt32(truncatingIfNeeded: hop)
        self.stream = UInt32(stream)
    }

    /// As the doors' parameter says it.
    var scope: FlowScope { stream == 0 ? .circuit : .stream }
}
