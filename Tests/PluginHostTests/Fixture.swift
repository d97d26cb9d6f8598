import EBPF
import Foundation
import Hooks

@testable import PluginHost

/// The plugins that the tests run, built and committed; and a loop's host to run them in.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let plugins = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "plugins")

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: directory.appending(path: name)))
    }

    static func plugin(
        _ name: String, grant: Grant = Grant(), engine: Module.Engine = .automatic, isStrict: Bool = false
    ) throws -> Plugin {
        try Plugin(PluginFile(bytes: bytes(name + ".o")), grant: grant, engine: engine, isStrict: isStrict)
    }

    /// The compiler that the fixtures were built with; nil where it is not there.
    static var clang: String? {
        let path = "/opt/swift/usr/bin/clang"
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    /// Runs a command to its end.
    static func run(_ path: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// A folder of our own, for as long as the body runs.
    static func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-plugins-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try body(folder)
    }
}

/// A loop's host whose lines and reports are kept.
final class TestHost {
    final class Notes {
        var lines: [String] = []
        var failures: [PluginFailure] = []
    }

    let notes = Notes()
    let host: PluginHost

    init(budget: PluginBudget = PluginBudget()) {
        let notes = notes
        var random = SplitMix(state: 7)
        host = PluginHost(
            budget: budget, random: { random.next() }, log: { notes.lines.append("\($0): \($1)") },
            report: { notes.failures.append($1) })
    }

    func doors(_ role: PluginRoles = .relay, scope: PluginScope = .circuit, budget: PluginBudget = PluginBudget())
        -> Doors
    {
        Doors(scope: scope, role: role, host: host, budget: budget)
    }

    /// A counter of the plugin that has it.
    subscript(name: String) -> UInt64 { host.counters.reduce(0) { $0 + $1[name] } }
}

/// Numbers that are the same each time.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
