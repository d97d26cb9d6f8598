package import EBPF
package import Hooks

/// Why a plugin was detached against its will.
package enum PluginFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// A program ended in a fault.
    case fault(Fault)
    /// An answer that means nothing at that door, or that needs a capability which the plugin has not.
    case badVerdict(Hook, UInt64)
    /// Something in a context that cannot be.
    case badOutput(Hook, field: String)
    /// `init` does not want to.
    case refused
    /// More processor time than its share.
    case cpuBudget
    /// More padding than allowed.
    case paddingBudget
    /// More messages than allowed.
    case messageBudget
    /// No memory for an instance.
    case noMemory
    /// The circuit has no room, or another plugin answers there.
    case doorTaken(HookPoint)
    /// The circuit has as many plugins as it takes.
    case tooManyPlugins
    /// Not for this end of a circuit, or this scope.
    case wrongPlace
    /// An upgrade of nothing that is there.
    case nothingToReplace

    /// The reason in words.
    package var description: String {
        switch self {
        case .fault(let fault): "\(fault)"
        case .badVerdict(let hook, let answer):
            "answer 0x\(String(answer, radix: 16)) means nothing at \(hook.name), or needs a capability"
        case .badOutput(let hook, let field): "\(field) in the context of \(hook.name) cannot be"
        case .refused: "init refused"
        case .cpuBudget: "more processor time than its share"
        case .paddingBudget: "more padding than its budget"
        case .messageBudget: "more messages than its budget"
        case .noMemory: "no memory for an instance"
        case .doorTaken(let point): "another plugin answers at \(point)"
        case .tooManyPlugins: "too many plugins on one circuit"
        case .wrongPlace: "not for this end of a circuit"
        case .nothingToReplace: "there is no older version to take over from"
        }
    }

    /// Which counter it adds to.
    package var kind: PluginStatistic {
        switch self {
        case .fault: .faults
        case .badVerdict, .badOutput: .badVerdicts
        case .refused, .doorTaken, .tooManyPlugins, .wrongPlace, .nothingToReplace, .noMemory: .refused
        case .cpuBudget, .paddingBudget, .messageBudget: .overBudget
        }
    }
}

/// What the host counts about a plugin, beside the plugin's own counters.
package enum PluginStatistic: Int, CaseIterable, Sendable {
    /// Instances made.
    case attached
    /// Instances gone, for whatever reason.
    case detached
    /// Taken over by, or from, another version.
    case upgraded
    /// Not attached.
    case refused
    /// Detached because of a fault.
    case faults
    /// Detached because of an answer.
    case badVerdicts
    /// Detached because of a budget.
    case overBudget
    /// Calls of programs.
    case calls
    /// Fuel that they took.
    case fuel

    /// As `GETINFO plugin/counters` spells it.
    package var name: String {
        switch self {
        case .attached: "attached"
        case .detached: "detached"
        case .upgraded: "upgraded"
        case .refused: "refused"
        case .faults: "faults"
        case .badVerdicts: "bad_verdicts"
        case .overBudget: "over_budget"
        case .calls: "calls"
        case .fuel: "fuel"
        }
    }
}
