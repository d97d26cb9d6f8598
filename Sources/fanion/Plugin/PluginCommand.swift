import ArgumentParser

/// `fanion plugin`: for those who write plugins, and those who install them.
struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin", abstract: "Make, check, try out and install plugins.",
        discussion: "From nothing: fanion plugin new my-plugin, then test it. docs/plugin-guide.md goes on from there.",
        subcommands: [
            PluginNew.self, PluginBuild.self, PluginInspect.self, PluginVerify.self, PluginRun.self, PluginTest.self,
            PluginBench.self, PluginSign.self, PluginLogCommand.self, PluginInstall.self, PluginList.self,
        ])
}
