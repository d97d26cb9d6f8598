import EBPF
import Testing

@Suite struct VerifierTests {
    typealias Reason = VerifyError.Reason

    /// One refusal: what is wrong, the code, and what the error must say.
    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: [Instruction]
        var at: Int
        var reason: Reason

        init(_ name: String, _ reason: Reason, at: Int = 0, _ code: Instruction...) {
            testDescription = name
            self.code = code
            self.at = at
            self.reason = reason
        }
    }

    private static let exit = Instruction(opcode: 0x95)
    private static let nop = Instruction(opcode: 0xb7)

    static let refusals: [Refusal] = [
        Refusal("no opcode of class 0", .unknownInstruction, Instruction(opcode: 0x20), exit),
        Refusal("packet access of classic BPF", .unknownInstruction, Instruction(opcode: 0x30), exit),
        Refusal("load of mode 0", .unknownInstruction, Instruction(opcode: 0x01), exit),
        Refusal("signed load of 64 bits", .unknownInstruction, Instruction(opcode: 0x99), exit),
        Refusal("store of mode 4", .unknownInstruction, Instruction(opcode: 0x82), exit),
        Refusal("atomic on 16 bits", .unknownInstruction, Instruction(opcode: 0xcb), exit),
        Refusal("atomic on 8 bits", .unknownInstruction, Instruction(opcode: 0xd3), exit),
        Refusal("unknown atomic", .unknownInstruction, Instruction(opcode: 0xdb, immediate: 2), exit),
        Refusal("arithmetic 14", .unknownInstruction, Instruction(opcode: 0xe7), exit),
        Refusal("negation with a register", .unknownInstruction, Instruction(opcode: 0x8f), exit),
        Refusal("byte order of 24 bits", .unknownInstruction, Instruction(opcode: 0xd4, immediate: 24), exit),
        Refusal("swap in class 7 with a register", .unknownInstruction, Instruction(opcode: 0xdf, immediate: 16), exit),
        Refusal("sign extension from 24 bits", .unknownInstruction, Instruction(opcode: 0xbf, offset: 24), exit),
        Refusal("32-bit sign extension from 32", .unknownInstruction, Instruction(opcode: 0xbc, offset: 32), exit),
        Refusal("jump 14", .unknownInstruction, Instruction(opcode: 0xe5), exit),
        Refusal("call in class 6", .unknownInstruction, Instruction(opcode: 0x86), exit),
        Refusal("exit in class 6", .unknownInstruction, Instruction(opcode: 0x96), exit),
        Refusal("jump always with a register", .unknownInstruction, Instruction(opcode: 0x0d), exit),

        Refusal("offset in an addition", .unusedFieldSet, Instruction(opcode: 0x07, offset: 1), exit),
        Refusal("source with an immediate", .unusedFieldSet, Instruction(opcode: 0x07, source: 1), exit),
        Refusal("immediate with a register", .unusedFieldSet, Instruction(opcode: 0x0f, immediate: 1), exit),
        Refusal("immediate in a load", .unusedFieldSet, Instruction(opcode: 0x61, immediate: 1), exit),
        Refusal("source in a store of a constant", .unusedFieldSet, Instruction(opcode: 0x62, source: 1), exit),
        Refusal("immediate in a store", .unusedFieldSet, Instruction(opcode: 0x63, immediate: 1), exit),
        Refusal("division with offset 2", .unusedFieldSet, Instruction(opcode: 0x37, offset: 2), exit),
        Refusal("sign extension of a constant", .unusedFieldSet, Instruction(opcode: 0xb7, offset: 8), exit),
        Refusal("destination in an exit", .unusedFieldSet, Instruction(opcode: 0x95, destination: 1)),
        Refusal("offset in a call", .unusedFieldSet, Instruction(opcode: 0x85, offset: 1, immediate: 5), exit),
        Refusal("immediate in a jump", .unusedFieldSet, Instruction(opcode: 0x05, immediate: 1), exit),
        Refusal("offset in a long jump", .unusedFieldSet, Instruction(opcode: 0x06, offset: 1), exit),
        Refusal("two registers in callx", .unusedFieldSet, Instruction(opcode: 0x8d, destination: 1, immediate: 2)),
        Refusal("offset in a wide load", .unusedFieldSet, Instruction(opcode: 0x18, offset: 1), Instruction(opcode: 0)),

        Refusal("destination r11", .noSuchRegister, Instruction(opcode: 0x07, destination: 11), exit),
        Refusal("source r15", .noSuchRegister, Instruction(opcode: 0x0f, source: 15), exit),
        Refusal("callx r11 of old compilers", .noSuchRegister, Instruction(opcode: 0x8d, immediate: 11), exit),

        Refusal("add to r10", .writesFramePointer, Instruction(opcode: 0x07, destination: 10, immediate: 8), exit),
        Refusal("load into r10", .writesFramePointer, Instruction(opcode: 0x79, destination: 10, source: 1), exit),
        Refusal("wide constant into r10", .writesFramePointer, Instruction(opcode: 0x18, destination: 10), exit),
        Refusal("negate r10", .writesFramePointer, Instruction(opcode: 0x87, destination: 10), exit),
        Refusal("swap r10", .writesFramePointer, Instruction(opcode: 0xd7, destination: 10, immediate: 64), exit),
        Refusal(
            "exchange r10", .writesFramePointer,
            Instruction(opcode: 0xdb, destination: 1, source: 10, immediate: 0xe1), exit),
        Refusal(
            "fetch into r10", .writesFramePointer,
            Instruction(opcode: 0xc3, destination: 1, source: 10, immediate: 1), exit),
        Refusal(
            "load-acquire into r10", .writesFramePointer,
            Instruction(opcode: 0xdb, destination: 10, source: 1, immediate: 0x100), exit),

        Refusal("jump before the program", .jumpOutOfProgram, Instruction(opcode: 0x05, offset: -2), exit),
        Refusal("jump behind the program", .jumpOutOfProgram, at: 1, nop, Instruction(opcode: 0x15, offset: 1), exit),
        Refusal("long jump far away", .jumpOutOfProgram, Instruction(opcode: 0x06, immediate: .max), exit),
        Refusal("call far away", .jumpOutOfProgram, Instruction(opcode: 0x85, source: 1, immediate: .min), exit),
        Refusal("address of no code", .jumpOutOfProgram, Instruction(opcode: 0x18, source: 4, immediate: 9), nop, exit),

        Refusal(
            "jump into a wide instruction", .jumpIntoWideInstruction, Instruction(opcode: 0x05, offset: 1),
            Instruction(opcode: 0x18), Instruction(opcode: 0), exit),
        Refusal(
            "call into a wide instruction", .jumpIntoWideInstruction,
            Instruction(opcode: 0x85, source: 1, immediate: 1), Instruction(opcode: 0x18), Instruction(opcode: 0), exit),
        Refusal("wide instruction cut off", .brokenWideInstruction, at: 1, nop, Instruction(opcode: 0x18)),
        Refusal("wide instruction with a broken half", .brokenWideInstruction, Instruction(opcode: 0x18), exit, exit),
        Refusal("second half alone", .unknownInstruction, Instruction(opcode: 0), exit),

        Refusal("runs off the end", .runsOffTheEnd, nop),
        Refusal("conditional jump at the end", .runsOffTheEnd, at: 1, exit, Instruction(opcode: 0x15, offset: -1)),
        Refusal("call at the end", .runsOffTheEnd, at: 1, nop, Instruction(opcode: 0x85, source: 1, immediate: -2)),

        Refusal("helper not granted", .helperNotGranted(7), Instruction(opcode: 0x85, immediate: 7), exit),
        Refusal("helper of a negative number", .helperNotGranted(-1), Instruction(opcode: 0x85, immediate: -1), exit),
        Refusal("kernel function", .kernelOnly, Instruction(opcode: 0x85, source: 2, immediate: 1), exit),
        Refusal("map", .kernelOnly, Instruction(opcode: 0x18, source: 1), Instruction(opcode: 0), exit),
    ]

    @Test(arguments: refusals)
    func `an error names program, instruction and reason`(refusal: Refusal) throws {
        let object = Object(instructions: refusal.code)
        let error = try #require(throws: VerifyError.self) { try Module(object, helpers: [identity]) }
        #expect(error.reason == refusal.reason)
        #expect(error.program == "main")
        #expect(error.instruction == refusal.at)
        #expect(error.text == Disassembler.text(of: refusal.code, at: refusal.at))
        #expect(error.description.contains(error.text))
    }

    @Test func `code that is never reached is checked too`() throws {
        let object = Object(instructions: [Self.exit, Instruction(opcode: 0xff, destination: 10), Self.exit])
        let error = try #require(throws: VerifyError.self) { try Module(object) }
        #expect(error.reason == .writesFramePointer)
        #expect(error.instruction == 1)
    }

    @Test func `the error counts from its own function`() throws {
        let (code, labels) = try Assembler.assembleWithLabels("call f\nexit\nf:\nmov r0, 1\nadd r10, 1\nexit")
        let error = try #require(throws: VerifyError.self) {
            try Module(Object(instructions: code, functions: labels))
        }
        #expect(error.description == "f+1 (add r10, 1): r10 is read-only")
    }

    @Test func `a jump may not leave its section, a call may`() throws {
        let jump = try TestELF(sections: [("one", "ja +1\nexit"), ("two", "mov r0, 2\nexit")]).object()
        #expect(throws: VerifyError.self) { try Module(jump) }
        let call = try TestELF(sections: [("one", "call local +1\nexit"), ("two", "mov r0, 2\nexit")]).object()
        let module = try Module(call)
        var instance = try Instance(of: module, in: ArenaPool())
        #expect(try instance.call(module.programs[0], fuel: 10) == 2)
    }

    @Test func `the opcodes of RFC 9669 are accepted in some form, and no others`() {
        var known: Set<UInt8> = [0x18, 0x84, 0x87, 0xd4, 0xdc, 0xd7, 0x05, 0x06, 0x85, 0x8d, 0x95]
        for operation in [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12] as [UInt8] {
            for kind in [0x04, 0x07, 0x0c, 0x0f] as [UInt8] { known.insert(operation << 4 | kind) }
        }
        for operation in [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13] as [UInt8] {
            for kind in [0x05, 0x06, 0x0d, 0x0e] as [UInt8] { known.insert(operation << 4 | kind) }
        }
        for kind in [0x61, 0x62, 0x63] as [UInt8] {
            for size in 0..<4 as Range<UInt8> { known.insert(kind + size * 8) }
        }
        known.formUnion([0x81, 0x89, 0x91, 0xc3, 0xdb])
        // Later than the RFC: load-acquire and store-release, which exist in 8 and 16 bits.
        known.formUnion([0xcb, 0xd3])
        let fields: [(UInt8, Int16, Int32)] = [(0, 0, 0), (0, 0, 16), (1, 0, 0), (0, 0, 0x100), (0, 0, 5)]
        for opcode in UInt8.min...UInt8.max {
            let accepted = fields.contains { source, offset, immediate in
                let first = Instruction(opcode: opcode, source: source, offset: offset, immediate: immediate)
                return [[first, Self.exit], [first, Instruction(opcode: 0), Self.exit]].contains { code in
                    (try? Module(Object(instructions: code), helpers: [identity])) != nil
                }
            }
            #expect(accepted == known.contains(opcode), "\(opcode)")
        }
    }

    @Test func `nothing, too much and the wrong size are refused`() throws {
        #expect(reason(of: Object(instructions: []), Module.Options()) == .empty)
        let long = [Instruction](repeating: Self.nop, count: 1 << 18) + [Self.exit]
        #expect(reason(of: Object(instructions: long), Module.Options()) == .tooManyInstructions)
        let small = Object(instructions: [Self.exit])
        for size in [0, -1, 8 << 10, 24 << 10, 2 << 20, .max] {
            #expect(reason(of: small, Module.Options(arenaSize: size)) == .badArenaSize)
        }
        let windows = Module.Options(arenaSize: 16 << 10, windows: [8 << 10])
        #expect(reason(of: small, windows) == .arenaTooSmall(needed: 16 + (8 << 10) + (8 << 10)))
        for window in [-1, 2 << 20, .max] {
            #expect(reason(of: small, Module.Options(windows: [window])) == .arenaTooSmall(needed: .max))
        }
        let twice = try #require(throws: VerifyError.self) { try Module(small, helpers: [identity, identity]) }
        #expect(twice.reason == .helperTwice(5))
    }

    private func reason(of object: Object, _ options: Module.Options) -> Reason? {
        do throws(VerifyError) {
            _ = try Module(object, options: options)
            return nil
        } catch { return error.reason }
    }

    @Test func `only data flow proves an access, never a branch`() throws {
        func proofs(_ text: String, isStrict: Bool = false) throws -> Int {
            let object = Object(instructions: try Assembler.assemble(text))
            return try Module(object, options: Module.Options(isStrict: isStrict)).accesses.proved
        }
        #expect(try proofs("ldxb r0, [r1+0]\nexit") == 0)
        #expect(try proofs("ldxdw r0, [r10-8]\nexit") == 1)
        #expect(try proofs("ldxdw r0, [r10-512]\nexit") == 1)
        #expect(try proofs("mov r1, 100\nldxdw r0, [r1+0]\nexit") == 1)
        #expect(try proofs("and r1, 255\nldxdw r0, [r1+64]\nexit") == 1)
        #expect(try proofs("and r1, 255\nldxdw r0, [r1-1]\nexit") == 0)
        #expect(try proofs("mov r2, r1\nrsh r2, 56\nldxb r0, [r2+0]\nexit") == 1)
        #expect(try proofs("ldxh r2, [r10-8]\nldxb r0, [r2+0]\nexit") == 2)
        #expect(try proofs("ldxw r2, [r10-8]\nldxb r0, [r2+0]\nexit") == 1)
        // The comparison would prove it to a person; a processor that guesses wrong would not care.
        #expect(try proofs("jgt r1, 100, +1\nldxb r0, [r1+0]\nexit") == 0)
        // Of two ways to come here one knows nothing.
        #expect(try proofs("jeq r2, 0, +1\nand r1, 15\nldxb r0, [r1+32]\nexit") == 0)
        // A loop that counts up is widened, not believed.
        #expect(try proofs("mov r1, 16\nldxb r0, [r1+0]\nadd r1, 1\nja -3") == 0)
        // What a call leaves in r0 to r5 is unknown, and r6 to r9 stay.
        let call = "mov r6, 16\nmov r1, 16\ncall local +3\nldxb r2, [r1+0]\nldxb r2, [r6+0]\nexit\nexit"
        #expect(try proofs(call) == 1)
        // Strict mode wants the whole access inside, and nothing below 16.
        #expect(try proofs("mov r1, 15\nldxb r0, [r1+0]\nexit", isStrict: true) == 0)
        #expect(try proofs("mov r1, 65535\nldxh r0, [r1+0]\nexit", isStrict: true) == 0)
        #expect(try proofs("mov r1, 65535\nldxh r0, [r1+0]\nexit") == 1)
    }
}
