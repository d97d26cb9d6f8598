/// At `departure`: the kind in the lower half of r0, microseconds in the upper.
@frozen
@usableFromInline
package enum DepartureVerdict: HookVerdict {
    /// It leaves.
    case go
    /// Ask again in so many microseconds, 1 to two million.
    case hold(UInt32)
    /// A padding cell leaves first; then ask again.
    case paddingFirst

    @inlinable
    package init?(answer: UInt64) {
        let value = UInt32(truncatingIfNeeded: answer >> 32)
        switch (UInt32(truncatingIfNeeded: answer), value) {
        case (0, 0): self = .go
        case (1, 1...HooksLimits.holdMicroseconds): self = .hold(value)
        case (2, 0): self = .paddingFirst
        default: return nil
        }
    }

    @inlinable package var pads: Bool { self == .paddingFirst }

    @usableFromInline package var description: String {
        switch self {
        case .go: "go"
        case .hold(let delay): "hold \(delay)"
        case .paddingFirst: "padding"
        }
    }
}

/// At `padding`: the kind in r0's lowest byte, the timer in the next, flags in the third; microseconds in the upper half.
@frozen
@usableFromInline
package enum PaddingVerdict: HookVerdict {
    /// Nothing.
    case nothing
    /// Padding when this timer, 0 to 3, runs out, in so many microseconds. It replaces what the timer had before.
    case schedule(timer: UInt8, delay: UInt32, PaddingFlags)
    /// The timer stops.
    case cancel(timer: UInt8)

    @inlinable
    package init?(answer: UInt64) {
        let kind = answer & 0xFF
        let timer = UInt8(truncatingIfNeeded: answer >> 8)
        let flags = UInt8(truncatingIfNeeded: answer >> 16)
        let delay = UInt32(truncatingIfNeeded: answer >> 32)
        guard answer >> 24 & 0xFF == 0, timer < HooksLimits.paddingTimers else { return nil }
        switch kind {
        case 0 where answer == 0: self = .nothing
        case 1 where flags <= PaddingFlags.all.rawValue && delay <= HooksLimits.paddingDelayMicroseconds:
            self = .schedule(timer: timer, delay: delay, PaddingFlags(rawValue: flags))
        case 2 where flags == 0 && delay == 0: self = .cancel(timer: timer)
        default: return nil
        }
    }

    @inlinable package var pads: Bool {
        if case .schedule = self { true } else { false }
    }

    @usableFromInline package var description: String {
        switch self {
        case .nothing: "nothing"
        case .schedule(let timer, let delay, let flags):
            "pad \(timer) \(delay)" + (flags.contains(.bypassing) ? " bypassing" : "")
                + (flags.contains(.replacing) ? " replacing" : "")
        case .cancel(let timer): "cancel \(timer)"
        }
    }
}

/// How padding stands to the cells that wait.
@frozen
@usableFromInline
package struct PaddingFlags: OptionSet, Sendable {
    @usableFromInline package let rawValue: UInt8

    @inlinable
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It leaves although the circuit's cells are held.
    @usableFromInline package static let bypassing = PaddingFlags(rawValue: 1)
    /// A waiting cell leaves in its place, if there is one.
    @usableFromInline package static let replacing = PaddingFlags(rawValue: 2)
    /// Both.
    @usableFromInline package static let all: PaddingFlags = [.bypassing, .replacing]
}

/// At `rank`: r0 is the quantum; the key is in the context.
@frozen
@usableFromInline
package struct RankVerdict: HookVerdict {
    /// Cells of this circuit that may leave before another is looked at, 1 to 31.
    @usableFromInline package let quantum: UInt32

    /// So many.
    @inlinable
    package init(quantum: UInt32) { self.quantum = min(max(quantum, 1), HooksLimits.quantum) }

    @inlinable
    package init?(answer: UInt64) {
        guard answer >= 1, answer <= UInt64(HooksLimits.quantum) else { return nil }
        quantum = UInt32(answer)
    }

    @usableFromInline package var description: String { "quantum \(quantum)" }
}

/// At `choose_path`: what to multiply the relay's weight with, in units of 1/65,536; 0 is a veto.
@frozen
@usableFromInline
package struct PathVerdict: HookVerdict {
    /// At most 256 times 65,536.
    @usableFromInline package let factor: UInt32

    @inlinable
    package init?(answer: UInt64) {
        guard answer <= UInt64(HooksLimits.pathFactor) else { return nil }
        factor = UInt32(answer)
    }

    @usableFromInline package var description: String { factor == 0 ? "veto" : "weight \(factor)" }
}
