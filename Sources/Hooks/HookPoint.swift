/// A door with its parameter: what a program's section says.
///
/// `cell_sent/backward`, `relay_message/3`, `relay_message/tor/2`, `may_send/stream`; a section without parameter means all.
package struct HookPoint: Hashable, Sendable, CustomStringConvertible {
    /// The door.
    package let hook: Hook
    /// Of its parameter, one value; nil: all.
    package let parameter: UInt32?

    /// A door with one value of its parameter, or all.
    package init(_ hook: Hook, _ parameter: UInt32? = nil) {
        self.hook = hook
        self.parameter = parameter
    }

    /// Added to a relay command of Tor's own, so that a plugin's local commands have the numbers below.
    package static let torCommand: UInt32 = 0x1_0000

    /// From a section's name; nil if nothing is called that.
    package init?(section: String) {
        let parts = section.split(separator: "/", omittingEmptySubsequences: false)
        guard let hook = Hook.allCases.first(where: { $0.name == parts[0] }) else { return nil }
        self.hook = hook
        if parts.count == 1 {
            parameter = nil
            return
        }
        let names = Self.parameterNames(hook)
        if parts.count == 2, let value = names.firstIndex(of: String(parts[1])) {
            parameter = UInt32(value)
            return
        }
        guard hook == .relayMessage || hook == .messagePackaging else { return nil }
        if parts.count == 2, hook == .relayMessage, let local = Self.number(parts[1]), local <= UInt16.max {
            parameter = local
        } else if parts.count == 3, parts[1] == "tor", let command = Self.number(parts[2]), command <= UInt8.max {
            parameter = Self.torCommand + command
        } else {
            return nil
        }
    }

    /// Whether a program here answers for this value.
    package func answers(_ value: UInt32) -> Bool { parameter == nil || parameter == value }

    /// Whether two programs would answer the same question.
    package func overlaps(_ other: HookPoint) -> Bool {
        hook == other.hook && (parameter == nil || other.parameter == nil || parameter == other.parameter)
    }

    /// Whether it is for messages between the two halves of a plugin, and for no other.
    package var isLocal: Bool {
        guard hook == .relayMessage, let parameter else { return false }
        return parameter < Self.torCommand
    }

    /// As a section's name spells it.
    package var description: String {
        guard let parameter else { return hook.name }
        return "\(hook.name)/\(Self.text(of: parameter, at: hook))"
    }

    /// A parameter's value in words.
    package static func text(of parameter: UInt32, at hook: Hook) -> String {
        let names = parameterNames(hook)
        if Int(parameter) < names.count { return names[Int(parameter)] }
        return parameter >= torCommand ? "tor/\(parameter - torCommand)" : "\(parameter)"
    }

    /// What the values of a door's parameter are called, from 0; empty where they are commands, or there is none.
    package static func parameterNames(_ hook: Hook) -> [String] {
        switch hook {
        case .cellReceived, .cellSent, .departure, .padding: ["forward", "backward"]
        case .maySend, .ackDue, .onAck: ["circuit", "stream"]
        case .rank: ["ready", "sent", "tick"]
        case .stream: ["opened", "connected", "data", "closed"]
        case .choosePath: ["guard", "middle", "exit"]
        case .initialise, .exit, .timer, .circuitOpened, .circuitClosed, .relayMessage, .messagePackaging, .chooseLeg,
            .packet, .consensusChanged:
            []
        }
    }

    private static func number(_ text: Substring) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.first != "0"
        else {
            return nil
        }
        return UInt32(text)
    }
}

/// Which way a cell goes.
package enum CellDirection: UInt32, Sendable {
    /// Away from the client.
    case forward = 0
    /// Towards it.
    case backward = 1
}

/// What flow control is about.
package enum FlowScope: UInt32, Sendable {
    /// All DATA between us and one hop.
    case circuit = 0
    /// One stream's.
    case stream = 1
}
