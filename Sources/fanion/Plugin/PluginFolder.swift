import ArgumentParser
import PluginHost
import Trust

/// The folder that a node's plugins are taken from.
struct PluginFolderOption: ParsableArguments {
    /// Where it is.
    @Option(name: .shortAndLong, help: "The folder of the torrc's PluginsDirectory.")
    var directory: String
}

/// `fanion plugin install`: a verified plugin into the folder.
struct PluginInstall: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Verify a plugin and put it into the folder that a node takes plugins from.",
        discussion: "It runs once the torrc says Plugin NAME, and the node has been started or sent SIGHUP.")

    @OptionGroup var file: PluginArgument
    @OptionGroup var folder: PluginFolderOption

    func run() throws {
        let bytes = file.plugin.hasSuffix(".c") ? try PluginTools.build(file.plugin) : try EBPFInput.file(file.plugin)
        do {
            let plugin = try Plugin(PluginFile(bytes: bytes))
            let path = "\(folder.directory)/\(plugin.metadata.name).o"
            try EBPFInput.write(bytes, to: path)
            // What lets others trust it travels with it when it is brought to them.
            let evidence = try TrustFiles.evidence(file.plugin)
            if evidence != Evidence() { _ = try TrustFiles.write(evidence, beside: path) }
            print("\(path): version \(plugin.metadata.version), \(plugin.file.identityText())")
            print("next: Plugin \(plugin.metadata.name) in the torrc, and SIGHUP")
        } catch let error as PluginError {
            throw PluginCommandFailure(description: "\(file.plugin): \(error)")
        }
    }
}

/// `fanion plugin list`: what is in the folder.
struct PluginList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the plugins of a folder.")

    @OptionGroup var folder: PluginFolderOption

    func run() throws {
        for name in try PluginTools.objects(in: folder.directory) {
            do {
                let file = try PluginFile(bytes: EBPFInput.file("\(folder.directory)/\(name)"))
                print("\(file.metadata.name) \(file.metadata.version) \(file.identityText(bytes: 8)) \(name)")
            } catch let error as PluginError {
                print("\(name): \(error)")
            }
        }
    }
}
