import EBPF
import EBPFFuzzKit
import Foundation
import Testing

/// What each fixture's programs give, as the same C code says when it is compiled for this machine.
@Suite struct ELFLoaderTests {
    /// Results for the first argument 0, 1, 2, 5, 1000 (the second is 9), each in a fresh instance.
    private static let results: [String: [UInt64]] = [
        "globals": [16909075, 16909077, 16909079, 16909085, 16911075],
        "constants": [2007, 3011, 5013, 13002, 2007],
        "strings": [210723258152, 6385112325, 229461945088184, 229461945088184, 6385112325],
        "functions": [19, 82, 18446744073709551608, 18446744073709551608, 82],
        "through_variable": [0, 3, 18446744073709551610, 19, 18446744073708551768],
        "same": [0, 1, 2, 5, 1000],
        "other": [125, 98, 19, 38, 14997],
        "another": [223, 117, 19, 253, 29999],
        "calls": [699, 386, 97, 814, 95027],
        "deep": [0, 1, 1, 5, 3],
        "helper": [0, 3, 6, 15, 3000],
        "stack": [
            7996254201273892896, 8076207281266508832, 8156160361259124768, 8396019601236972576, 2373253141820661792,
        ],
    ]
    /// Results over 64 bytes, byte i being 37 i + 11.
    private static let overMemory: [String: UInt64] = [
        "sum": 8224,
        "signed_sum": 863052801,
        "reverse": 38,
        "divide": 11749221793,
        "swap": 870416604980187125,
        "atomic": 4970761670156781630,
    ]
    private static let folder = CaseFile.directory.appending(path: "Fixtures")

    private static func objects(in folder: URL) -> [URL] {
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.filter { $0.pathExtension == "o" }.sorted { $0.path < $1.path }
    }

    private func check(_ url: URL) throws {
        let object = try Object(elf: [UInt8](Data(contentsOf: url)))
        let memory = (0..<64).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
        for (engine, isStrict) in [(Module.Engine.interpreter, true), (.automatic, false), (.automatic, true)] {
            let options = Module.Options(windows: [64], isStrict: isStrict, engine: engine)
            let module = try Module(object, helpers: [identity], options: options)
            let pool = ArenaPool()
            for program in module.programs {
                if let expected = Self.results[program.name] {
                    for (argument, result) in zip([0, 1, 2, 5, 1000] as [UInt64], expected) {
                        var instance = try Instance(of: module, in: pool)
                        #expect(try instance.call(program, argument, 9, fuel: 1_000_000) == result, "\(program.name)")
                    }
                }
                if let result = Self.overMemory[program.name] {
                    var instance = try Instance(of: module, in: pool)
                    let window = module.layout.windows[0]
                    instance.write(memory, at: window.lowerBound)
                    let address = UInt64(window.lowerBound)
                    #expect(try instance.call(program, address, 64, fuel: 1_000_000) == result, "\(program.name)")
                }
            }
        }
    }

    @Test(arguments: objects(in: folder))
    func `every compiler's object gives the results of native code`(url: URL) throws { try check(url) }

    @Test func `the fixtures have every program`() throws {
        let names = try Self.objects(in: Self.folder).flatMap { url in
            try Object(elf: [UInt8](Data(contentsOf: url))).functions.filter(\.isGlobal).map(\.name)
        }
        #expect(Set(Self.results.keys).union(Self.overMemory.keys).isSubset(of: names))
    }

    @Test func `objects built now by the compilers that are here behave as the committed ones`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-ebpf-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let build = Process()
        build.executableURL = URL(filePath: "/bin/sh")
        build.arguments = [Self.folder.appending(path: "build").path, folder.path, "all"]
        try build.run()
        build.waitUntilExit()
        #expect(build.terminationStatus == 0)
        for url in Self.objects(in: folder) {
            try check(url)
            let committed = Self.folder.appending(path: url.lastPathComponent)
            guard FileManager.default.fileExists(atPath: committed.path) else { continue }
            let old = try Object(elf: [UInt8](Data(contentsOf: committed)))
            let new = try Object(elf: [UInt8](Data(contentsOf: url)))
            #expect(old.functions.filter(\.isGlobal).map(\.name) == new.functions.filter(\.isGlobal).map(\.name))
        }
    }

    @Test func `metadata stays out of the arena`() throws {
        let object = try Object(elf: [UInt8](Data(contentsOf: Self.folder.appending(path: "data.swift-clang.v4.o"))))
        #expect(object.metadata["license"] == Array("none".utf8) + [0])
        #expect(!object.dataSections.contains { $0.name == "license" })
    }

    @Test func `no truncation and no flipped byte crashes the loader or the verifier`() throws {
        var generator = SplitMix(seed: 1)
        for url in Self.objects(in: Self.folder).filter({ !$0.path.contains("debug") }).prefix(6) {
            let bytes = [UInt8](try Data(contentsOf: url))
            for length in stride(from: 0, to: bytes.count, by: 61) { attempt(Array(bytes[..<length])) }
            for _ in 0..<200 {
                var mutated = bytes
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    mutated[Int.random(in: 0..<mutated.count, using: &generator)] = UInt8.random(
                        in: 0...255, using: &generator)
                }
                attempt(mutated)
            }
        }
    }

    private func attempt(_ bytes: [UInt8]) {
        guard let object = try? Object(elf: bytes) else { return }
        _ = try? Module(object, helpers: [identity])
    }
}
