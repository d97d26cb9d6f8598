import Foundation

/// `scripts/private-network`, run from a test: with a state folder of its own.
final class NetworkScript: Sendable {
    /// Whether networks of C Tor can be and are to be made here.
    static let hasTor =
        environment["FANION_TEST_TOR"] == "1" && FileManager.default.isExecutableFile(atPath: "/usr/sbin/tor")

    /// Whether the long cases are asked for.
    static let isFull = environment["FANION_TEST_FULL"] == "1"

    private static let environment = ProcessInfo.processInfo.environment

    /// The repository.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The program that `FANION_PROGRAM` names; without it the one that was built with these tests.
    static let fanion =
        environment["FANION_PROGRAM"]
        ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "fanion").path

    /// How much a large transfer is, in MiB: less for a program that is not optimized.
    static let megabytes = isFull || environment["FANION_PROGRAM"] != nil ? 200 : 64

    /// The script, and what helps it.
    static let tools = root.appending(path: "scripts/private-network-tools.py").path

    /// Its state folder.
    let folder = NSTemporaryDirectory() + "fanion-network-\(UInt64.random(in: 0...UInt64.max))"

    /// Starts it with these words; what it says goes to the file `output` in its folder.
    func start(_ words: [String], input: CInt? = nil) throws -> ChildProcess {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = Self.root.appending(path: "scripts/private-network").path
        return try ChildProcess([script] + words + ["--directory", folder], output: folder + "/output", input: input)
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
