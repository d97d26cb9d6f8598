/// How DATA between us and one hop is held back. A set that is known, so an enum: congestion control (proposal 324) and
/// whoever replaces it will be further cases.
package enum FlowControl: Equatable, Sendable {
    /// Fixed windows, acknowledged per circuit and per stream.
    case windows(CircuitWindow)

    /// What a DATA cell that came in calls for.
    package enum ReceiveDataAction: Equatable, Sendable {
        /// Nothing.
        case none
        /// A SENDME to the hop, quoting this cell.
        case sendSendme
        /// More DATA than we allowed: TORPROTOCOL.
        case destroyCircuit
    }

    /// How many DATA cells may be packaged now.
    package var sendableCells: Int {
        switch self {
        case .windows(let window): Int(window.packageWindow)
        }
    }

    /// Whether streams have windows and SENDMEs of their own.
    package var usesStreamWindows: Bool {
        switch self {
        case .windows: true
        }
    }

    mutating func notePackaged() {
        switch self {
        case .windows(var window):
            window.notePackaged()
            self = .windows(window)
        }
    }

    mutating func noteSealed() -> Bool {
        switch self {
        case .windows(var window):
            let isQuoted = window.noteSealed()
            self = .windows(window)
            return isQuoted
        }
    }

    mutating func noteReceived() -> ReceiveDataAction {
        switch self {
        case .windows(var window):
            let action = window.noteReceived()
            self = .windows(window)
            return action
        }
    }

    mutating func noteAcknowledged() -> Bool {
        switch self {
        case .windows(var window):
            let isAllowed = window.noteAcknowledged()
            self = .windows(window)
            return isAllowed
        }
    }
}
