internal import EBPF

/// Damages object files and makes up bytecode: the loader and the verifier may refuse, nothing may crash, and what they
/// let through must run alike in both engines.
package struct ObjectFuzzer: ~Copyable {
    /// Files tried.
    package private(set) var tried = 0
    /// Files that the loader took.
    package private(set) var loaded = 0
    private var engines: DifferentialFuzzer
    private var random: SplitMix
    private let files: [[UInt8]]
    private let instructions: [[Instruction]]

    /// Programs that the verifier took.
    package var programs: Int { engines.programs }
    /// Calls of programs, in each engine.
    package var executions: Int { engines.executions }

    /// A fuzzer that begins with these object files.
    package init(seed: UInt64, files: [[UInt8]]) throws {
        let instructions = try files.map { try Object(elf: $0).instructions }
        let engines = try DifferentialFuzzer(seed: seed, arenaSize: 64 << 10)
        self.engines = engines
        random = SplitMix(seed: seed)
        self.files = files
        self.instructions = instructions
    }

    private mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: random.next() % UInt64(max(bound, 1))) }

    /// One damaged file.
    package mutating func damageFile() throws(DifferentialFuzzer.Mismatch) {
        var bytes = files[below(files.count)]
        for _ in 0...below(8) {
            let place = below(bytes.count)
            switch below(4) {
            case 0: bytes[place] ^= 1 << UInt8(below(8))
            case 1:
                // Tables are made of words; most of what is interesting is a whole one.
                let edges: [UInt64] = [0, 1, 7, 8, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 63, .max, .max - 7]
                let word = edges[below(edges.count)]
                for index in 0..<min([2, 4, 8][below(3)], bytes.count - place) {
                    bytes[place + index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * index))
                }
            default: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        if below(8) == 0 { bytes.removeLast(below(bytes.count)) }
        tried += 1
        guard let object = try? Object(elf: bytes) else { return }
        loaded += 1
        try engines.check(object)
    }

    /// One program of random words, of random instructions, or of a compiler's instructions with some changed.
    package mutating func makeUpCode() throws(DifferentialFuzzer.Mismatch) {
        var code: [Instruction] = []
        switch below(4) {
        case 0:
            for _ in 0...below(12) { code.append(Instruction(word: random.next())) }
        case 1:
            for _ in 0...below(24) { code.append(plausible()) }
            code.append(Instruction(opcode: 0x95))
        default:
            code = instructions[below(instructions.count)]
            for _ in 0...below(6) {
                let slot = below(code.count)
                switch below(6) {
                case 0: code[slot] = plausible()
                case 1: code[slot].opcode = UInt8(truncatingIfNeeded: random.next())
                case 2: code[slot].destination = UInt8(below(16))
                case 3: code[slot].source = UInt8(below(16))
                case 4: code[slot].offset = Int16(truncatingIfNeeded: random.next() >> UInt64(below(60)))
                default: code[slot].immediate = Int32(truncatingIfNeeded: random.next() >> UInt64(below(60)))
                }
            }
            if below(4) == 0 { code.removeLast(below(code.count)) }
        }
        tried += 1
        let bytes = code.flatMap(\.bytes)
        guard let object = try? Object(bytecode: bytes) else { return }
        loaded += 1
        try engines.check(object)
    }

    /// An instruction whose opcode exists and whose fields are small.
    private mutating func plausible() -> Instruction {
        let donor = instructions[below(instructions.count)]
        var instruction = donor[below(donor.count)]
        instruction.destination = UInt8(below(10))
        if below(2) == 0 { instruction.offset = Int16(below(9) - 4) }
        if instruction.opcode == 0x85 { instruction = Instruction(opcode: 0x85, immediate: Int32(below(10))) }
        return instruction
    }
}
