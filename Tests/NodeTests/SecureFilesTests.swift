import Foundation
import Testing

@testable import Node

/// A folder that lives as long as a test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "fanion-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o700)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func mode(_ name: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path + "/" + name)[.posixPermissions] as? Int)
    }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

@Suite struct SecureFilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `a file is written whole, private, and leaves nothing beside it`() throws {
        let path = folder.path + "/key"
        try SecureFiles.write([1, 2, 3], to: path)
        try SecureFiles.write([4, 5], to: path)
        #expect(try SecureFiles.read(path, secretFor: .owner) == [4, 5])
        #expect(try folder.mode("key") == 0o600)
        #expect(folder.names == ["key"])
        try SecureFiles.write([], to: folder.path + "/fingerprint", for: .everybody)
        #expect(try folder.mode("fingerprint") == 0o644)
    }

    @Test func `a missing file is no error and a folder is one`() throws {
        #expect(try SecureFiles.read(folder.path + "/none") == nil)
        #expect(throws: FileError.self) { try SecureFiles.read(folder.path) }
    }

    @Test func `a secret that others may read is refused`() throws {
        let path = folder.path + "/key"
        try SecureFiles.write([1], to: path)
        chmod(path, 0o644)
        let failure = #expect(throws: FileError.self) { try SecureFiles.read(path, secretFor: .owner) }
        #expect(failure?.description.contains("permissions 0644") == true)
        #expect(throws: FileError.self) { try SecureFiles.read(path, secretFor: .group) }
        chmod(path, 0o640)
        #expect(try SecureFiles.read(path, secretFor: .group) == [1])
        #expect(throws: FileError.self) { try SecureFiles.read(path, secretFor: .owner) }
    }

    @Test func `too much is refused`() throws {
        let path = folder.path + "/big"
        try SecureFiles.write([UInt8](repeating: 0, count: 100), to: path)
        #expect(try SecureFiles.read(path, limit: 100)?.count == 100)
        #expect(throws: FileError.self) { try SecureFiles.read(path, limit: 99) }
    }

    @Test func `a full disk leaves the old file and nothing half written`() throws {
        let path = folder.path + "/state"
        try SecureFiles.write([1], to: path)
        // A file size limit makes write() fail as a full disk does.
        var old = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old)
        signal(SIGXFSZ, SIG_IGN)
        var small = rlimit(rlim_cur: 65536, rlim_max: old.rlim_max)
        setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &small)
        defer { setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &old) }
        #expect(throws: FileError.self) { try SecureFiles.write([UInt8](repeating: 2, count: 100_000), to: path) }
        #expect(try SecureFiles.read(path) == [1])
        #expect(folder.names == ["state"])
    }

    @Test func `folders are made private and made narrower`() throws {
        let path = folder.path + "/a/b"
        #expect(try !SecureFiles.makeFolder(path))
        #expect(try folder.mode("a/b") == 0o700)
        #expect(try folder.mode("a") == 0o700)
        chmod(path, 0o755)
        #expect(try SecureFiles.makeFolder(path))
        #expect(try folder.mode("a/b") == 0o700)
        try SecureFiles.write([], to: folder.path + "/file")
        #expect(throws: FileError.self) { try SecureFiles.makeFolder(folder.path + "/file") }
    }
}

@Suite struct TaggedFileTests {
    @Test func `the header is padded to 32 bytes`() throws {
        let file = TaggedFile(type: "ed25519v1-secret", tag: "type0", data: [1, 2, 3])
        #expect(file.bytes.count == 35)
        #expect(file.bytes.starts(with: Array("== ed25519v1-secret: type0 ==\0\0\0\u{1}\u{2}\u{3}".utf8)))
        #expect(TaggedFile(bytes: file.bytes) == file)
    }

    @Test func `anything else is no tagged file`() {
        let bytes = TaggedFile(type: "c25519v1", tag: "onion", data: [7]).bytes
        for count in 0..<32 { #expect(TaggedFile(bytes: Array(bytes[..<count])) == nil) }
        for (index, byte) in [(0, UInt8(0x2D)), (2, 0x2D), (31, 1), (3, 0xFF), (11, 0x2D), (12, 0x2D)] {
            var broken = bytes
            broken[index] = byte
            #expect(TaggedFile(bytes: broken) == nil, "\(index)")
        }
    }
}
