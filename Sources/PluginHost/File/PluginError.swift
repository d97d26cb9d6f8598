package import EBPF
package import Hooks

/// Why a file is no plugin that can run here, in words that say what to change.
package enum PluginError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The object cannot be loaded.
    case object(LoadError)
    /// The code cannot be run.
    case code(VerifyError)
    /// There is no description.
    case noMetadata
    /// A field of the description.
    case metadata(field: String, String)
    /// A section that is no door.
    case noSuchDoor(section: String)
    /// A door whose feature does not exist yet.
    case closedDoor(Hook)
    /// A door of the other scope.
    case wrongScope(Hook, PluginScope)
    /// Two programs for the same question.
    case doorTwice(HookPoint, first: String, second: String)
    /// No program at any door.
    case noPrograms
    /// Failing open where only closed will do.
    case mustFailClosed(because: String)
    /// A door without the capability that it needs.
    case doorNeeds(Hook, Capabilities)
    /// Capabilities that the scope cannot have.
    case neverForHost(Capabilities)
    /// Capabilities that were asked for and that policy withholds.
    case notGranted(Capabilities)
    /// More of something than policy allows.
    case overBudget(String, asked: UInt64, allowed: UInt64)
    /// A state variable that is too long.
    case stateTooLong(Int)

    /// The reason, and what to change.
    package var description: String {
        switch self {
        case .object(let error): "the object cannot be loaded: \(error)"
        case .code(let error): Self.words(error)
        case .noMetadata:
            "there is no section .plugin: put FANION_PLUGIN(.name = \"...\", .version = {1, 0, 0}, ...) into the file"
        case .metadata(let field, let what): "in FANION_PLUGIN, .\(field) \(what)"
        case .noSuchDoor(let section):
            "section \(section) is no door: SEC() takes one of the spellings that fanion.h lists, such as "
                + Self.suggestion(section)
        case .closedDoor(let hook): "nothing asks at \(hook.name) yet: take the program out"
        case .wrongScope(let hook, .circuit):
            "\(hook.name) is a door of the host: say .scope = FANION_HOST, or take the program out"
        case .wrongScope(let hook, .host):
            "\(hook.name) is a door of circuits: say .scope = FANION_CIRCUIT, or take the program out"
        case .doorTwice(let point, let first, let second):
            "\(first) and \(second) would both answer at \(point): give each a parameter of its own"
        case .noPrograms: "no program stands at a door: write SEC(\"cell_sent\") before a function that is not static"
        case .mustFailClosed(let reason):
            "\(reason) changes the protocol, so that the circuit cannot go on without the plugin: say .failure = FANION_CLOSED"
        case .doorNeeds(let hook, let needed):
            "\(hook.name) needs \(Self.macro(needed)): add it to .capabilities"
        case .neverForHost(let wrong):
            "a plugin in the host's scope never gets \(Self.macro(wrong)): take it out of .capabilities"
        case .notGranted(let missing):
            "policy withholds \(Self.macro(missing)): take it out of .capabilities, or have the operator allow it"
        case .overBudget(let what, let asked, let allowed):
            "\(what) of \(asked) is over the budget of \(allowed): ask for less, or have the operator allow more"
        case .stateTooLong(let length): "FANION_STATE is \(length) bytes: 4096 at most"
        }
    }

    private static func words(_ error: VerifyError) -> String {
        switch error.reason {
        case .helperNotGranted(let number):
            guard let helper = HelperTable.entry(number) else {
                return "\(error): there is no such helper; fanion.h has them all"
            }
            return "\(error): fanion_\(helper.helper.name) needs \(macro(helper.capability)); add it to .capabilities"
        case .arenaTooSmall(let needed):
            return "\(error): say .memory = \(nextPower(needed)) or make the plugin's variables smaller"
        default: return "\(error)"
        }
    }

    private static func nextPower(_ needed: Int) -> Int {
        var size = 16 << 10
        while size < needed, size < 1 << 20 { size *= 2 }
        return size
    }

    private static func macro(_ capabilities: Capabilities) -> String {
        capabilities.list.map { "FANION_CAP_" + $0.uppercased() }.joined(separator: " | ")
    }

    /// The door whose name begins most alike.
    private static func suggestion(_ section: String) -> String {
        let offered = Hook.allCases.filter(\.isOpen).map(\.name)
        func alike(_ name: String) -> Int { zip(name, section).prefix { $0 == $1 }.count }
        return offered.max { alike($0) < alike($1) } ?? "cell_sent"
    }
}
