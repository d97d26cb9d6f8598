package import EBPF

/// Makes random programs that the verifier accepts, thick with what engines get wrong.
///
/// Most values are near the edges of widths, most addresses near the edges of the arena; loops end by fuel.
package struct ProgramGenerator {
    private var random: SplitMix
    private var code: [Instruction] = []
    private var isSecond: [Bool] = []
    private let arenaSize: Int

    package init(seed: UInt64, arenaSize: Int) {
        random = SplitMix(seed: seed)
        self.arenaSize = arenaSize
    }

    private static let edges: [Int64] = [
        0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x1_0000,
        0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, .max, .min, -1, -2, -8, -128, -129, -0x8000, -0x8000_0000,
    ]

    private mutating func below(_ bound: Int) -> Int { Int(truncatingIfNeeded: random.next() % UInt64(bound)) }

    private mutating func register() -> UInt8 { UInt8(below(10)) }

    private mutating func readable() -> UInt8 { UInt8(below(11)) }

    private mutating func value() -> Int64 {
        switch below(4) {
        case 0: Int64(bitPattern: random.next())
        case 1: Int64(arenaSize) + Int64(below(32)) - 16
        default: Self.edges[below(Self.edges.count)]
        }
    }

    private mutating func immediate() -> Int32 { Int32(truncatingIfNeeded: value()) }

    private mutating func add(_ instruction: Instruction) {
        code.append(instruction)
        isSecond.append(false)
    }

    private mutating func addWide(_ register: UInt8, _ value: UInt64) {
        add(Instruction(opcode: 0x18, destination: register, immediate: Int32(truncatingIfNeeded: value)))
        code.append(Instruction(opcode: 0, immediate: Int32(truncatingIfNeeded: value >> 32)))
        isSecond.append(true)
    }

    /// A program and the slots where its other functions begin.
    package mutating func next() -> Object {
        code = []
        isSecond = []
        var functions: [String: Int] = [:]
        var openCalls: [Int] = []
        var openAddresses: [Int] = []
        let functionCount = 1 + below(3)
        var ranges: [Range<Int>] = []
        for function in 0..<functionCount {
            let start = code.count
            functions[function == 0 ? "main" : "f\(function)"] = start
            if function == 0 {
                for register in 6...9 as ClosedRange<UInt8> { addWide(register, UInt64(bitPattern: value())) }
            }
            for _ in 0..<(4 + below(28)) { step(&openCalls, &openAddresses) }
            add(Instruction(opcode: 0x95))
            ranges.append(start..<code.count)
        }
        for range in ranges { aim(range) }
        let starts = functions.values.sorted()
        for slot in openCalls {
            // Mostly forward, so that recursion is rare but there.
            let later = starts.filter { $0 > slot }
            let target = later.isEmpty || below(8) == 0 ? starts[below(starts.count)] : later[below(later.count)]
            code[slot].immediate = Int32(target - slot - 1)
        }
        for slot in openAddresses {
            code[slot].immediate = Int32(starts[below(starts.count)] - slot - 1)
            code[slot + 1].immediate = 0
        }
        return Object(instructions: code, functions: functions)
    }

    /// Gives every jump of a function a target inside it.
    private mutating func aim(_ range: Range<Int>) {
        for slot in range where !isSecond[slot] {
            let kind = code[slot].opcode & 7
            let operation = code[slot].opcode >> 4
            guard kind == 5 || kind == 6, operation != 8, operation != 9 else { continue }
            var target: Int
            repeat {
                // Mostly forward.
                let low = below(5) == 0 ? range.lowerBound : slot + 1
                target = low + below(range.upperBound - low)
            } while isSecond[target]
            if kind == 6, operation == 0 {
                code[slot].immediate = Int32(target - slot - 1)
            } else {
                code[slot].offset = Int16(target - slot - 1)
            }
        }
    }

    private mutating func step(_ openCalls: inout [Int], _ openAddresses: inout [Int]) {
        switch below(20) {
        case 0...5: arithmetic()
        case 6...7: addWide(register(), UInt64(bitPattern: value()))
        case 8...11: memory()
        case 12: atomic()
        case 13...15: conditional()
        case 16: below(2) == 0 ? unary() : idiom()
        case 17:
            add(below(2) == 0 ? Instruction(opcode: 0x05) : Instruction(opcode: 0x06))
        case 18:
            if below(3) == 0 {
                openCalls.append(code.count)
                add(Instruction(opcode: 0x85, source: 1))
            } else {
                helperCall()
            }
        default:
            let target = register()
            if below(3) > 0 {
                openAddresses.append(code.count)
                addWide(target, 0)
                code[code.count - 2].source = 4
            } else if below(2) == 0 {
                add(Instruction(opcode: 0xb7, destination: target, immediate: Int32(below(10))))
            }
            add(Instruction(opcode: 0x8d, destination: target))
        }
    }

    private mutating func helperCall() {
        let number = Int32(5 + below(4))
        if number == 6, below(4) > 0 {
            // Arguments that are mostly right: an input, its length, an output.
            for (register, bound) in [(1, arenaSize), (2, 64), (3, arenaSize)] as [(UInt8, Int)] {
                add(Instruction(opcode: 0xb7, destination: register, immediate: Int32(below(bound + 8))))
            }
        }
        add(Instruction(opcode: 0x85, immediate: number))
    }

    private mutating func arithmetic() {
        let operations: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12]
        let operation = operations[below(operations.count)]
        var instruction = Instruction(opcode: operation << 4 | (below(2) == 0 ? 4 : 7), destination: register())
        if below(2) == 0 {
            instruction.opcode |= 8
            instruction.source = readable()
            if operation == 11, below(3) == 0 {
                let widths: [Int16] = instruction.opcode & 7 == 7 ? [8, 16, 32] : [8, 16]
                instruction.offset = widths[below(widths.count)]
            }
        } else {
            instruction.immediate = immediate()
        }
        if operation == 3 || operation == 9 { instruction.offset = Int16(below(2)) }
        add(instruction)
        // Pairs that compilers fuse.
        if below(4) == 0, operation == 6 {
            let counts: [Int32] = [32, 48, 56, 40]
            let count = counts[below(counts.count)]
            add(Instruction(opcode: 0x67, destination: instruction.destination, immediate: count))
            let same = below(8) > 0 ? count : counts[below(counts.count)]
            add(Instruction(opcode: below(2) == 0 ? 0x77 : 0xc7, destination: instruction.destination, immediate: same))
        }
        if below(4) == 0, operation == 11 {
            add(Instruction(opcode: 0xbf, destination: instruction.destination, source: readable()))
            if below(2) == 0 {
                add(Instruction(opcode: 0x0f, destination: instruction.destination, source: readable()))
            } else {
                add(Instruction(opcode: 0x07, destination: instruction.destination, immediate: immediate()))
            }
        }
    }

    private mutating func unary() {
        switch below(5) {
        case 0: add(Instruction(opcode: below(2) == 0 ? 0x84 : 0x87, destination: register()))
        default:
            let opcodes: [UInt8] = [0xd4, 0xdc, 0xd7]
            let widths: [Int32] = [16, 32, 64]
            add(Instruction(opcode: opcodes[below(3)], destination: register(), immediate: widths[below(3)]))
        }
    }

    /// What compilers write for a rotation, and for a load from base and index.
    private mutating func idiom() {
        let (value, spare) = (register(), register())
        if below(2) == 0 {
            let wide = below(2) == 0
            let kind: UInt8 = wide ? 7 : 4
            let width: Int32 = wide ? 64 : 32
            let count = 1 + Int32(below(Int(width) - 1))
            let complement = below(8) == 0 ? count : width - count
            let isLeftFirst = below(2) == 0
            add(Instruction(opcode: 0xb8 | kind, destination: spare, source: value))
            add(Instruction(opcode: (isLeftFirst ? 0x60 : 0x70) | kind, destination: spare, immediate: count))
            add(Instruction(opcode: (isLeftFirst ? 0x70 : 0x60) | kind, destination: value, immediate: complement))
            add(Instruction(opcode: 0x48 | kind, destination: value, source: spare))
            switch below(3) {
            case 0: add(Instruction(opcode: 0xb7, destination: spare, immediate: 5))
            case 1: add(Instruction(opcode: 0x61, destination: spare, source: readable(), offset: 4))
            default: return
            }
        } else {
            let offset = Int16(below(17) - 8)
            add(Instruction(opcode: 0xbf, destination: value, source: readable()))
            add(Instruction(opcode: 0x0f, destination: value, source: readable()))
            let signed = below(3) == 0
            add(
                Instruction(
                    opcode: (signed ? 0x81 : 0x61) | UInt8(below(signed ? 3 : 4)) << 3,
                    destination: below(4) == 0 ? spare : value, source: value, offset: offset))
        }
    }

    /// An address: the frame, a constant, a masked number, or anything.
    private mutating func base() -> (register: UInt8, offset: Int16) {
        switch below(6) {
        case 0, 1: return (10, Int16(-8 - below(520)))
        case 2:
            let register = register()
            add(Instruction(opcode: 0xb7, destination: register, immediate: Int32(below(arenaSize + 16))))
            return (register, Int16(below(40) - 20))
        case 3:
            let register = register()
            let masks: [Int32] = [0xff, 0xffff, Int32(arenaSize - 1), 0x7f]
            add(Instruction(opcode: 0x57, destination: register, immediate: masks[below(4)]))
            return (register, Int16(below(64)))
        default:
            let offsets: [Int16] = [0, 1, -1, 8, -8, .max, .min]
            return (readable(), offsets[below(offsets.count)])
        }
    }

    private mutating func memory() {
        let (base, offset) = base()
        let size = UInt8(below(4)) << 3
        switch below(4) {
        case 0, 1:
            let signed = size < 24 && below(3) == 0
            add(
                Instruction(
                    opcode: (signed ? 0x81 : 0x61) | size, destination: register(), source: base, offset: offset))
        case 2: add(Instruction(opcode: 0x63 | size, destination: base, source: readable(), offset: offset))
        default: add(Instruction(opcode: 0x62 | size, destination: base, offset: offset, immediate: immediate()))
        }
    }

    private mutating func atomic() {
        let (base, offset) = base()
        let operations: [Int32] = [0, 0x40, 0x50, 0xa0, 1, 0x41, 0x51, 0xa1, 0xe1, 0xf1]
        add(
            Instruction(
                opcode: below(2) == 0 ? 0xc3 : 0xdb, destination: base, source: register(), offset: offset,
                immediate: operations[below(operations.count)]))
    }

    private mutating func conditional() {
        let operations: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13]
        var instruction = Instruction(
            opcode: operations[below(operations.count)] << 4 | (below(2) == 0 ? 5 : 6), destination: readable())
        if below(2) == 0 {
            instruction.opcode |= 8
            instruction.source = readable()
        } else {
            instruction.immediate = immediate()
        }
        // Equal operands are rare by chance.
        if below(4) == 0, instruction.destination < 10 {
            var copy = Instruction(opcode: instruction.opcode & 8 | 0xb7, destination: instruction.destination)
            copy.source = instruction.source
            copy.immediate = instruction.immediate
            add(copy)
        }
        add(instruction)
    }

    /// The same program with a few fields changed, which the verifier may well refuse.
    package mutating func mutated(_ object: Object) -> Object {
        var instructions = object.instructions
        for _ in 0...below(4) {
            let slot = below(instructions.count)
            switch below(5) {
            case 0: instructions[slot].opcode = UInt8(truncatingIfNeeded: random.next())
            case 1: instructions[slot].destination = UInt8(below(11))
            case 2: instructions[slot].source = UInt8(below(11))
            case 3: instructions[slot].offset = Int16(truncatingIfNeeded: value())
            default: instructions[slot].immediate = immediate()
            }
        }
        let functions = object.functions.map { ($0.name, $0.slots.lowerBound) }
        return Object(instructions: instructions, functions: Dictionary(functions) { first, _ in first })
    }
}
