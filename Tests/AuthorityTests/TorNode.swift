import Foundation
import Testing

/// A run of C Tor in a folder of its own: an authority or a relay of a private network on loopback.
final class TorNode: @unchecked Sendable {
    static let program = "/usr/sbin/tor"
    /// Whether tests may run it.
    static var isWanted: Bool {
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1"
            && FileManager.default.isExecutableFile(atPath: program)
    }

    let nickname: String
    let address: String
    /// Its relay's RSA identity.
    let fingerprint: String
    /// Its v3 identity, if it is an authority.
    let v3Identity: String?
    private let folder: URL
    private let process = Process()

    /// Makes folder and keys; `start` runs it.
    init(nickname: String, address: String, isAuthority: Bool) throws {
        self.nickname = nickname
        self.address = address
        folder = FileManager.default.temporaryDirectory.appending(path: "fanion-tor-\(UUID().uuidString)")
        let keys = folder.appending(path: "data/keys")
        try FileManager.default.createDirectory(
            at: keys, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if isAuthority {
            try Self.run(
                "echo secret | tor-gencert --create-identity-key --passphrase-fd 0 -m 12 -a \(address):7000 "
                    + "-i \(keys.path)/authority_identity_key -s \(keys.path)/authority_signing_key "
                    + "-c \(keys.path)/authority_certificate")
            let certificate = try String(contentsOf: keys.appending(path: "authority_certificate"), encoding: .utf8)
            let line = try #require(certificate.split(separator: "\n").first { $0.hasPrefix("fingerprint ") })
            v3Identity = String(line.dropFirst("fingerprint ".count))
        } else {
            v3Identity = nil
        }
        try Data().write(to: folder.appending(path: "empty"))
        let list = try Self.run(
            "\(Self.program) -f \(folder.path)/empty --defaults-torrc \(folder.path)/empty --list-fingerprint --hush --orport 1 "
                + "--datadirectory \(folder.path)/data --nickname \(nickname) "
                + "--dirauthority 'unused 127.0.0.1:1 \(String(repeating: "F", count: 40))'")
        let last = try #require(list.split(separator: "\n").last)
        fingerprint = last.split(separator: " ").dropFirst().joined()
    }

    @discardableResult
    private static func run(_ command: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", command]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command)")
        return String(decoding: data, as: UTF8.self)
    }

    /// Its `DirAuthority` line.
    var line: String {
        "DirAuthority \(nickname) orport=5000 v3ident=\(v3Identity ?? "") \(address):7000 \(fingerprint)"
    }

    /// Runs it with these lines besides what every node has.
    func start(_ lines: [String]) throws {
        let torrc =
            [
                "DataDirectory \(folder.path)/data", "TestingTorNetwork 1", "Nickname \(nickname)",
                "Address \(address)", "OutboundBindAddress \(address)", "ORPort \(address):5000 IPv4Only",
                "AssumeReachable 1", "ContactInfo none", "SocksPort 0", "ShutdownWaitLength 0", "SafeLogging 0",
                "PathsNeededToBuildCircuits 0.67", "ServerDNSDetectHijacking 0", "ExitRelay 0",
                "Log notice file \(folder.path)/log",
                "__OwningControllerProcess \(ProcessInfo.processInfo.processIdentifier)",
            ] + lines
        let file = folder.appending(path: "torrc")
        try Data(torrc.joined(separator: "\n").utf8 + [10]).write(to: file)
        process.executableURL = URL(filePath: Self.program)
        process.arguments = ["-f", file.path, "--defaults-torrc", "/dev/null", "--quiet"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// What it has logged so far.
    var log: String { (try? String(contentsOf: folder.appending(path: "log"), encoding: .utf8)) ?? "" }

    /// Ends it at once, as a crash would.
    func kill() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
        if process.processIdentifier > 0 { process.waitUntilExit() }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
}
