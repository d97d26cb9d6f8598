import Configuration
import Glibc
import Node
import Transport

@_silgen_name("prctl")
private func prctl(_ option: CInt, _ argument: CUnsignedLong) -> CInt

/// What the process asks of the system before the node begins.
enum ProcessSetup {
    /// Limits, user, memory, signals. Not folders: those belong to the user who is set here.
    static func apply(_ settings: NodeSettings) throws {
        MemoryTuning.apply()
        // A peer that has gone is told by the write, not by a signal.
        signal(SIGPIPE, SIG_IGN)
        try raiseDescriptorLimit(atLeast: settings.connectionLimit)
        if let user = settings.user { try become(user) }
        // PR_SET_DUMPABLE: no debugger of this user reads our keys, and no core file holds them.
        if settings.disablesDebuggerAttachment { _ = prctl(4, 0) }
    }

    /// Every socket is a descriptor: the soft limit becomes the hard one.
    private static func raiseDescriptorLimit(atLeast needed: Int) throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        guard limit.rlim_max >= rlim_t(needed) else {
            throw CommandFailure(
                "the system allows \(limit.rlim_max) open files, and ConnLimit is \(needed); raise `ulimit -Hn`")
        }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }

    /// `User`: gives up being root.
    private static func become(_ name: String) throws {
        guard let entry = getpwnam(name) else { throw CommandFailure("there is no user \"\(name)\"") }
        let (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        guard user != geteuid() else { return }
        guard initgroups(name, group) == 0, setgid(group) == 0, setuid(user) == 0 else {
            throw CommandFailure("cannot become user \"\(name)\": \(String(cString: strerror(errno)))")
        }
    }

    /// `PidFile`.
    static func writePidFile(_ path: String) throws(FileError) {
        try SecureFiles.write(Array("\(getpid())\n".utf8), to: path, for: .everybody)
    }
}

/// The file `lock` in the data folder: one process only works in it. The lock goes with the process.
struct DataDirectoryLock: ~Copyable {
    private let descriptor: CInt

    /// Takes the lock; waits a little for a predecessor that is about to end, as C Tor does.
    init(_ directory: String) async throws {
        let path = directory + "/lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        for attempt in 0..<50 {
            if lockf(descriptor, F_TLOCK, 0) == 0 { return }
            if attempt < 49 { try await Task.sleep(for: .milliseconds(100)) }
        }
        throw CommandFailure("another process is running with the same data directory: \(directory)")
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
