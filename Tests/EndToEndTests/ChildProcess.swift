import Foundation
import Glibc
import Synchronization

/// A process of ours that signals reach. Foundation's children inherit the blocked signals of Swift's threads.
final class ChildProcess: Sendable {
    /// Its number.
    let pid: pid_t
    /// `POSIX_SPAWN_SETSID`, which Swift does not see.
    private static let newSession: Int32 = 0x80
    private let status = Mutex<Int32?>(nil)

    /// Starts a program, found as a shell finds it.
    ///
    /// - Parameters:
    ///   - output: the file that gets what it says, both ways; appended to.
    ///   - input: what it reads from; nothing unless given.
    init(_ words: [String], output: String, input: CInt? = nil) throws {
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | Self.newSession))
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, arguments, environ)
        guard code == 0 else { throw Failure("\(words[0]): \(String(cString: strerror(code)))") }
        self.pid = pid
    }

    deinit {
        guard !hasEnded else { return }
        kill(pid, SIGKILL)
        var left: Int32 = 0
        waitpid(pid, &left, 0)
    }

    private var hasEnded: Bool { code != nil }

    /// How it ended: its exit code, or 128 and the signal's number; nil while it runs.
    var code: Int32? {
        status.withLock { status in
            if status == nil {
                var word: Int32 = 0
                guard waitpid(pid, &word, WNOHANG) == pid else { return nil }
                status = word & 0x7F == 0 ? word >> 8 & 0xFF : 128 + word & 0x7F
            }
            return status
        }
    }

    /// Sends it a signal.
    func signal(_ number: Int32) {
        if !hasEnded { kill(pid, number) }
    }

    /// Waits for its end; if that does not come, interrupts it and says nil.
    func end(within time: Duration) async throws -> Int32? {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline {
            if let code { return code }
            try await Task.sleep(for: .milliseconds(20))
        }
        signal(SIGINT)
        return nil
    }

    /// Runs a program to its end.
    ///
    /// - Returns: its exit code (nil if it took too long and was killed), and what it said.
    static func run(_ words: [String], within time: Duration = .seconds(60)) async throws -> (
        code: Int32?, said: String
    ) {
        let output = NSTemporaryDirectory() + "fanion-output-\(UInt64.random(in: 0...UInt64.max))"
        defer { unlink(output) }
        let child = try ChildProcess(words, output: output)
        let code = try await child.end(within: time)
        return (code, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
    }
}

/// Why a test cannot go on.
struct Failure: Error, CustomStringConvertible {
    /// A sentence.
    let description: String

    /// A sentence.
    init(_ description: String) { self.description = description }
}

/// Tries until there is an answer; nil if there is none in time.
func eventually<Answer>(
    within time: Duration, every pause: Duration = .milliseconds(250),
    _ attempt: () async throws -> Answer?
) async throws -> Answer? {
    let deadline = ContinuousClock.now + time
    while true {
        if let answer = try await attempt() { return answer }
        guard ContinuousClock.now < deadline else { return nil }
        try await Task.sleep(for: pause)
    }
}

/// Runs what blocks on a thread of its own.
func offload<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
