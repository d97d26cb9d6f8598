/// What a door's answer can be. Read strictly from r0: anything that is not listed is a fault of the plugin.
@usableFromInline
package protocol HookVerdict: Equatable, Sendable, CustomStringConvertible {
    /// From r0; nil if it means nothing.
    init?(answer: UInt64)
    /// Whether it ends the circuit at the plugin's own wish, which takes a capability.
    var endsCircuit: Bool { get }
    /// Whether it sends padding, which takes one too.
    var pads: Bool { get }
}

extension HookVerdict {
    /// By default not.
    @inlinable package var endsCircuit: Bool { false }
    /// By default not.
    @inlinable package var pads: Bool { false }
}

/// What the host got from a door.
@frozen
@usableFromInline
package enum Answer<Verdict: Equatable & Sendable>: Equatable, Sendable {
    /// A verdict.
    case verdict(Verdict)
    /// Nobody stands there, or who stood there has failed and is gone: the built-in decides.
    case builtIn
    /// Who stood there has failed, and may not be done without.
    case destroyCircuit

    /// Written out, so that the caller's module makes its own: the synthesised one asks the runtime about `Verdict` each time.
    @inlinable
    package static func == (one: Self, other: Self) -> Bool {
        switch (one, other) {
        case (.verdict(let one), .verdict(let other)): one == other
        case (.builtIn, .builtIn), (.destroyCircuit, .destroyCircuit): true
        default: false
        }
    }
}

/// Where there is nothing to decide.
@frozen
@usableFromInline
package enum NoVerdict: HookVerdict {
    /// Zero.
    case observed

    @inlinable
    package init?(answer: UInt64) {
        guard answer == 0 else { return nil }
        self = .observed
    }

    @usableFromInline package var description: String { "observed" }
}

/// At `init`.
@frozen
@usableFromInline
package enum InitVerdict: HookVerdict {
    /// The instance is ready.
    case ready
    /// It does not want to be here.
    case refuse

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .ready
        case 1: self = .refuse
        default: return nil
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .ready: "ready"
        case .refuse: "refuse"
        }
    }
}

/// At `cell_received` and `cell_sent`.
@frozen
@usableFromInline
package enum CellVerdict: HookVerdict {
    /// Seen.
    case observed
    /// The circuit cannot go on.
    case destroyCircuit

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .observed
        case 1: self = .destroyCircuit
        default: return nil
        }
    }

    @inlinable package var endsCircuit: Bool { self == .destroyCircuit }

    @usableFromInline package var description: String {
        switch self {
        case .observed: "observed"
        case .destroyCircuit: "destroy"
        }
    }
}

/// At `relay_message`.
@frozen
@usableFromInline
package enum MessageVerdict: HookVerdict {
    /// As if nobody stood here.
    case byDefault
    /// Done with; the built-in does not see it.
    case handled
    /// Thrown away, as unexpected.
    case drop
    /// The circuit cannot go on.
    case destroyCircuit

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .byDefault
        case 1: self = .handled
        case 2: self = .drop
        case 3: self = .destroyCircuit
        default: return nil
        }
    }

    @inlinable package var endsCircuit: Bool { self == .destroyCircuit }

    @usableFromInline package var description: String {
        switch self {
        case .byDefault: "default"
        case .handled: "handled"
        case .drop: "drop"
        case .destroyCircuit: "destroy"
        }
    }
}

/// At `message_packaging`.
@frozen
@usableFromInline
package enum PackagingVerdict: HookVerdict {
    /// Package it.
    case byDefault
    /// The plugin has taken it, and will send what it makes of it.
    case taken

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .byDefault
        case 1: self = .taken
        default: return nil
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .byDefault: "default"
        case .taken: "taken"
        }
    }
}

/// At `stream`.
@frozen
@usableFromInline
package enum StreamVerdict: HookVerdict {
    /// As if nobody stood here.
    case byDefault
    /// Done with.
    case handled
    /// The circuit cannot go on.
    case destroyCircuit

    @inlinable
    package init?(answer: UInt64) {
        switch answer {
        case 0: self = .byDefault
        case 1: self = .handled
        case 2: self = .destroyCircuit
        default: return nil
        }
    }

    @inlinable package var endsCircuit: Bool { self == .destroyCircuit }

    @usableFromInline package var description: String {
        switch self {
        case .byDefault: "default"
        case .handled: "handled"
        case .destroyCircuit: "destroy"
        }
    }
}
