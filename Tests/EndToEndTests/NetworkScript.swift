import Foundation

/// `scripts/private-network`, run from a test: with a state folder of its own, and signals that reach it.
final class NetworkScript: Sendable {
    /// Whether networks of C Tor can be and are to be made here.
    static let hasTor =
        ProcessInfo.processInfo.environment["FANION_TEST_TOR"] == "1"
        && FileManager.default.isExecutableFile(atPath: "/usr/sbin/tor")

    /// The repository.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The program that was built with these tests.
    static let fanion = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "fanion").path

    /// Its state folder.
    let folder = NSTemporaryDirectory() + "fanion-network-\(UInt64.random(in: 0...UInt64.max))"

    /// Starts it with these words; what it says goes to the file `output` in its folder.
    func start(_ words: [String]) throws -> Process {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: folder + "/output", contents: nil)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        // Test threads block signals, and their children inherit that.
        let unblock = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): signal.signal(number, signal.SIG_DFL)
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let script = Self.root.appending(path: "scripts/private-network").path
        process.arguments = ["-c", unblock, script] + words + ["--directory", folder]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: folder + "/output")
        process.standardError = process.standardOutput
        try process.run()
        return process
    }

    /// Waits for its end; nil if that does not come.
    func end(of process: Process, within seconds: Int) async throws -> Int32? {
        for _ in 0..<(seconds * 10) {
            guard process.isRunning else { return process.terminationStatus }
            try await Task.sleep(for: .milliseconds(100))
        }
        process.interrupt()
        return nil
    }

    /// What it has said.
    var output: String { (try? String(contentsOfFile: folder + "/output", encoding: .utf8)) ?? "" }

    /// Processes whose words name its folder: its nodes.
    var processes: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int($0) }.filter { pid in
            let words = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
            return words.contains(folder)
        }
    }

    /// Removes its folder.
    func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}
