/// The operator's own plugins, and what they may use.
package struct PluginSettings: Sendable, Hashable {
    /// A `Plugin` line.
    package struct Line: Sendable, Hashable {
        /// Its name, in reverse DNS.
        package let name: String
        /// What its `init` gets: the rest of the line.
        package let arguments: String
    }

    /// `PluginsDirectory`; `plugins` in the data folder unless given.
    package let directory: String
    /// `Plugin`, in order.
    package let lines: [Line]
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
}
