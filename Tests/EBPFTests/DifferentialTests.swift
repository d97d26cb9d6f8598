import EBPF
import EBPFFuzzKit
import Foundation
import Testing

#if arch(x86_64)
    @Suite struct DifferentialTests {
        @Test func `both engines agree on random programs`() throws {
            var fuzzer = try DifferentialFuzzer(seed: 0)
            while fuzzer.programs < 400 { try fuzzer.step() }
        }

        /// Long: runs where `FANION_FULL_TESTS` is set, as `scripts/test --full` does.
        @Test(
            .enabled(if: ProcessInfo.processInfo.environment["FANION_FULL_TESTS"] != nil), arguments: PlantedError.all)
        func `the fuzzer finds every planted error`(error: PlantedError) throws {
            var fuzzer = try DifferentialFuzzer(seed: 1_000_000)
            while fuzzer.programs < 4000 {
                do { try fuzzer.step(adjust: error.plant) } catch { return }
            }
            Issue.record("not found: \(error.name)")
        }
    }

    extension PlantedError: CustomTestStringConvertible {
        public var testDescription: String { name }
    }
#endif
