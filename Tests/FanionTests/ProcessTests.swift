import Cells
import Configuration
import Foundation
import Testing

@testable import fanion

struct ProcessTests {
    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "fanion-process-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func `the folders of a node are made, for its user only`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let settings = try Settings(torrc: TorrcFile(path: "torrc", text: "DataDirectory \(folder)/a/b\n"))
        try NodeCommand.prepareFolders(settings)
        for path in ["/a/b", "/a/b/keys"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + path)
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test func `a torrc that was named must exist, unless it need not`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let words = ["-f", folder + "/missing"]
        #expect(throws: CommandFailure.self) { try ConfigurationSource(try CommandLineArguments(words)).read() }
        let settings = try ConfigurationSource(
            try CommandLineArguments(words + ["--ignore-missing-torrc", "--SocksPort", "9999"])
        ).read()
        #expect(settings.client.socksPorts.count == 1)
    }

    @Test func `defaults, torrc and words add up in C Tor's order`() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "Nickname a\nContactInfo x\n".write(toFile: folder + "/defaults", atomically: true, encoding: .utf8)
        try "Nickname b\nORPort 9001\n".write(toFile: folder + "/torrc", atomically: true, encoding: .utf8)
        let settings = try ConfigurationSource(
            try CommandLineArguments([
                "--defaults-torrc", folder + "/defaults", "-f", folder + "/torrc", "--ORPort", "9002",
            ])
        ).read()
        #expect(settings.relay.nickname == "b")
        #expect(settings.relay.contactInfo == "x")
        #expect(settings.relay.orPorts.first?.address.endpoint?.port == 9_002)
    }
}
