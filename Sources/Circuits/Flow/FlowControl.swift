package import Hooks

/// The built-in ways in which DATA between us and one hop is held back. A set that is known, so an enum; who replaces it stands
/// at the doors (``FlowDecider``) and is asked the same questions.
package enum FlowControl: FlowControlPolicy, Equatable, Sendable {
    /// Fixed windows, acknowledged per circuit and per stream.
    case windows(FlowWindows)
    /// Congestion control, acknowledged per circuit; streams stop and go by XOFF and XON.
    case vegas(FlowVegas)

    /// What a DATA cell that came in calls for.
    package enum ReceiveDataAction: Equatable, Sendable {
        /// Nothing.
        case none
        /// A SENDME to the hop, quoting this cell.
        case sendSendme
        /// More DATA than we allowed: TORPROTOCOL.
        case destroyCircuit
    }

    /// DATA cells that a SENDME acknowledges.
    package var ackInterval: UInt32 {
        switch self {
        case .windows(let windows): windows.ackInterval
        case .vegas(let vegas): vegas.ackInterval
        }
    }

    /// Whether streams have windows and SENDMEs of their own.
    package var usesStreamWindows: Bool {
        switch self {
        case .windows: true
        case .vegas: false
        }
    }

    package mutating func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> {
        switch self {
        case .windows(let windows): windows.maySend(&context)
        case .vegas(let vegas): vegas.maySend(&context)
        }
    }

    package mutating func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> {
        switch self {
        case .windows(let windows): windows.ackDue(&context)
        case .vegas(let vegas): vegas.ackDue(&context)
        }
    }

    package mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> {
        switch self {
        case .windows(let windows):
            return windows.onAck(&context)
        case .vegas(var vegas):
            let answer = vegas.onAck(&context)
            self = .vegas(vegas)
            return answer
        }
    }
}
