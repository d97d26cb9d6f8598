/// Who attached a plugin.
package enum Bringer: UInt8, Sendable {
    /// The operator or user here.
    case installed
    /// The circuit's other end.
    case peer
}

/// What the host lets a plugin use: section 4.6 of the design, settable by `PluginBudget`.
package struct PluginBudget: Hashable, Sendable {
    /// Fuel of one call.
    package var instructionsPerCall: UInt64 = 20_000
    /// Thousandths of a core for one circuit's instances.
    package var circuitCPU: UInt64 = 10
    /// Thousandths of a core for all plugins that peers brought, and for each in the host's scope.
    package var hostCPU: UInt64 = 50
    /// Bytes of an instance at most.
    package var memory = 64 << 10
    /// Bytes of all instances of an event loop.
    package var totalMemory = 64 << 20
    /// Padding cells a second at most, whatever a plugin's description says.
    package var paddingPerSecond: UInt32 = 1000
    /// Padding per hundred real cells, whatever a plugin's description says. At most 10,000 stands for any.
    package var paddingPercent: UInt32 = 10_000
    /// Messages a second.
    package var messagesPerSecond: UInt64 = 32

    /// The defaults.
    package init() {}
}

/// What one plugin is allowed.
package struct Grant: Sendable {
    /// Who brings it.
    package var bringer: Bringer
    /// What it may ask for.
    package var capabilities: Capabilities
    /// How much it may use.
    package var budget: PluginBudget

    /// What the operator's own plugins are allowed by default: all that they ask for.
    package init(
        bringer: Bringer = .installed, capabilities: Capabilities = .all, budget: PluginBudget = PluginBudget()
    ) {
        self.bringer = bringer
        // Peers never see the log or our paths, whatever a policy says.
        self.capabilities = bringer == .installed ? capabilities : capabilities.subtracting([.log, .path])
        self.budget = budget
    }
}
