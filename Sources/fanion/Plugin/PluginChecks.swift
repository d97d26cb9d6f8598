import ArgumentParser
import EBPF
import PluginHost

/// `fanion plugin build`: from C to an object that is verified.
struct PluginBuild: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Compile a plugin against this version's fanion.h, and verify it.",
        discussion:
            "The compiler is clang with the BPF target: that of FANION_BPF_CLANG, the Swift toolchain's, or any.")

    @Argument(help: "The C file.")
    var source: String

    @Option(name: .shortAndLong, help: "The object; by default the source's name with .o, here.")
    var output: String?

    func run() throws {
        let bytes = try PluginTools.build(source)
        let path = output ?? PluginTools.stem(source) + ".o"
        do {
            let plugin = try Plugin(PluginFile(bytes: bytes))
            try EBPFInput.write(bytes, to: path)
            print("\(path): \(plugin.metadata.name) \(plugin.metadata.version), \(bytes.count) bytes")
        } catch let error as PluginError {
            throw PluginCommandFailure(description: "\(source): \(error)")
        }
    }
}

/// `fanion plugin inspect`: what a file says of itself.
struct PluginInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Print what a plugin is and asks for.")

    @OptionGroup var file: PluginArgument

    func run() throws { print(PluginTools.describe(try file.load())) }
}

/// `fanion plugin verify`: whether it could run here.
struct PluginVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check that a plugin can run: description, doors, capabilities, code.")

    @OptionGroup var file: PluginArgument

    @Option(name: .customLong("withhold"), help: "A capability that policy withholds.")
    var withheld: [String] = []

    @Flag(help: "As if a peer had brought it.")
    var peer = false

    @Option(help: "Also ask this torrc's PluginPolicy, with the evidence beside the plugin and what is known of logs.")
    var torrc: String?

    func run() throws {
        var granted = Capabilities.all
        for name in withheld {
            guard let bit = Capabilities.names.firstIndex(of: name) else {
                throw ValidationError("no capability \(name); there are \(Capabilities.names.joined(separator: " "))")
            }
            granted.remove(Capabilities(rawValue: 1 << UInt64(bit)))
        }
        let plugin = try file.verify(grant: Grant(bringer: peer ? .peer : .installed, capabilities: granted))
        let (proved, all) = plugin.module.accesses
        let engine = plugin.module.isCompiled ? "\(plugin.module.codeSize) bytes of machine code" : "interpreted"
        print(
            "\(plugin.metadata.name) \(plugin.metadata.version): good; \(engine), \(proved) of \(all) accesses proved")
        for line in try PluginVerdict.lines(file.plugin, plugin.file.identity, torrc: torrc) { print(line) }
    }
}
