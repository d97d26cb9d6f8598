import EBPF
import EBPFFuzzKit
import Foundation
import Testing

#if arch(x86_64)
    @Suite struct DifferentialTests {
        @Test func `both engines agree on random programs`() throws {
            var fuzzer = try DifferentialFuzzer(seed: 0)
            // A step throws where the engines differ.
            while fuzzer.programs < 400 { try fuzzer.step() }
            #expect(fuzzer.executions > 400)
        }

        @Test func `both engines agree on random programs in the usual arena`() throws {
            var fuzzer = try DifferentialFuzzer(seed: 1 << 40, arenaSize: 64 << 10)
            while fuzzer.programs < 100 { try fuzzer.step() }
            #expect(fuzzer.executions > 100)
        }

        @Test func `whatever becomes of a file or of code, both engines agree on it`() throws {
            let folder = CaseFile.directory.appending(path: "Fixtures")
            let names = ["calls.gcc.o", "data.swift-clang.v4.o", "memory.clang-14.v3.o"]
            let files = try names.map { [UInt8](try Data(contentsOf: folder.appending(path: $0))) }
            var fuzzer = try ObjectFuzzer(seed: 3, files: files)
            for _ in 0..<200 {
                try fuzzer.damageFile()
                try fuzzer.makeUpCode()
            }
            #expect(fuzzer.executions > 0)
        }

        /// All of them, in processes of their own: `scripts/fuzz ebpf-planted 60`.
        @Test(arguments: ["32-bit addition in 64 bits", "fuel skipped", "mask for twice the size"])
        func `the fuzzer finds what is planted`(name: String) throws {
            let error = try #require(PlantedError.all.first { $0.name == name })
            var fuzzer = try DifferentialFuzzer(seed: 1_000_000)
            #expect(throws: DifferentialFuzzer.Mismatch.self) {
                while fuzzer.programs < 2000 { try fuzzer.step(adjust: error.plant) }
            }
        }
    }
#endif
