import EBPF
import Testing

/// Programs and objects that mean harm: each is refused, stopped or confined. `docs/ebpf.md` lists them.
@Suite struct HostileTests {
    private static let size = 16 << 10
    private static let engines: [Module.Engine] = [.interpreter, .automatic]

    private func module(
        _ text: String, isStrict: Bool = false, _ engine: Module.Engine, helpers: [Helper] = [identity]
    ) throws -> Module {
        let (code, labels) = try Assembler.assembleWithLabels(text)
        let options = Module.Options(arenaSize: Self.size, isStrict: isStrict, engine: engine)
        return try Module(Object(instructions: code, functions: labels), helpers: helpers, options: options)
    }

    private func fault(_ text: String, _ engine: Module.Engine, fuel: UInt64 = 100_000) throws -> Fault {
        let module = try module(text, engine)
        var instance = try Instance(of: module, in: ArenaPool())
        let program = try #require(module.programs.first { $0.name == "main" } ?? module.programs.first)
        return try #require(throws: Fault.self) { try instance.call(program, fuel: fuel) }
    }

    // MARK: Time

    @Test(arguments: engines) func `endless loops end when the fuel does`(engine: Module.Engine) throws {
        let loops = [
            "again: ja again", "again: ja32 again", "again: jeq r0, 0, again\nexit",
            "mov r0, 1\nagain: jset32 r0, 1, again\nexit", "one: mov r1, 1\nja two\ntwo: mov r2, 2\nja one",
            "again: stxdw [r10-8], r0\nadd r0, 1\nja again", "again: call 5\nja again",
            "again: call f\nja again\nf: mov r0, 1\nexit",
            // Two to the thirty-second iterations.
            "mov r0, 0\nagain: add32 r0, 1\njne32 r0, 0, again\nexit",
            "lddw r0, 0x100000000\nagain: add r0, -1\njne r0, 0, again\nexit",
        ]
        for text in loops { #expect(try fault(text, engine).kind == .outOfFuel, "\(text)") }
    }

    @Test(arguments: engines) func `fuel bounds the number of instructions`(engine: Module.Engine) throws {
        let module = try module("again: add r0, 1\nadd r1, 1\nja again", engine)
        var instance = try Instance(of: module, in: ArenaPool())
        for fuel in [0, 1, 2, 3, 4, 299, 300, 301] as [UInt64] {
            let fault = try #require(throws: Fault.self) { try instance.call(module.programs[0], fuel: fuel) }
            #expect(fault.registers[0] == fuel / 3)
            #expect(instance.fuelLeft == fuel % 3)
        }
    }

    @Test(arguments: engines) func `endless recursion ends at the sixteenth function`(engine: Module.Engine) throws {
        let recursions = [
            "main: call main\nexit", "main: call f\nexit\nf: call main\nexit",
            "main: lddw r1, code main\ncallx r1\nexit",
            "main: add r6, 1\nstxdw [r10-8], r6\nmov r1, r10\ncall main\nexit",
        ]
        for text in recursions { #expect(try fault(text, engine).kind == .callTooDeep, "\(text)") }
        // A tree of calls is no deeper than sixteen and has 2^32 leaves: the fuel ends it.
        let tree =
            "main: mov r1, 15\ncall f\nexit\nf: jeq r1, 1, done\nadd r1, -1\nmov r6, r1\n"
            + [String](repeating: "mov r1, r6\ncall f\n", count: 5).joined() + "done: exit"
        #expect(try fault(tree, engine).kind == .outOfFuel)
    }

    @Test(arguments: engines) func `frames stay on the stack however deep the calls`(engine: Module.Engine) throws {
        // Each function writes to the bottom of its own frame and as far below as an offset goes.
        let text = "main: stxdw [r10-512], r10\nstxdw [r10-32768], r10\ncall main\nexit"
        let module = try module(text, engine)
        let place = try Neighbourhood(of: module, mark: 0xa5)
        let fault = try #require(throws: Fault.self) { try place.instance.call(module.programs[0], fuel: 1000) }
        #expect(fault.kind == .callTooDeep)
        #expect(fault.registers[10] == UInt64(Self.size - 15 * 512))
        #expect(place.isIntact)
    }

    // MARK: Memory

    /// Addresses around every edge.
    private static let addresses: [Int64] = [
        0, 1, 15, 16, -1, -2, -7, -8, -9, -256, -4096, Int64(size) - 9, Int64(size) - 8, Int64(size) - 7,
        Int64(size) - 1, Int64(size), Int64(size) + 1, Int64(size) + 8, Int64(size) + 256, 2 * Int64(size),
        1 << 32, 1 << 32 - 1, 1 << 32 + 16, .max, .min, .min + 16, 0x7fff_ffff, 0x8000_0000, 0x5555_5555_5555_5555,
    ]
    private static let accesses: [(text: String, width: Int)] = [
        ("ldxb r0, [r1+0]", 1), ("ldxh r0, [r1+0]", 2), ("ldxw r0, [r1+0]", 4), ("ldxdw r0, [r1+0]", 8),
        ("ldxsb r0, [r1+0]", 1), ("ldxsh r0, [r1+0]", 2), ("ldxsw r0, [r1+0]", 4), ("stb [r1+0], -1", 1),
        ("sth [r1+0], -1", 2), ("stw [r1+0], -1", 4), ("stdw [r1+0], -1", 8), ("stxb [r1+0], r2", 1),
        ("stxh [r1+0], r2", 2), ("stxw [r1+0], r2", 4), ("stxdw [r1+0], r2", 8),
        ("lock add [r1+0], r2", 8), ("lock add32 [r1+0], r2", 4), ("lock xchg [r1+0], r2", 8),
        ("lock fetch_xor32 [r1+0], r2", 4), ("lock cmpxchg [r1+0], r2", 8), ("lock cmpxchg32 [r1+0], r2", 4),
        ("ldacqdw r0, [r1+0]", 8), ("strelb [r1+0], r2", 1),
    ]
    /// The same address as a constant, through an offset, computed, and out of memory.
    private static let ways: [@Sendable (Int64) -> String] = [
        { "lddw r1, \($0)\n" }, { _ in "mov r1, r3\n" },
        { "lddw r4, \($0)\nmov r1, r4\nadd r1, r5\n" }, { "lddw r4, \($0)\nstxdw [r10-64], r4\nldxdw r1, [r10-64]\n" },
    ]

    @Test(arguments: engines) func `no access at any width or address leaves the arena`(engine: Module.Engine) throws {
        for (access, width) in Self.accesses {
            for address in Self.addresses {
                for way in Self.ways {
                    let text = "mov r0, 7\n\(way(address))\(access)\nmov r0, r10\nexit"
                    let module = try self.module(text, engine)
                    let place = try Neighbourhood(of: module, mark: 0x5a)
                    let number = UInt64(bitPattern: address)
                    #expect(try place.instance.call(module.programs[0], 0, 0x11, number, 0, 0, fuel: 20) == Self.size)
                    #expect(place.isIntact, "\(access) at \(address)")

                    // Strict mode says what the mask hides.
                    let strict = try self.module(text, isStrict: true, engine)
                    let watched = try Neighbourhood(of: strict, mark: 0x5a)
                    let isInside = address >= 16 && address <= Int64(Self.size - width)
                    do throws(Fault) {
                        _ = try watched.instance.call(strict.programs[0], 0, 0x11, number, 0, 0, fuel: 20)
                        #expect(isInside, "\(access) at \(address)")
                    } catch {
                        #expect(error.kind == .badAddress(number) && !isInside, "\(access) at \(address)")
                    }
                    #expect(watched.isIntact)
                }
            }
        }
    }

    @Test(arguments: engines) func `a masked access comes back to the arena's own bytes`(engine: Module.Engine) throws {
        let module = try module("ldxw r0, [r1+0]\nexit", engine)
        let place = try Neighbourhood(of: module, mark: 0x5a)
        place.instance.write([1, 2, 3, 4], at: 64)
        for turns in [0, 1, -1, 1 << 20, -(1 << 40)] as [Int64] {
            let address = UInt64(bitPattern: 64 &+ turns &* Int64(Self.size))
            #expect(try place.instance.call(module.programs[0], address, fuel: 9) == 0x0403_0201)
        }
        // Across the end there are a few bytes that nobody else has, zero at first.
        place.instance.write([9, 8], at: Self.size - 2)
        #expect(try place.instance.call(module.programs[0], UInt64(Self.size - 2), fuel: 9) == 0x0809)
    }

    @Test(arguments: engines) func `offsets from the frame pointer are held as well`(engine: Module.Engine) throws {
        for offset in [Int16.min, -8192, -513, -512, -4, -1, 0, 1, 8, 256, Int16.max] {
            let sign = offset < 0 ? "" : "+"
            let text = "stxdw [r10\(sign)\(offset)], r2\nldxdw r0, [r10\(sign)\(offset)]\nexit"
            let module = try module(text, engine)
            let place = try Neighbourhood(of: module, mark: 0x77)
            #expect(try place.instance.call(module.programs[0], 0, .max, fuel: 9) == .max)
            #expect(place.isIntact, "\(offset)")
        }
    }

    @Test(arguments: engines) func `the next tenant of a slot sees zeros`(engine: Module.Engine) throws {
        let writer = try module("mov r1, 16\nagain: stxdw [r1+0], r10\nadd r1, 8\njlt r1, r10, again\nexit", engine)
        let reader = try module(
            "mov r1, 0\nagain: ldxdw r2, [r1+0]\nor r0, r2\nadd r1, 8\njle r1, r10, again\nexit", engine)
        let pool = ArenaPool(limit: 2 << 20)
        for _ in 0..<3 {
            for _ in 0..<2 {
                var instance = try Instance(of: writer, in: pool)
                _ = try instance.call(writer.programs[0], fuel: 1 << 20)
            }
            var instance = try Instance(of: reader, in: pool)
            #expect(try instance.call(reader.programs[0], fuel: 1 << 20) == 0)
        }
    }

    // MARK: Control

    @Test func `jumps into data and into the middle of instructions are refused`() throws {
        for text in [
            "ja +1\nlddw r0, 0x95\nexit", "ja +2\nexit", "ja -2\nexit", "jeq r0, 0, +200\nexit", "call local +7",
        ] {
            #expect(throws: VerifyError.self) { try module(text, .interpreter) }
        }
        // A function that begins in data, or in half an instruction.
        var data = try TestELF(sections: [("code", "lddw r0, 0x95\nexit")])
        data.symbols.append(TestELF.Symbol(name: "half", value: 8, size: 8, section: 1, info: 0x12))
        let half = try data.object()
        #expect(throws: VerifyError.self) { try Module(half) }
        data.symbols[1].value = 4
        #expect(throws: LoadError.malformed("function half")) { try data.object() }
        data.symbols[1].value = .max - 7
        #expect(throws: LoadError.malformed("function half")) { try data.object() }
    }

    @Test(arguments: engines) func `what is no handle is never called`(engine: Module.Engine) throws {
        // Handles are 2^32 and an index; this program has two.
        let handles =
            [
                0, 1, 4, 6, 16, 64, .max, .min, 1 << 31, 1 << 32 + 2, 1 << 32 + 3, 1 << 32 + 4, 1 << 32 + 7,
                1 << 33, 3 << 32, 1 << 32 - 1, 1 << 63 + 1 << 32, 0x7fff_5555_0000,
            ] as [UInt64]
        for handle in handles.map(Int64.init(bitPattern:)) {
            let text = """
                main: lddw r2, code f
                lddw r3, code g
                lddw r1, \(handle)
                callx r1
                exit
                f: mov r0, 1
                exit
                g: mov r0, 2
                exit
                """
            let fault = try fault(text, engine)
            #expect(fault.kind == .badCallTarget(UInt64(bitPattern: handle)))
            #expect(fault.program == "main" && fault.instruction == 6 && fault.text == "callx r1")
        }
        // Without any handle the same numbers lead nowhere either.
        for handle in handles.map(Int64.init(bitPattern:)) + [1 << 32] {
            #expect(
                try fault("lddw r1, \(handle)\ncallx r1\nexit", engine).kind
                    == .badCallTarget(UInt64(bitPattern: handle)))
        }
    }

    @Test(arguments: engines) func `helpers that were not granted cannot be reached`(engine: Module.Engine) throws {
        for number in [0, 1, 4, 6, 1000, -1, Int.min] {
            let text = "call \(Int32(truncatingIfNeeded: number))\nexit"
            #expect(throws: VerifyError.self) { try self.module(text, engine) }
            #expect(
                try fault("lddw r1, \(number)\ncallx r1\nexit", engine).kind
                    == .badCallTarget(UInt64(bitPattern: Int64(number))))
        }
        let module = try self.module("mov r1, 5\ncallx r1\nexit", engine, helpers: [])
        var instance = try Instance(of: module, in: ArenaPool())
        let fault = try #require(throws: Fault.self) { try instance.call(module.programs[0], fuel: 9) }
        #expect(fault.kind == .badCallTarget(5))
    }

    @Test(arguments: engines) func `a program cannot change where it returns to`(engine: Module.Engine) throws {
        // The callee overwrites all memory there is, its own frame and its caller's too, and still returns.
        let text = """
            main: mov r6, 6
            mov r9, 9
            call f
            mov r0, r6
            lsh r0, 8
            or r0, r9
            exit
            f: mov r1, 0
            mov r6, -1
            mov r9, -1
            again: stdw [r1+0], -1
            add r1, 8
            jle r1, r10, again
            mov r1, r10
            stdw [r1+0], -1
            stdw [r1+8], -1
            stdw [r1+504], -1
            exit
            """
        let module = try module(text, engine)
        let place = try Neighbourhood(of: module, mark: 1)
        let program = try #require(module.program(named: "main"))
        #expect(try place.instance.call(program, fuel: 1 << 20) == 0x609)
        #expect(place.isIntact)
    }

    @Test(arguments: engines) func `nothing of the host is left in registers`(engine: Module.Engine) throws {
        for register in 0...9 {
            let module = try self.module("mov r0, r\(register)\nexit", engine)
            var instance = try Instance(of: module, in: ArenaPool())
            #expect(try instance.call(module.programs[0], fuel: 9) == 0)
            let called = try self.module("call 5\nmov r0, r\(register)\nexit", engine)
            var other = try Instance(of: called, in: ArenaPool())
            #expect(try other.call(called.programs[0], fuel: 9) == 0)
        }
        // The same after a fault, where the host shows them all.
        let fault = try fault("ja -1", engine, fuel: 3)
        #expect(fault.registers == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt64(Self.size)])
    }

    // MARK: Objects

    @Test func `giant objects are refused`() throws {
        #expect(throws: LoadError.tooLarge) { try Object(elf: [UInt8](repeating: 0x7f, count: 17 << 20)) }
        #expect(throws: LoadError.tooLarge) { try Object(bytecode: [UInt8](repeating: 0, count: 17 << 20)) }
        var elf = try TestELF(sections: [("code", "exit")])
        elf.sections.append(TestELF.Section(name: ".bss", type: 8, flags: 3, bytes: [], size: 1 << 60))
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.sections[1].size = 1 << 20
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.sections[1].size = .max
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.sections[1] = TestELF.Section(name: "code2", bytes: [UInt8](repeating: 0, count: 8 << 18))
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.sections[1] = TestELF.Section(name: ".data", flags: 3, bytes: [1], alignment: 1 << 40)
        #expect(throws: LoadError.malformed("alignment of .data")) { try elf.object() }
        elf.sections[1] = TestELF.Section(name: "license", flags: 3, bytes: [UInt8](repeating: 1, count: 1 << 20))
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.sections = Array(repeating: TestELF.Section(name: "x", bytes: Array(repeating: 0, count: 8)), count: 5000)
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        // Data that loads but fits no arena of the size asked for.
        elf.sections = [
            TestELF.Section(name: "code", bytes: Instruction(opcode: 0x95).bytes),
            TestELF.Section(name: ".bss", type: 8, flags: 3, bytes: [], size: 900 << 10),
        ]
        let large = try elf.object()
        let error = try #require(throws: VerifyError.self) { try Module(large) }
        #expect(error.reason == .arenaTooSmall(needed: 16 + (900 << 10) + (8 << 10)))
    }

    @Test func `tables that claim too much are refused`() throws {
        var elf = try TestELF(sections: [("code", "exit")])
        elf.symbols = Array(
            repeating: TestELF.Symbol(name: "", value: 0, size: 8, section: 1, info: 0x12), count: 70_000)
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        elf.symbols = [
            TestELF.Symbol(name: String(repeating: "n", count: 600), value: 0, size: 8, section: 1, info: 0x12)
        ]
        #expect(throws: LoadError.malformed("name")) { try elf.object() }
        elf.symbols = []
        elf.sections.append(TestELF.Section(name: "symbols", type: 2, flags: 0, bytes: []))
        #expect(throws: LoadError.malformed("two tables of symbols")) { try elf.object() }
        elf.sections[1] = TestELF.Section(name: "license", flags: 3, bytes: [1])
        elf.sections.append(elf.sections[1])
        #expect(throws: LoadError.malformed("section license twice")) { try elf.object() }
    }

    @Test func `relocation bombs are refused or take no time`() throws {
        var elf = try TestELF(sections: [("code", "lddw r0, 0\nexit")])
        elf.sections.append(TestELF.Section(name: ".data", flags: 3, bytes: Array(repeating: 0, count: 64)))
        elf.symbols.append(TestELF.Symbol(name: "data", value: 0, size: 64, section: 2, info: 0x11))
        let one = TestELF.Relocation(section: 1, offset: 0, type: 1, symbol: 2, addend: nil)
        // Over and over at one place, each adding to what is there: far outside before long, and no further.
        elf.sections[0].bytes[4...7] = [0, 0, 8, 0]
        elf.relocations = Array(repeating: one, count: 60_000)
        #expect(throws: LoadError.badRelocation(section: "code", offset: 0)) { try elf.object() }
        elf.relocations = Array(repeating: one, count: 70_000)
        #expect(throws: LoadError.tooLarge) { try elf.object() }
        // A handle for the same function 60,000 times is one handle.
        elf.relocations = Array(
            repeating: TestELF.Relocation(section: 1, offset: 0, type: 1, symbol: 1, addend: 0), count: 60_000)
        #expect(try elf.object().functionTable == [0])

        let wrong: [TestELF.Relocation] = [
            .init(section: 1, offset: 8, type: 1, symbol: 2, addend: nil),
            .init(section: 1, offset: 4, type: 1, symbol: 2, addend: nil),
            .init(section: 1, offset: 16, type: 1, symbol: 2, addend: nil),
            .init(section: 1, offset: .max - 7, type: 1, symbol: 2, addend: nil),
            .init(section: 1, offset: 0, type: 10, symbol: 1, addend: nil),
            .init(section: 1, offset: 0, type: 1, symbol: 3, addend: nil),
            .init(section: 1, offset: 0, type: 1, symbol: .max, addend: nil),
            .init(section: 1, offset: 0, type: 1, symbol: 2, addend: .max),
            .init(section: 1, offset: 0, type: 1, symbol: 2, addend: .min),
            .init(section: 1, offset: 0, type: 1, symbol: 1, addend: 4),
            .init(section: 1, offset: 0, type: 1, symbol: 1, addend: 24),
            .init(section: 1, offset: 0, type: 1, symbol: 1, addend: -8),
            .init(section: 2, offset: 57, type: 2, symbol: 2, addend: nil),
            .init(section: 2, offset: .max, type: 2, symbol: 2, addend: nil),
            .init(section: 2, offset: 61, type: 3, symbol: 2, addend: nil),
        ]
        for relocation in wrong {
            elf.relocations = [relocation]
            #expect(throws: LoadError.self, "\(relocation)") { try elf.object() }
        }
        elf.relocations = [.init(section: 1, offset: 0, type: 99, symbol: 2, addend: nil)]
        #expect(throws: LoadError.unknownRelocation(section: "code", type: 99)) { try elf.object() }
        elf.relocations = [.init(section: 1, offset: 0, type: 1, symbol: 0, addend: nil)]
        #expect(throws: LoadError.undefined(symbol: "")) { try elf.object() }
    }

    @Test func `an address outside the object's data is only a number`() throws {
        // A pointer a little before or behind its section is legal C; it goes through the mask like any other.
        var elf = try TestELF(sections: [("code", "lddw r1, 0\nldxdw r0, [r1+0]\nmov r0, 3\nexit")])
        elf.sections.append(TestELF.Section(name: ".data", flags: 3, bytes: Array(repeating: 9, count: 64)))
        elf.symbols.append(TestELF.Symbol(name: "data", value: 0, size: 64, section: 2, info: 0x11))
        for addend in [-17, -1 << 20, 65, 1 << 20] as [Int64] {
            elf.relocations = [.init(section: 1, offset: 0, type: 1, symbol: 2, addend: addend)]
            for engine in Self.engines {
                let module = try Module(try elf.object(), options: Module.Options(arenaSize: Self.size, engine: engine))
                let place = try Neighbourhood(of: module, mark: 3)
                #expect(try place.instance.call(module.programs[0], fuel: 9) == 3)
                #expect(place.isIntact)
            }
        }
    }

    @Test func `other files are refused`() throws {
        var elf = try TestELF(sections: [("code", "exit")])
        elf.machine = 62
        #expect(throws: LoadError.wrongKind) { try elf.object() }
        elf.machine = 247
        elf.type = 2
        #expect(throws: LoadError.wrongKind) { try elf.object() }
        #expect(throws: LoadError.notELF) { try Object(elf: []) }
        #expect(throws: LoadError.notELF) { try Object(elf: Array("\u{7f}ELF".utf8)) }
        #expect(throws: LoadError.notELF) { try Object(elf: Array("#!/bin/sh".utf8)) }
        #expect(throws: LoadError.brokenCode(section: ".text")) { try Object(bytecode: [0x95, 0, 0]) }
        elf = TestELF(sections: [TestELF.Section(name: ".data", flags: 3, bytes: [1])])
        #expect(throws: LoadError.noCode) { try elf.object() }
        elf = TestELF(sections: [TestELF.Section(name: "code", bytes: [1, 2, 3])])
        #expect(throws: LoadError.brokenCode(section: "code")) { try elf.object() }
    }

    @Test(arguments: engines) func `code made to be slow to check is checked soon`(engine: Module.Engine) throws {
        let exit = Instruction(opcode: 0x95)
        let count = 40_000
        // Blocks in the wrong order, each leading to the one before it.
        var backwards = [Instruction(opcode: 0x06, immediate: Int32(count - 1)), exit]
        backwards += [Instruction](repeating: Instruction(opcode: 0x05, offset: -2), count: count - 1)
        // Every value grows a little in every round.
        var growing: [Instruction] = []
        for index in 0..<count {
            let register = UInt8(index % 10)
            growing.append(Instruction(opcode: 0x07, destination: register, immediate: 1))
            growing.append(Instruction(opcode: 0x15, offset: -Int16(min(growing.count, 30_000)) - 1))
        }
        growing.append(exit)
        // Everybody calls everybody.
        var calls: [Instruction] = []
        for index in 0..<count { calls.append(Instruction(opcode: 0x85, source: 1, immediate: Int32(-index / 2 - 1))) }
        calls.append(exit)
        let clock = ContinuousClock()
        for code in [backwards, growing, calls] {
            let object = Object(instructions: code)
            let time = try clock.measure { _ = try Module(object, options: Module.Options(engine: engine)) }
            // Without optimisation, on a busy machine: quadratic work would take minutes.
            #expect(time < .seconds(20))
        }
    }
}
