import ArgumentParser
import Foundation
import OnionCrypto
import PluginHost
import Testing
import Trust

@testable import fanion

/// `fanion plugin sign` and `fanion plugin log`, on files.
final class PluginTrustCommandTests {
    private static var hasCompiler: Bool { FileManager.default.isExecutableFile(atPath: "/opt/swift/usr/bin/clang") }

    private let folder = NSTemporaryDirectory() + "fanion-trust-\(UUID())"

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func run(_ words: String...) throws {
        var command = try Fanion.parseAsRoot(words)
        try command.run()
    }

    private func failure(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func line(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .newlines)
    }

    /// The public half of a key file.
    private func vkey(_ path: String) throws -> VerifierKey {
        try SigningKey(line: Array(try Data(contentsOf: URL(filePath: path)))).verifier
    }

    private func plugin(_ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        let source = """
            #include "fanion.h"
            FANION_PLUGIN(.name = "org.example.\(name)", .version = {1, 0, 0}, .roles = FANION_RELAY);
            SEC("cell_sent") int f(struct cell_sent_ctx *ctx) { (void)ctx; return FANION_OBSERVED; }
            """
        try source.write(toFile: path + ".c", atomically: true, encoding: .utf8)
        try run("plugin", "build", path + ".c", "-o", path + ".o")
        return path + ".o"
    }

    @Test(.enabled(if: hasCompiler))
    func `a plugin is signed, logged, witnessed, proved, trusted, and revoked`() throws {
        let (alice, log, witness) = ("\(folder)/alice.key", "\(folder)/log", "\(folder)/w.key")
        let plugin = try plugin("good")
        try run("plugin", "sign", "--key", alice, "--new-key", "alice", plugin)
        #expect(try FileManager.default.attributesOfItem(atPath: alice)[.posixPermissions] as? Int == 0o600)
        #expect(
            failure { try run("plugin", "sign", "--key", alice, "--new-key", "alice") }.contains("is there already"))
        #expect(failure { try run("plugin", "sign", "--key", "\(folder)/no.key", plugin) }.contains("--new-key"))

        let key = "\(folder)/log.key"
        try run("plugin", "log", "init", log, "--key", key, "--origin", "log.example/plugins")
        try run("plugin", "log", "add", "--key", key, log, plugin)
        try run("plugin", "log", "revoke", "--key", key, log)
        try FileManager.default.copyItem(atPath: log + "/checkpoint", toPath: folder + "/old")
        try run("plugin", "log", "recommend", "--key", key, log, "1", "0=\(plugin)")
        #expect(
            failure { try run("plugin", "log", "recommend", "--key", key, log, "1", "0=\(plugin)") }.contains(
                "another number"))
        try run("plugin", "log", "cosign", log, "--key", witness, "--new-key", "w.example")
        try run("plugin", "log", "check", log, "--vkey", vkey(key).text, "--since", folder + "/old")
        #expect(
            failure { try run("plugin", "log", "check", log, "--vkey", vkey(alice).text) }.contains("not signed by"))
        try run("plugin", "log", "prove", log, plugin)
        let other = try self.plugin("other")
        #expect(failure { try run("plugin", "log", "prove", log, other) }.contains("not in the log"))

        // A torrc that asks for both, and knows the log already.
        let data = "\(folder)/data"
        let torrc = "\(folder)/torrc"
        try """
        DataDirectory \(data)
        PluginPolicy alice and log1
        PluginKey alice \(Data(vkey(alice).key.bytes).base64EncodedString())
        PluginLog log1 \(vkey(key).text) http://log.example/plugins/
        PluginWitness w \(vkey(witness).text)
        """.write(toFile: torrc, atomically: true, encoding: .utf8)
        #expect(failure { try run("plugin", "verify", plugin, "--torrc", torrc) }.contains("try again later"))
        try know(log, data)
        try run("plugin", "verify", plugin, "--torrc", torrc)
        #expect(
            failure { try run("plugin", "verify", other, "--torrc", torrc) }.contains("nobody whom its policy names"))

        try run("plugin", "log", "revoke", "--key", key, log, plugin)
        try know(log, data)
        #expect(failure { try run("plugin", "verify", plugin, "--torrc", torrc) }.contains("revoked"))
    }

    /// Puts a log where a node keeps what it knows.
    private func know(_ log: String, _ data: String) throws {
        let folder = data + "/plugin-logs"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (checkpoint, published) = try #require(try LogFolder(path: log).load())
        try Data(checkpoint.note.bytes).write(to: URL(filePath: folder + "/log1.checkpoint"))
        try Data(EntryBundle.write(published.entries) ?? []).write(to: URL(filePath: folder + "/log1.entries"))
    }

    @Test func `a log that is changed afterwards is neither cosigned nor continued`() throws {
        let (log, key, witness) = ("\(folder)/log", "\(folder)/log.key", "\(folder)/w.key")
        let identities = (1...5).map { String(repeating: "0\($0)", count: 32) }
        try run("plugin", "log", "init", log, "--key", key, "--origin", "log.example/plugins")
        for identity in identities.prefix(3) { try run("plugin", "log", "add", "--key", key, log, identity) }
        try run("plugin", "log", "cosign", log, "--key", witness, "--new-key", "w.example")
        // The same key signs another history.
        try FileManager.default.removeItem(atPath: log)
        try FileManager.default.moveItem(atPath: key, toPath: key + ".kept")
        var other = PublishedLog()
        for identity in identities.reversed() {
            other.append(PluginSignature.message(try TrustFiles.identity(identity)))
        }
        let signer = try TrustFiles.key(key + ".kept", .note)
        try LogFolder(path: log).publish(other, signer)
        #expect(failure { try run("plugin", "log", "cosign", log, "--key", witness) }.contains("two histories"))
        // An entry that is damaged on disk.
        let bundle = log + "/tile/entries/000.p/5"
        var bytes = try Data(contentsOf: URL(filePath: bundle))
        bytes[30] ^= 1
        try bytes.write(to: URL(filePath: bundle))
        #expect(
            failure { try run("plugin", "log", "add", "--key", key + ".kept", log, identities[0]) }.contains(
                "another root"))
        #expect(failure { try run("plugin", "log", "check", log) }.contains("another root"))
        try FileManager.default.removeItem(atPath: bundle)
        #expect(failure { try run("plugin", "log", "check", log) }.contains("is missing"))
    }
}
