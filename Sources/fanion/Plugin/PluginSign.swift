import ArgumentParser
import Cells
import OnionCrypto
import Trust

/// `fanion plugin sign`: makes a key, signs a plugin.
struct PluginSign: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign a plugin, for those whose PluginPolicy names your key.",
        discussion: """
            First make a key:  fanion plugin sign --key my.key --new-key my-name
            Then sign:         fanion plugin sign --key my.key my-plugin.o
            The signature goes to my-plugin.evidence, together with those that are there already.
            """)

    @Option(help: "The file of your secret key.")
    var key: String

    @Option(help: "Make the key first, with this name.")
    var newKey: String?

    @Argument(help: "Plugins to sign: object files.")
    var plugins: [String] = []

    func validate() throws {
        guard newKey != nil || !plugins.isEmpty else {
            throw ValidationError("name a plugin to sign, or --new-key NAME")
        }
        if let newKey, !TrustRule.isName(newKey) {
            throw ValidationError("\"\(newKey)\" is no name for a torrc: letters, digits, hyphen, underscore and dot")
        }
    }

    func run() throws {
        if let newKey {
            let made = try TrustFiles.makeKey(key, name: newKey, .note)
            print("\(key): a new key; keep it secret, and keep a copy")
            print("for a torrc: PluginKey \(newKey) \(Base64.encode(made.verifier.key.bytes))")
        }
        let signer = try TrustFiles.key(key, .note)
        for plugin in plugins {
            let identity = try TrustFiles.identity(plugin)
            var evidence = try TrustFiles.evidence(plugin)
            let signature = signer.sign(plugin: identity)
            // Signatures of what the file was before are of no use to anybody.
            evidence.signatures.removeAll { $0.key == signature.key || !$0.isValid(for: identity) }
            evidence.signatures.append(signature)
            let path = try TrustFiles.write(evidence, beside: plugin)
            print("\(path): \(signer.verifier.name) has signed \(Base16.encode(identity))")
        }
    }
}
