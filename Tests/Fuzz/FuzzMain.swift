import EBPF
import EBPFFuzzKit
import Foundation

/// `fanion-fuzz TARGET SECONDS [SEED]`: feeds one target with random input and stops at the first thing that is wrong.
@main
enum FuzzMain {
    private static let targets: [String: @Sendable (TimeInterval, UInt64) throws -> String] = [
        "ebpf": engines, "ebpf-loader": loader,
    ]

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let target = targets[arguments[1]], let seconds = TimeInterval(arguments[2]) else {
            print("fanion-fuzz \(targets.keys.sorted().joined(separator: "|")) SECONDS [SEED]")
            exit(2)
        }
        let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 0 : UInt64.random(in: 0 ... .max >> 1)
        print("seed \(seed)")
        do { print(try target(seconds, seed)) } catch {
            print("FOUND \(error)")
            exit(1)
        }
    }

    /// Random and mutated programs in both engines.
    private static func engines(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        var fuzzer = try DifferentialFuzzer(seed: seed)
        let end = Date() + seconds
        while Date() < end { for _ in 0..<50 { try fuzzer.step() } }
        return "\(fuzzer.programs) programs, \(fuzzer.executions) executions, no mismatch"
    }

    /// Damaged object files: the loader and the verifier may refuse, nothing may crash.
    private static func loader(_ seconds: TimeInterval, _ seed: UInt64) throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../EBPFTests/Fixtures")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        let objects = try files.filter { $0.pathExtension == "o" }.map { [UInt8](try Data(contentsOf: $0)) }
        var random = SplitMix(seed: seed)
        var (tried, loaded) = (0, 0)
        let end = Date() + seconds
        while Date() < end {
            var bytes = objects[Int.random(in: 0..<objects.count, using: &random)]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            }
            tried += 1
            guard let object = try? Object(elf: bytes) else { continue }
            loaded += 1
            _ = try? Module(object, options: Module.Options(engine: .interpreter))
        }
        return "\(tried) files, \(loaded) loaded, no crash"
    }
}
