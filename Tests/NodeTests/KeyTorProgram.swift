import Foundation
import Testing

/// C Tor's programs, as tests run them: on loopback, in folders of their own, ended by who started them.
enum KeyTorProgram {
    /// True if tests with C Tor are wanted and it is there.
    static var isWanted: Bool {
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1" && path("tor") != nil
            && path("tor-gencert") != nil && path("curl") != nil
    }

    /// Where a program is.
    static func path(_ name: String) -> String? {
        ["/usr/sbin/", "/usr/bin/", "/usr/local/bin/"].map { $0 + name }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// What a program did.
    struct Result {
        let status: Int32
        let output: Data
        let log: String
        var text: String { String(decoding: output, as: UTF8.self) }
        var lines: [String] { text.split(separator: "\n").map(String.init) }
    }

    /// Starts a program with files for its input, output and log; its process ID.
    static func start(_ name: String, _ arguments: [String], files: [String]) throws -> pid_t {
        let program = try #require(path(name))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, files[0], O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, files[1], O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, files[2], O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        // Worker threads block signals, and a child that inherits that cannot be ended.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        try #require(posix_spawn(&pid, program, &actions, &attributes, &words, environ) == 0)
        return pid
    }

    /// Runs a program to its end.
    static func run(_ name: String, _ arguments: [String], input: Data = Data()) throws -> Result {
        let files = (0..<3).map { _ in NSTemporaryDirectory() + "fanion-\(UUID().uuidString)" }
        defer { for file in files { unlink(file) } }
        try input.write(to: URL(filePath: files[0]))
        let pid = try start(name, arguments, files: files)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return Result(
            status: status >> 8 & 0xFF, output: try Data(contentsOf: URL(filePath: files[1])),
            log: String(decoding: try Data(contentsOf: URL(filePath: files[2])), as: UTF8.self))
    }

    /// The fingerprint of a relay in a data folder, as C Tor lists it; it makes keys that are missing.
    static func fingerprint(_ kind: String, folder: String, nickname: String) throws -> String? {
        let empty = folder + "/empty-torrc"
        try Data().write(to: URL(filePath: empty))
        let result = try run(
            "tor",
            [
                "-f", empty, "--defaults-torrc", empty, "--list-fingerprint", kind, "--quiet", "--ORPort", "1",
                "--DataDirectory", folder, "--Nickname", nickname, "--DirAuthority",
                "unused 127.0.0.1:1 FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
            ])
        return result.lines.last { $0.hasPrefix(nickname + " ") }
    }

    /// Ports that nobody listens on.
    static func freePorts(_ count: Int) throws -> [UInt16] {
        var sockets: [Int32] = []
        defer { sockets.forEach { close($0) } }
        return try (0..<count).map { _ in
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            sockets.append(socket)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let bound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
                }
            }
            try #require(bound)
            return UInt16(bigEndian: address.sin_port)
        }
    }
}

/// A C Tor directory authority that is alone in its network, and votes every 20 seconds.
final class KeyTorAuthority {
    private let process: pid_t
    let folder: String
    let orPort: UInt16
    let dirPort: UInt16

    /// Starts one in a data folder that has an authority's keys.
    init(folder: String, fingerprint: String, v3Identity: String, ports: [UInt16]) throws {
        self.folder = folder
        (orPort, dirPort) = (ports[0], ports[1])
        let torrc = """
            TestingTorNetwork 1
            DataDirectory \(folder)
            Nickname auth0
            ContactInfo somebody@example.org
            Address 127.0.0.1
            OutboundBindAddress 127.0.0.1
            ORPort 127.0.0.1:\(orPort) IPv4Only
            DirPort 127.0.0.1:\(dirPort) IPv4Only
            DirAuthority auth0 orport=\(orPort) v3ident=\(v3Identity) 127.0.0.1:\(dirPort) \(fingerprint)
            SocksPort 0
            ExitRelay 0
            AssumeReachable 1
            ShutdownWaitLength 0
            SafeLogging 0
            Log info file \(folder)/log
            AuthoritativeDirectory 1
            V3AuthoritativeDirectory 1
            TestingV3AuthInitialVotingInterval 20
            TestingV3AuthInitialVoteDelay 4
            TestingV3AuthInitialDistDelay 4
            V3AuthVotingInterval 20
            V3AuthVoteDelay 4
            V3AuthDistDelay 4
            V3AuthNIntervalsValid 2
            """
        try Data(torrc.utf8).write(to: URL(filePath: folder + "/torrc"))
        try Data().write(to: URL(filePath: folder + "/defaults"))
        process = try KeyTorProgram.start(
            "tor", ["-f", folder + "/torrc", "--defaults-torrc", folder + "/defaults"],
            files: ["/dev/null", "/dev/null", "/dev/null"])
    }

    deinit {
        kill(process, SIGTERM)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    var isRunning: Bool { kill(process, 0) == 0 }
    var log: String { (try? String(contentsOf: URL(filePath: folder + "/log"), encoding: .utf8)) ?? "" }

    /// What the authority serves at a path; nil if it has nothing there.
    func get(_ path: String) throws -> [UInt8]? {
        let result = try KeyTorProgram.run(
            "curl", ["-sf", "--max-time", "10", "http://127.0.0.1:\(dirPort)/tor/" + path])
        return result.status == 0 ? Array(result.output) : nil
    }

    /// Posts a document; the HTTP status.
    func post(_ bytes: [UInt8]) throws -> String {
        try KeyTorProgram.run(
            "curl",
            [
                "-s", "--max-time", "10", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Expect:", "--data-binary",
                "@-", "http://127.0.0.1:\(dirPort)/tor/",
            ], input: Data(bytes)
        ).text
    }

    /// Asks again and again until there is an answer.
    func poll<Answer>(seconds: Int, _ body: () throws -> Answer?) async throws -> Answer {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if let answer = try body() { return answer }
            try #require(isRunning, "C Tor ended: \(log.suffix(2000))")
            try await Task.sleep(for: .milliseconds(500))
        }
        throw TimedOut(log: String(log.suffix(4000)))
    }

    /// Nothing came in time.
    struct TimedOut: Error {
        let log: String
    }
}
