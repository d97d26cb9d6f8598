import Configuration
import Foundation
import Testing

@testable import Node

@Suite struct IncludeFilesTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for (name, text) in [
            ("b.conf", "Nickname b"), ("a.conf", "ContactInfo a"), (".hidden", "Bad"), ("c.txt", "ORPort 9001"),
        ] { try SecureFiles.write(text.utf8, to: folder.path + "/" + name) }
        try SecureFiles.makeFolder(folder.path + "/sub")
        try SecureFiles.write("Bad".utf8, to: folder.path + "/sub/x")
    }

    private func names(_ pattern: String) throws -> [String] {
        try IncludeFiles.read(pattern).map { String($0.path.dropFirst(folder.path.count + 1)) }
    }

    @Test func `a file, a folder and a pattern are read in order`() throws {
        #expect(try names(folder.path + "/c.txt") == ["c.txt"])
        #expect(try names(folder.path) == ["a.conf", "b.conf", "c.txt"])
        #expect(try names(folder.path + "/*.conf") == ["a.conf", "b.conf"])
        #expect(try names(folder.path + "/s*") == ["sub/x"])
        #expect(try names(folder.path + "/*.none") == [])
        #expect(throws: IncludeFailure.self) { try names(folder.path + "/none") }
    }

    @Test func `a torrc includes what they say`() throws {
        let torrc = TorrcFile(path: "torrc", text: "%include \(folder.path)/*.conf\n%include \(folder.path)/c.txt")
        let settings = try Settings(torrc: torrc, include: IncludeFiles.read)
        #expect(settings.relay.nickname == "b" && settings.relay.isRelay)
    }

    @Test(arguments: ["relay", "exit", "client", "authority"])
    func `the torrc of each role that comes with the program is valid`(role: String) throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("relay-config/\(role).torrc").path
        let settings = try Settings(torrc: IncludeFiles.file(path), include: IncludeFiles.read)
        #expect(settings.warnings.map(\.description) == [])
        #expect(settings.relay.isRelay == (role != "client"))
        #expect(settings.authority.isAuthority == (role == "authority"))
        #expect(settings.exit.isExit == (role == "exit"))
        #expect(settings.client.socksPorts.isEmpty == (role != "client"))
        #expect(settings.directory.authorities.count == 3)
    }
}
