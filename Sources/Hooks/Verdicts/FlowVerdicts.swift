/// At `may_send`: how many DATA cells may be packaged until the next acknowledgement or question; 0 means wait.
@frozen
@usableFromInline
package struct MaySendVerdict: HookVerdict {
    /// Never above 2^31 - 1.
    @usableFromInline package let cells: UInt32

    /// So many.
    @inlinable
    package init(cells: UInt32) { self.cells = min(cells, HooksLimits.cells) }

    @inlinable
    package init?(answer: UInt64) {
        guard answer <= UInt64(HooksLimits.cells) else { return nil }
        cells = UInt32(answer)
    }

    @usableFromInline package var description: String { cells == 0 ? "wait" : "go \(cells)" }
}

/// At `ack_due`.
@frozen
@usableFromInline
package enum AckVerdict: HookVerdict {
    /// Not now, nor for so many further DATA cells: nobody is asked about those.
    case no(UInt32)
    /// Send a SENDME, and ask again if it was about what an owner took.
    case yes
    /// More has come than was allowed.
    case destroyCircuit

    @inlinable
    package init?(answer: UInt64) {
        // The lower two bits say what; with `no` the others say for how long.
        switch answer {
        case 1: self = .yes
        case 2: self = .destroyCircuit
        default:
            guard answer & 3 == 0, answer >> 2 <= UInt64(HooksLimits.quietCells) else { return nil }
            self = .no(UInt32(answer >> 2))
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .no(let cells): cells == 0 ? "no" : "no \(cells)"
        case .yes: "yes"
        case .destroyCircuit: "destroy"
        }
    }
}

/// At `on_ack`.
@frozen
@usableFromInline
package enum OnAckVerdict: HookVerdict {
    /// Taken note of; `may_send` will be asked.
    case accepted
    /// More was acknowledged than was sent.
    case destroyCircuit

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .accepted
        case 1: self = .destroyCircuit
        default: return nil
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .accepted: "accepted"
        case .destroyCircuit: "destroy"
        }
    }
}
