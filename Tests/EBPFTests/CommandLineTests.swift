import EBPF
import Foundation
import Testing

/// The executable that was built together with the tests, if it was.
enum FanionExecutable {
    static let url: URL? = {
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? ""
        guard let end = bundle.range(of: ".xctest") else { return nil }
        let folder = URL(filePath: String(bundle[..<end.lowerBound])).deletingLastPathComponent()
        let file = folder.appending(path: "fanion")
        return FileManager.default.isExecutableFile(atPath: file.path) ? file : nil
    }()
}

/// `fanion ebpf`, run as people and the conformance runner run it. Needs the executable beside the tests.
@Suite(.enabled(if: FanionExecutable.url != nil)) struct CommandLineTests {
    private static let fixture = CaseFile.directory.appending(path: "Fixtures/data.swift-clang.v4.o").path

    private struct Outcome {
        var status: Int32
        var output: String
        var error: String
    }

    private func run(_ arguments: [String], input: String = "", through launcher: [String] = []) throws -> Outcome {
        let command = launcher + [try #require(FanionExecutable.url).path, "ebpf"] + arguments
        let process = Process()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipes = [Pipe(), Pipe(), Pipe()]
        (process.standardInput, process.standardOutput, process.standardError) = (pipes[0], pipes[1], pipes[2])
        try process.run()
        try pipes[0].fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipes[0].fileHandleForWriting.close()
        let output = try pipes[1].fileHandleForReading.readToEnd() ?? Data()
        let error = try pipes[2].fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            error: String(decoding: error, as: UTF8.self))
    }

    private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x  ", $0) }.joined() }

    @Test(arguments: ["--jit", "--interpret"])
    func `conformance answers as the public runner wants`(engine: String) throws {
        let code = try Assembler.assemble("ldxb r0, [r1+1]\nlsh r0, 8\nor r0, r2\nmov r1, r0\ncall 5\nexit")
        let outcome = try run(["conformance", "aa  bb  cc  ", engine], input: hex(code.flatMap(\.bytes)) + "\n")
        #expect(outcome.status == 0 && outcome.output == "bb03\n" && outcome.error.isEmpty)
        let empty = try run(
            ["conformance", engine], input: hex(Assembler.assemble("mov r0, r1\nexit").flatMap(\.bytes)))
        #expect(empty.output == "0\n")
        let file = try TestELF(sections: [(".text", "mov r0, -1\nexit")]).bytes
        #expect(try run(["conformance", "--elf", engine], input: hex(file)).output == "ffffffffffffffff\n")
        let bad = try run(["conformance", engine], input: "95 00")
        #expect(bad.status != 0 && bad.output.isEmpty && !bad.error.isEmpty)
    }

    @Test func `bench prints one line of six fields`() throws {
        let memory = FileManager.default.temporaryDirectory.appending(path: "fanion-\(UUID().uuidString)")
        try Data([1, 2, 3, 4]).write(to: memory)
        defer { try? FileManager.default.removeItem(at: memory) }
        let object = CaseFile.directory.appending(path: "Fixtures/memory.gcc.o").path
        let outcome = try run(["bench", "--tsv", object, memory.path, "--program", "sum", "--milliseconds", "5"])
        let fields = outcome.output.split(separator: "\n").flatMap { $0.split(separator: "\t") }
        #expect(fields.count == 6 && fields[0] == "0xa")
        let numbers = fields.dropFirst().compactMap { Double($0) }
        #expect(numbers.count == 5 && numbers.allSatisfy { $0 > 0 } && numbers[0] >= numbers[1])
    }

    @Test func `verify, disasm, info and run say what there is`() throws {
        #expect(try run(["verify", Self.fixture]).output.hasPrefix("accepted: "))
        let listing = try run(["disasm", Self.fixture]).output
        #expect(listing.contains("; section data/strings") && listing.contains("\nnegate:\n    "))
        #expect(try run(["info", Self.fixture]).output.contains("program strings in data/strings"))
        let result = try run(["run", Self.fixture, "--program", "data/table", "--argument", "1", "--argument", "9"])
        #expect(result.output.hasPrefix("r0 = 0x52 (82), fuel used: "))
        let fault = try run(["run", Self.fixture, "--program", "strings", "--argument", "1", "--fuel", "9"])
        #expect(fault.status == 1 && fault.error.contains("strings+") && fault.error.contains("out of fuel"))
        #expect(fault.error.contains("r10 = 0x10000"))
        let missing = try run(["run", Self.fixture, "--program", "nowhere"])
        #expect(missing.status == 1 && missing.error.contains("no program nowhere"))
        let folder = FileManager.default.temporaryDirectory.appending(path: "fanion-\(UUID().uuidString)")
        try Data(Instruction(opcode: 0x85, immediate: 77).bytes + Instruction(opcode: 0x95).bytes).write(to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let refused = try run(["verify", folder.path])
        #expect(refused.status == 1 && refused.error.contains("main+0 (call 77): helper 77 is not granted"))
        #expect(try run(["verify", folder.path, "--helper", "77"]).status == 0)
    }

    @Test func `where executable memory is forbidden the interpreter takes over`() throws {
        // prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN), which outlives exec; Linux 6.3 and later.
        let script = """
            import ctypes, os, sys
            if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: print("unsupported"); sys.exit(0)
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let launcher = ["/usr/bin/env", "python3", "-c", script]
        let info = try run(["info", Self.fixture], through: launcher)
        if info.status == 127 || info.output == "unsupported\n" { return }
        #expect(info.output.contains("interpreted: "))
        let result = try run(
            ["run", Self.fixture, "--program", "data/table", "--argument", "1", "--argument", "9"], through: launcher)
        #expect(result.output.hasPrefix("r0 = 0x52 (82)"))
        #expect(try run(["run", "--jit", Self.fixture], through: launcher).status == 1)
    }
}
