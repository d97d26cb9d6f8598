import ArgumentParser
import Foundation
import PluginHost
import Testing

@testable import fanion

struct PluginCommandTests {
    private static var hasCompiler: Bool { FileManager.default.isExecutableFile(atPath: "/opt/swift/usr/bin/clang") }

    private func run(_ words: String...) throws {
        var command = try Fanion.parseAsRoot(words)
        try command.run()
    }

    @Test(.enabled(if: hasCompiler))
    func `a new plugin builds, passes its own test and can be installed`() throws {
        let folder = NSTemporaryDirectory() + "fanion-new-\(UUID())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try run("plugin", "new", "my-plugin", "-d", folder)
        let path = folder + "/my-plugin/my-plugin"
        try run("plugin", "test", path + ".c")
        try run("plugin", "build", path + ".c", "-o", path + ".o")
        try run("plugin", "verify", path + ".o")
        try run("plugin", "inspect", path + ".o")
        try run("plugin", "run", path + ".o", path + ".events")
        try run("plugin", "install", path + ".o", "-d", folder)
        #expect(FileManager.default.fileExists(atPath: folder + "/org.example.my-plugin.o"))
        try run("plugin", "list", "-d", folder)
        // Not over what is there.
        #expect(throws: PluginCommandFailure.self) { try run("plugin", "new", "my-plugin", "-d", folder) }
        // A wrong answer is an error, and so are events that expect nothing.
        try "attach\ncell_received/forward -> destroy\n".write(
            toFile: folder + "/wrong.events", atomically: true, encoding: .utf8)
        #expect(throws: PluginCommandFailure.self) { try run("plugin", "test", path + ".o", folder + "/wrong.events") }
        try "attach\n".write(toFile: folder + "/empty.events", atomically: true, encoding: .utf8)
        #expect(throws: PluginCommandFailure.self) { try run("plugin", "test", path + ".o", folder + "/empty.events") }
    }

    @Test(.enabled(if: hasCompiler))
    func `what is wrong with a plugin is said with what to change`() throws {
        let path = NSTemporaryDirectory() + "fanion-wrong-\(UUID()).c"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (body, hint) in [
            ("SEC(\"cell_sended\") int f(void *c) { return 0; }", "such as cell_sent"),
            ("SEC(\"cell_sent\") int f(void *c) { return fanion_now(); }", "FANION_CAP_TIME"),
            ("SEC(\"may_send\") int f(void *c) { return 0; }", "FANION_CLOSED"),
            ("SEC(\"rank\") int f(void *c) { return 1; }", "FANION_HOST"),
        ] {
            let text = "#include \"fanion.h\"\nFANION_PLUGIN(.name = \"a.b\", .roles = FANION_RELAY);\n\(body)\n"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            do {
                try run("plugin", "verify", path)
                Issue.record("\(body) is good")
            } catch let failure as PluginCommandFailure {
                #expect(failure.description.contains(hint), "\(failure)")
            }
        }
    }

    @Test func `the program brings the header that is in the source`() throws {
        let header = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "plugins/include/fanion.h")
        #expect(try Data(contentsOf: header) == Data(PluginTools.header))
    }
}
