/// Writes instructions as text that ``Assembler`` reads back.
///
/// The syntax is the machine's own: a mnemonic, then operands; registers are `r0` to `r10`, memory is `[r1+4]`, a
/// jump's target is a distance in slots from the next instruction, with its sign.
public enum Disassembler {
    private static let arithmetic = [
        "add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor", "mov", "arsh",
    ]
    private static let jumps = [
        "ja", "jeq", "jgt", "jge", "jset", "jne", "jsgt", "jsge", "call", "exit", "jlt", "jle", "jslt", "jsle",
    ]
    private static let sizes = ["w", "h", "b", "dw"]

    /// The text of the instruction at a slot; a wide one needs the slot after it as well.
    public static func text(of instructions: some RandomAccessCollection<Instruction>, at slot: Int) -> String {
        let index = instructions.index(instructions.startIndex, offsetBy: slot)
        let next = instructions.index(after: index)
        return text(of: instructions[index], next: next < instructions.endIndex ? instructions[next] : nil)
    }

    /// Every instruction on a line of its own, with slot numbers.
    public static func listing(of instructions: some RandomAccessCollection<Instruction>) -> String {
        var lines: [String] = []
        var slot = 0
        while slot < instructions.count {
            let number = String(slot)
            let pad = String(repeating: " ", count: Swift.max(0, 5 - number.count))
            lines.append("\(pad)\(number)  \(text(of: instructions, at: slot))")
            let here = instructions.index(instructions.startIndex, offsetBy: slot)
            slot += instructions[here].isWide ? 2 : 1
        }
        return lines.joined(separator: "\n")
    }

    /// The text of one instruction; unknown ones appear as `.word` and their sixteen hex digits.
    public static func text(of instruction: Instruction, next: Instruction? = nil) -> String {
        let dst = "r\(instruction.destination)"
        let src = "r\(instruction.source)"
        let operand = instruction.opcode & 8 != 0 ? src : "\(instruction.immediate)"
        let operation = Int(instruction.opcode >> 4)
        switch instruction.opcode & 7 {
        case 0 where instruction.isWide:
            guard let next else { return word(instruction) }
            if instruction.source == 4 { return "lddw \(dst), code \(signed(Int(instruction.immediate)))" }
            guard instruction.source == 0 else { return word(instruction) }
            let value =
                UInt64(UInt32(bitPattern: instruction.immediate))
                | UInt64(UInt32(bitPattern: next.immediate)) << 32
            return "lddw \(dst), 0x\(String(value, radix: 16))"
        case 1, 2, 3:
            return memory(instruction)
        case 4, 7:
            return arithmetic(instruction, operation: operation, dst: dst, src: src, operand: operand)
        case 5, 6:
            let wide = instruction.opcode & 7 == 5
            switch (operation, wide) {
            case (0, true): return "ja \(signed(Int(instruction.offset)))"
            case (0, false): return "ja32 \(signed(Int(instruction.immediate)))"
            case (8, true) where instruction.opcode == 0x8d:
                let inImmediate = instruction.immediate != 0
                return "callx r\(inImmediate ? Int(instruction.immediate) : Int(instruction.destination))"
            case (8, true) where instruction.source == 0: return "call \(instruction.immediate)"
            case (8, true) where instruction.source == 1: return "call local \(signed(Int(instruction.immediate)))"
            case (9, true): return "exit"
            case (1...7, _), (10...13, _):
                let name = jumps[operation] + (wide ? "" : "32")
                return "\(name) \(dst), \(operand), \(signed(Int(instruction.offset)))"
            default: return word(instruction)
            }
        default:
            return word(instruction)
        }
    }

    private static func arithmetic(
        _ instruction: Instruction, operation: Int, dst: String, src: String, operand: String
    ) -> String {
        let wide = instruction.opcode & 7 == 7
        let suffix = wide ? "" : "32"
        switch operation {
        case 8: return "neg\(suffix) \(dst)"
        case 13:
            let name = wide ? "swap" : instruction.opcode & 8 != 0 ? "be" : "le"
            return "\(name)\(instruction.immediate) \(dst)"
        case 11 where instruction.offset != 0:
            return "movsx\(instruction.offset)\(wide ? "" : "_32") \(dst), \(src)"
        case 3 where instruction.offset == 1, 9 where instruction.offset == 1:
            return "s\(arithmetic[operation])\(suffix) \(dst), \(operand)"
        case 0...12: return "\(arithmetic[operation])\(suffix) \(dst), \(operand)"
        default: return word(instruction)
        }
    }

    private static func memory(_ instruction: Instruction) -> String {
        let size = sizes[Int(instruction.opcode >> 3 & 3)]
        let source = "[r\(instruction.source)\(signed(Int(instruction.offset)))]"
        let target = "[r\(instruction.destination)\(signed(Int(instruction.offset)))]"
        switch (instruction.opcode & 7, instruction.opcode >> 5) {
        case (1, 3): return "ldx\(size) r\(instruction.destination), \(source)"
        case (1, 4) where size != "dw": return "ldxs\(size) r\(instruction.destination), \(source)"
        case (2, 3): return "st\(size) \(target), \(instruction.immediate)"
        case (3, 3): return "stx\(size) \(target), r\(instruction.source)"
        case (3, 6):
            if instruction.immediate == 0x100 { return "ldacq\(size) r\(instruction.destination), \(source)" }
            if instruction.immediate == 0x110 { return "strel\(size) \(target), r\(instruction.source)" }
            guard let atomic = AtomicOperation(rawValue: instruction.immediate), size == "w" || size == "dw" else {
                return word(instruction)
            }
            return "lock \(atomic.mnemonic)\(size == "w" ? "32" : "") \(target), r\(instruction.source)"
        default: return word(instruction)
        }
    }

    private static func signed(_ value: Int) -> String { value < 0 ? "\(value)" : "+\(value)" }

    private static func word(_ instruction: Instruction) -> String {
        let digits = String(instruction.word, radix: 16)
        return ".word 0x\(String(repeating: "0", count: 16 - digits.count))\(digits)"
    }
}

extension AtomicOperation {
    /// The name in assembly text.
    package var mnemonic: String {
        switch self {
        case .add: "add"
        case .or: "or"
        case .and: "and"
        case .xor: "xor"
        case .fetchAdd: "fetch_add"
        case .fetchOr: "fetch_or"
        case .fetchAnd: "fetch_and"
        case .fetchXor: "fetch_xor"
        case .exchange: "xchg"
        case .compareExchange: "cmpxchg"
        }
    }

    /// Every operation by its name.
    package static let all: [AtomicOperation] = [
        .add, .or, .and, .xor, .fetchAdd, .fetchOr, .fetchAnd, .fetchXor, .exchange, .compareExchange,
    ]
}
