import Cells
import Foundation
import Testing

/// A run of C Tor in a folder of its own, on loopback, that knows one made-up directory authority.
final class LinkTorProcess: @unchecked Sendable {
    static let program = "/usr/sbin/tor"
    /// Whether tests may run it.
    static var isWanted: Bool {
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1"
            && FileManager.default.isExecutableFile(atPath: program)
    }

    private let folder: URL
    private let process = Process()

    /// Starts it.
    ///
    /// - Parameters:
    ///   - authority: Where the authority's ORPort is, and its RSA identity.
    init(_ lines: [String], authority: (port: UInt16, identity: String)) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "fanion-tor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let torrc =
            lines + [
                "DataDirectory \(folder.path)/data", "TestingTorNetwork 1", "SafeLogging 0", "ProtocolWarnings 1",
                "ShutdownWaitLength 0", "Log info file \(folder.path)/log",
                "__OwningControllerProcess \(ProcessInfo.processInfo.processIdentifier)",
                "DirAuthority authority orport=\(authority.port) no-v2 v3ident=\(String(repeating: "A1", count: 20)) "
                    + "127.0.0.1:1 \(authority.identity)",
            ]
        let file = folder.appending(path: "torrc")
        try Data(torrc.joined(separator: "\n").utf8 + [10]).write(to: file)
        process.executableURL = URL(filePath: Self.program)
        process.arguments = ["-f", file.path, "--defaults-torrc", "/dev/null", "--quiet"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// A lone relay; it publishes nothing and tests nothing.
    static func relay(port: UInt16) throws -> LinkTorProcess {
        try LinkTorProcess(
            [
                "ORPort 127.0.0.1:\(port) IPv4Only", "Address 127.0.0.1", "AssumeReachable 1",
                "PublishServerDescriptor 0", "ExitRelay 0", "SocksPort 0", "Nickname peer", "ContactInfo none",
                "ServerDNSDetectHijacking 0",
            ], authority: (2, String(repeating: "F0", count: 20)))
    }

    /// What it has logged so far.
    var log: String {
        (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? ""
    }

    /// The log, once it contains a text.
    func waitForLog(_ text: String) async throws {
        for _ in 0..<400 {
            if log.contains(text) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("C Tor never logged \(text)")
    }

    /// A file of its data directory.
    func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "data/\(name)")))
    }

    /// A word of the file that holds one of a relay's identities.
    private func fingerprint(_ file: String) throws -> String {
        let text = String(decoding: try self.file(file), as: UTF8.self)
        return try #require(text.split { $0 == " " || $0 == "\n" }.last.map(String.init))
    }

    /// The relay's RSA identity.
    func rsaIdentity() throws -> RSAIdentity {
        try #require(RSAIdentity(hex: try fingerprint("fingerprint")))
    }

    /// The relay's Ed25519 identity.
    func ed25519Identity() throws -> Ed25519Identity {
        try #require(Ed25519Identity(base64: try fingerprint("fingerprint-ed25519")))
    }

    func end() {
        // Not SIGTERM: the threads that tests run on block it, and a child inherits that.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// A port of 127.0.0.1 that was free a moment ago.
func freeLoopbackPort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(socket, $0, length) == 0 ? getsockname(socket, $0, &length) : -1
        }
    }
    try #require(status == 0)
    return UInt16(bigEndian: address.sin_port)
}
