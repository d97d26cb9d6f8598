/// The operator's own plugins, and what they may use.
package struct PluginSettings: Sendable, Hashable {
    /// A `Plugin` line.
    package struct Line: Sendable, Hashable {
        /// Its name, in reverse DNS.
        package let name: String
        /// What its `init` gets: the rest of the line.
        package let arguments: String
    }

    /// A `PluginBring` line: a plugin for the other ends of circuits.
    package struct Bring: Sendable, Hashable {
        /// Its name, in reverse DNS.
        package let name: String
        /// To which hops, or at a relay as which: `guard`, `middle`, `exit` or `all`.
        package let place: String
        /// Whether a circuit is of no use without it.
        package let isRequired: Bool
        /// What its `init` gets at both ends: the rest of the line.
        package let arguments: String
    }

    /// `PluginsDirectory`; `plugins` in the data folder unless given.
    package let directory: String
    /// `Plugin`, in order.
    package let lines: [Line]
    /// `PluginBring`, in order.
    package let brings: [Bring]
    /// `PluginStrictCircuits`: circuits that start here end at what others would drop.
    package let hasStrictCircuits: Bool
    /// `TestingFanionAnyPlugin`: whatever a peer brings may run.
    package let takesAny: Bool
    /// `PluginBudgetInstructions`: of one call.
    package let instructions: Int
    /// `PluginBudgetCPU`: thousandths of a core for one circuit's plugins.
    package let circuitCPU: Int
    /// `PluginBudgetHostCPU`: thousandths of a core for plugins in the host's scope.
    package let hostCPU: Int
    /// `PluginBudgetMemory`: bytes of an instance.
    package let memory: Int
    /// `PluginBudgetPaddingRate`: cells a second at most.
    package let paddingRate: Int
    /// `PluginBudgetPaddingPercent`: per hundred real cells.
    package let paddingPercent: Int
    /// `PluginBudgetMessages`: a second.
    package let messages: Int

    init(_ values: inout OptionValues, dataDirectory: String, _ environment: ConfigurationEnvironment)
        throws(ConfigurationError)
    {
        directory = values.text("PluginsDirectory").map(environment.expand) ?? dataDirectory + "/plugins"
        var lines: [Line] = []
        for line in values.lines("Plugin") {
            let parts = line.value.split(maxSplits: 1) { $0 == " " || $0 == "\t" }
            guard let name = parts.first else {
                throw ConfigurationError(location: line.location, option: "Plugin", reason: "needs a name")
            }
            let arguments = parts.count > 1 ? String(parts[1].drop { $0 == " " || $0 == "\t" }) : ""
            guard arguments.utf8.count <= 255 else {
                throw ConfigurationError(
                    location: line.location, option: "Plugin", reason: "has more than 255 bytes of arguments")
            }
            guard !lines.contains(where: { $0.name == name }) else {
                throw ConfigurationError(location: line.location, option: "Plugin", reason: "names \(name) twice")
            }
            lines.append(Line(name: String(name), arguments: arguments))
        }
        self.lines = lines
        brings = try values.lines("PluginBring").map { line throws(ConfigurationError) in try Self.bring(line) }
        hasStrictCircuits = values.flag("PluginStrictCircuits")
        takesAny = values.flag("TestingFanionAnyPlugin")
        guard !takesAny || values.flag("TestingTorNetwork") else {
            throw values.error("TestingFanionAnyPlugin", "is for networks with TestingTorNetwork only")
        }
        instructions = values.integer("PluginBudgetInstructions")
        circuitCPU = values.integer("PluginBudgetCPU")
        hostCPU = values.integer("PluginBudgetHostCPU")
        memory = values.integer("PluginBudgetMemory")
        paddingRate = values.integer("PluginBudgetPaddingRate")
        paddingPercent = values.integer("PluginBudgetPaddingPercent")
        messages = values.integer("PluginBudgetMessages")
        guard circuitCPU <= 1000, hostCPU <= 1000 else {
            throw values.error(
                circuitCPU > 1000 ? "PluginBudgetCPU" : "PluginBudgetHostCPU",
                "is in thousandths of a core: at most 1000")
        }
        guard instructions <= 100_000_000 else {
            throw values.error("PluginBudgetInstructions", "would stop the event loop: at most 100000000")
        }
    }

    /// `PluginBring NAME [hop=guard|middle|exit|all] [required|preferred] [arguments]`.
    private static func bring(_ line: TorrcLine) throws(ConfigurationError) -> Bring {
        func error(_ reason: String) -> ConfigurationError {
            ConfigurationError(location: line.location, option: "PluginBring", reason: reason)
        }
        func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
        var rest = Substring(line.value)
        func word() -> Substring {
            rest = rest.drop(while: isBlank)
            return rest.prefix { !isBlank($0) }
        }
        let name = word()
        guard !name.isEmpty else { throw error("needs a name") }
        rest = rest.dropFirst(name.count)
        var (place, isRequired) = ("exit", false)
        while true {
            let option = word()
            if option.hasPrefix("hop=") {
                place = String(option.dropFirst(4))
                guard ["guard", "middle", "exit", "all"].contains(place) else {
                    throw error("\"\(place)\" is none of guard, middle, exit and all")
                }
            } else if option == "required" || option == "preferred" {
                isRequired = option == "required"
            } else {
                break
            }
            rest = rest.dropFirst(option.count)
        }
        guard rest.utf8.count <= 255 else { throw error("has more than 255 bytes of arguments") }
        return Bring(name: String(name), place: place, isRequired: isRequired, arguments: String(rest))
    }
}
