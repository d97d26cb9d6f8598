import EBPF
import EBPFFuzzKit
import Foundation

/// `fanion-fuzz TARGET SECONDS [SEED]`: feeds one target with random input and stops at the first thing that is wrong.
@main
enum FuzzMain {
    private static let targets: [String: @Sendable (TimeInterval, UInt64) throws -> String] = [
        "ebpf": engines, "ebpf-loader": loader, "ebpf-verifier": verifier, "ebpf-planted": planted,
        "trust": TrustFuzz.run,
    ]
    private static let searchEnvironment = "FANION_FUZZ_PLANTED"

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let target = targets[arguments[1]], let seconds = TimeInterval(arguments[2]) else {
            print("fanion-fuzz \(targets.keys.sorted().joined(separator: "|")) SECONDS [SEED]")
            exit(2)
        }
        let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 0 : UInt64.random(in: 0 ... .max >> 1)
        if let name = ProcessInfo.processInfo.environment[searchEnvironment] { try search(name, seconds, seed) }
        print("seed \(seed)")
        do { print(try target(seconds, seed)) } catch {
            print("FOUND \(error)")
            exit(1)
        }
    }

    /// Random and mutated programs in both engines.
    private static func engines(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        var small = try DifferentialFuzzer(seed: seed)
        // The size for which the compiler has another way to mask.
        var usual = try DifferentialFuzzer(seed: seed &+ 1 << 40, arenaSize: 64 << 10)
        let end = Date() + seconds
        while Date() < end {
            for _ in 0..<50 { try small.step() }
            for _ in 0..<25 { try usual.step() }
        }
        let (programs, executions) = (small.programs + usual.programs, small.executions + usual.executions)
        return "\(programs) programs, \(executions) executions, no mismatch"
    }

    private static func files() throws -> [[UInt8]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../EBPFTests/Fixtures")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "o" }.sorted { $0.path < $1.path }.map { url in
            [UInt8](try Data(contentsOf: url))
        }
    }

    /// Damaged object files.
    private static func loader(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        var fuzzer = try ObjectFuzzer(seed: seed, files: try files())
        let end = Date() + seconds
        while Date() < end { for _ in 0..<50 { try fuzzer.damageFile() } }
        return report(fuzzer)
    }

    /// Bytecode that nobody compiled.
    private static func verifier(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        var fuzzer = try ObjectFuzzer(seed: seed, files: try files())
        let end = Date() + seconds
        while Date() < end { for _ in 0..<50 { try fuzzer.makeUpCode() } }
        return report(fuzzer)
    }

    private static func report(_ fuzzer: borrowing ObjectFuzzer) -> String {
        "\(fuzzer.tried) tried, \(fuzzer.loaded) loaded, \(fuzzer.programs) verified, "
            + "\(fuzzer.executions) executions, no mismatch"
    }

    // MARK: Planted errors

    /// Searches for each planted error for at most so long, each in a process of its own: some of them kill theirs.
    private static func planted(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        var missed: [String] = []
        for error in PlantedError.all {
            let child = Process()
            child.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
            child.arguments = ["ebpf-planted", String(seconds), String(seed)]
            child.environment = ProcessInfo.processInfo.environment
            child.environment?[searchEnvironment] = error.name
            child.standardOutput = FileHandle.nullDevice
            child.standardError = FileHandle.nullDevice
            let start = Date()
            try child.run()
            child.waitUntilExit()
            let time = String(format: "%.2f s", Date().timeIntervalSince(start))
            switch (child.terminationReason, child.terminationStatus) {
            case (.exit, 1): print("found in \(time): \(error.name)")
            case (.uncaughtSignal, let signal): print("found in \(time) by signal \(signal): \(error.name)")
            default:
                print("NOT found in \(time): \(error.name)")
                missed.append(error.name)
            }
        }
        guard missed.isEmpty else { throw Missed(names: missed) }
        return "all \(PlantedError.all.count) planted errors found"
    }

    private struct Missed: Error {
        var names: [String]
    }

    /// The child's side: 1 is found, 0 is not.
    private static func search(_ name: String, _ seconds: TimeInterval, _ seed: UInt64) throws -> Never {
        guard let error = PlantedError.all.first(where: { $0.name == name }) else { exit(3) }
        var fuzzer = try DifferentialFuzzer(seed: seed)
        let end = Date() + seconds
        while Date() < end {
            do { try fuzzer.step(adjust: error.plant) } catch { exit(1) }
        }
        exit(0)
    }
}
