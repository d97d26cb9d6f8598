package import Hooks

/// Tor's first flow control: fixed windows (tor-spec §7.3 and §7.4), as the answer to the doors' questions.
///
/// The counts are those that every decider is told, so a window is a difference and there is nothing to remember.
package struct FlowWindows: FlowControlPolicy, Equatable, Sendable {
    private let first: Int64
    private let start: Int64
    private let increment: Int64

    /// A circuit's, between us and one hop.
    ///
    /// - Parameter start: the consensus parameter `circwindow`; forced into 100...1000.
    package static func circuit(start: Int = EndpointSpec.circuitWindowStart) -> Self {
        let first = min(max(start, EndpointSpec.circuitWindowMinimum), EndpointSpec.circuitWindowStart)
        return Self(
            first: Int64(first), start: Int64(EndpointSpec.circuitWindowStart),
            increment: Int64(EndpointSpec.circuitWindowIncrement))
    }

    /// A stream's.
    package static var stream: Self {
        Self(
            first: Int64(EndpointSpec.streamWindowStart), start: Int64(EndpointSpec.streamWindowStart),
            increment: Int64(EndpointSpec.streamWindowIncrement))
    }

    private init(first: Int64, start: Int64, increment: Int64) {
        self.first = first
        self.start = start
        self.increment = increment
    }

    /// DATA cells that a SENDME acknowledges.
    package var ackInterval: UInt32 { UInt32(truncatingIfNeeded: increment) }

    // The differences of counts stay far below an overflow: a cell takes longer than a nanosecond.
    private func window(_ from: Int64, _ cells: UInt64, _ acknowledgements: UInt64) -> Int64 {
        from &- Int64(truncatingIfNeeded: cells) &+ Int64(truncatingIfNeeded: acknowledgements) &* increment
    }

    package func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> {
        let window = window(first, context.packaged, context.acknowledgements)
        return .verdict(MaySendVerdict(cells: window > 0 ? UInt32(clamping: window) : 0))
    }

    package func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> {
        let window = window(first, context.packaged, context.acknowledgements)
        return .verdict(window &+ increment > start ? .destroyCircuit : .accepted)
    }

    package func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> {
        let window = window(start, context.received, context.acknowledgements)
        guard window >= 0 else { return .verdict(.destroyCircuit) }
        // A circuit's DATA is acknowledged as it comes, a stream's when its owner has taken it.
        if context.parameter == FlowScope.stream.rawValue, context.event == 0 {
            return .verdict(.no(UInt32(clamping: window)))
        }
        let missing = window &- (start &- increment)
        return .verdict(missing <= 0 ? .yes : .no(UInt32(clamping: missing &- 1)))
    }
}
