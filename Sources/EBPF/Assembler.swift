/// Turns assembly text into instructions: for tests, fuzzing and trying things out.
///
/// One instruction per line, `;` or `#` begins a comment, `name:` a label. ``Disassembler`` shows the syntax; a
/// jump's or local call's target may also be a label. `lddw r1, code label` loads a function's handle.
public struct Assembler {
    /// What was wrong, and on which line (from 1).
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// The line, counted from 1.
        public var line: Int
        /// What was wrong.
        public var reason: String
        /// Line and reason.
        public var description: String { "line \(line): \(reason)" }
    }

    private var instructions: [Instruction] = []
    private var labels: [String: Int] = [:]
    private var references: [(slot: Int, label: String, inImmediate: Bool, line: Int)] = []
    private var line = 0

    private init() {}

    /// The instructions that a text describes.
    public static func assemble(_ text: String) throws(Failure) -> [Instruction] {
        try assembleWithLabels(text).instructions
    }

    /// The instructions, and the slot of each label.
    public static func assembleWithLabels(
        _ text: String
    ) throws(Failure) -> (instructions: [Instruction], labels: [String: Int]) {
        var assembler = Assembler()
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            assembler.line += 1
            try assembler.read(line)
        }
        try assembler.resolve()
        return (assembler.instructions, assembler.labels)
    }

    private func fail(_ reason: String) -> Failure { Failure(line: line, reason: reason) }

    private mutating func read(_ text: Substring) throws(Failure) {
        let code = text.prefix { $0 != ";" && $0 != "#" }
        var words = code.split { $0 == " " || $0 == "\t" || $0 == "," || $0 == "\r" }.map(String.init)
        while let first = words.first, first.hasSuffix(":") {
            guard labels.updateValue(instructions.count, forKey: String(first.dropLast())) == nil else {
                throw fail("label \(first) twice")
            }
            words.removeFirst()
        }
        guard let mnemonic = words.first else { return }
        try encode(mnemonic, Array(words.dropFirst()))
    }

    private mutating func encode(_ mnemonic: String, _ operands: [String]) throws(Failure) {
        switch mnemonic {
        case ".word":
            instructions.append(Instruction(word: UInt64(bitPattern: try number(operands, 0))))
        case "exit":
            instructions.append(Instruction(opcode: 0x95))
        case "call":
            if operands.first == "local" {
                try transfer(Instruction(opcode: 0x85, source: 1), to: try operand(operands, 1), inImmediate: true)
            } else if let name = operands.first, name.first?.isNumber == true || name.hasPrefix("-") {
                instructions.append(Instruction(opcode: 0x85, immediate: try immediate(operands, 0)))
            } else {
                try transfer(Instruction(opcode: 0x85, source: 1), to: try operand(operands, 0), inImmediate: true)
            }
        case "callx":
            instructions.append(Instruction(opcode: 0x8d, destination: try register(operands, 0)))
        case "ja":
            try transfer(Instruction(opcode: 0x05), to: try operand(operands, 0), inImmediate: false)
        case "ja32":
            try transfer(Instruction(opcode: 0x06), to: try operand(operands, 0), inImmediate: true)
        case "lddw":
            let destination = try register(operands, 0)
            if operands.count == 3, operands[1] == "code" {
                let wide = Instruction(opcode: 0x18, destination: destination, source: 4)
                try transfer(wide, to: operands[2], inImmediate: true)
                instructions.append(Instruction(opcode: 0))
                return
            }
            let value = try number(operands, 1)
            let low = Int32(truncatingIfNeeded: value)
            instructions.append(Instruction(opcode: 0x18, destination: destination, immediate: low))
            instructions.append(Instruction(opcode: 0, immediate: Int32(truncatingIfNeeded: value >> 32)))
        case "lock":
            try atomic(operands)
        default:
            if try memory(mnemonic, operands) { return }
            if try conditional(mnemonic, operands) { return }
            if try arithmetic(mnemonic, operands) { return }
            throw fail("unknown mnemonic \(mnemonic)")
        }
    }

    private mutating func atomic(_ operands: [String]) throws(Failure) {
        var name = try operand(operands, 0)
        var opcode: UInt8 = 0xdb
        if name.hasSuffix("32") {
            opcode = 0xc3
            name.removeLast(2)
        }
        guard let operation = AtomicOperation.all.first(where: { $0.mnemonic == name }) else {
            throw fail("unknown atomic \(name)")
        }
        let (base, offset) = try address(operands, 1)
        instructions.append(
            Instruction(
                opcode: opcode, destination: base, source: try register(operands, 2), offset: offset,
                immediate: operation.rawValue))
    }

    private mutating func memory(_ mnemonic: String, _ operands: [String]) throws(Failure) -> Bool {
        let forms: [(prefix: String, base: UInt8, immediate: Int32)] = [
            ("ldxs", 0x81, 0), ("ldx", 0x61, 0), ("stx", 0x63, 0), ("strel", 0xc3, 0x110), ("ldacq", 0xc3, 0x100),
            ("st", 0x62, 0),
        ]
        let sizes: [String: UInt8] = ["w": 0, "h": 8, "b": 16, "dw": 24]
        for form in forms where mnemonic.hasPrefix(form.prefix) {
            guard let size = sizes[String(mnemonic.dropFirst(form.prefix.count))] else { continue }
            var instruction = Instruction(opcode: form.base + size, immediate: form.immediate)
            if form.prefix.hasPrefix("ld") {
                instruction.destination = try register(operands, 0)
                (instruction.source, instruction.offset) = try address(operands, 1)
            } else {
                (instruction.destination, instruction.offset) = try address(operands, 0)
                if form.prefix == "st" {
                    instruction.immediate = try immediate(operands, 1)
                } else {
                    instruction.source = try register(operands, 1)
                }
            }
            instructions.append(instruction)
            return true
        }
        return false
    }

    private mutating func conditional(_ mnemonic: String, _ operands: [String]) throws(Failure) -> Bool {
        let codes: [String: UInt8] = [
            "jeq": 1, "jgt": 2, "jge": 3, "jset": 4, "jne": 5, "jsgt": 6, "jsge": 7, "jlt": 10, "jle": 11, "jslt": 12,
            "jsle": 13,
        ]
        let narrow = mnemonic.hasSuffix("32")
        guard let code = codes[narrow ? String(mnemonic.dropLast(2)) : mnemonic] else { return false }
        var instruction = Instruction(opcode: code << 4 | (narrow ? 6 : 5), destination: try register(operands, 0))
        try secondOperand(operands, &instruction)
        try transfer(instruction, to: try operand(operands, 2), inImmediate: false)
        return true
    }

    private mutating func arithmetic(_ mnemonic: String, _ operands: [String]) throws(Failure) -> Bool {
        for (prefix, opcode): (String, UInt8) in [("le", 0xd4), ("be", 0xdc), ("swap", 0xd7)] {
            if mnemonic.hasPrefix(prefix), let bits = Int32(mnemonic.dropFirst(prefix.count)) {
                instructions.append(
                    Instruction(opcode: opcode, destination: try register(operands, 0), immediate: bits))
                return true
            }
        }
        if mnemonic.hasPrefix("movsx") {
            let parts = mnemonic.dropFirst(5).split(separator: "_")
            guard let first = parts.first, let bits = Int16(first) else { throw fail("unknown mnemonic \(mnemonic)") }
            instructions.append(
                Instruction(
                    opcode: parts.count == 2 ? 0xbc : 0xbf, destination: try register(operands, 0),
                    source: try register(operands, 1), offset: bits))
            return true
        }
        let codes: [String: UInt8] = [
            "add": 0, "sub": 1, "mul": 2, "div": 3, "or": 4, "and": 5, "lsh": 6, "rsh": 7, "neg": 8, "mod": 9,
            "xor": 10, "mov": 11, "arsh": 12,
        ]
        let narrow = mnemonic.hasSuffix("32")
        var name = narrow ? String(mnemonic.dropLast(2)) : mnemonic
        var offset: Int16 = 0
        if name == "sdiv" || name == "smod" {
            name.removeFirst()
            offset = 1
        }
        guard let code = codes[name] else { return false }
        var instruction = Instruction(
            opcode: code << 4 | (narrow ? 4 : 7), destination: try register(operands, 0), offset: offset)
        if code != 8 { try secondOperand(operands, &instruction) }
        instructions.append(instruction)
        return true
    }

    private func secondOperand(_ operands: [String], _ instruction: inout Instruction) throws(Failure) {
        if try operand(operands, 1).hasPrefix("r") {
            instruction.source = try register(operands, 1)
            instruction.opcode |= 8
        } else {
            instruction.immediate = try immediate(operands, 1)
        }
    }

    private mutating func transfer(
        _ instruction: Instruction, to target: String, inImmediate: Bool
    ) throws(Failure) {
        var instruction = instruction
        if target.hasPrefix("+") || target.hasPrefix("-") {
            guard let distance = Int32(target), inImmediate || Int16(exactly: distance) != nil else {
                throw fail("bad distance \(target)")
            }
            if inImmediate { instruction.immediate = distance } else { instruction.offset = Int16(distance) }
        } else {
            references.append((instructions.count, target, inImmediate, line))
        }
        instructions.append(instruction)
    }

    private mutating func resolve() throws(Failure) {
        for reference in references {
            line = reference.line
            guard let target = labels[reference.label] else { throw fail("no label \(reference.label)") }
            let distance = target - reference.slot - 1
            if reference.inImmediate {
                instructions[reference.slot].immediate = Int32(truncatingIfNeeded: distance)
            } else {
                guard let short = Int16(exactly: distance) else { throw fail("\(reference.label) is too far") }
                instructions[reference.slot].offset = short
            }
        }
    }

    private func operand(_ operands: [String], _ index: Int) throws(Failure) -> String {
        guard index < operands.count else { throw fail("operand missing") }
        return operands[index]
    }

    private func register(_ operands: [String], _ index: Int) throws(Failure) -> UInt8 {
        try register(try operand(operands, index))
    }

    private func register(_ text: String) throws(Failure) -> UInt8 {
        guard text.hasPrefix("r"), let number = UInt8(text.dropFirst()), number <= 15 else {
            throw fail("bad register \(text)")
        }
        return number
    }

    private func number(_ operands: [String], _ index: Int) throws(Failure) -> Int64 {
        let text = try operand(operands, index)
        let negative = text.hasPrefix("-")
        let digits = negative ? text.dropFirst() : Substring(text)
        let magnitude = digits.hasPrefix("0x") ? UInt64(digits.dropFirst(2), radix: 16) : UInt64(digits)
        guard let magnitude else { throw fail("bad number \(text)") }
        return negative ? 0 &- Int64(bitPattern: magnitude) : Int64(bitPattern: magnitude)
    }

    private func immediate(_ operands: [String], _ index: Int) throws(Failure) -> Int32 {
        let value = try number(operands, index)
        guard value >= Int64(Int32.min), value <= Int64(UInt32.max) else { throw fail("\(value) needs 64 bits") }
        return Int32(truncatingIfNeeded: value)
    }

    private func address(_ operands: [String], _ index: Int) throws(Failure) -> (UInt8, Int16) {
        let text = try operand(operands, index)
        guard text.hasPrefix("["), text.hasSuffix("]") else { throw fail("bad address \(text)") }
        let inner = text.dropFirst().dropLast()
        let split = inner.firstIndex { $0 == "+" || $0 == "-" } ?? inner.endIndex
        let offset = inner[split...].isEmpty ? 0 : Int16(inner[split...])
        guard let offset else { throw fail("bad offset in \(text)") }
        return (try register(String(inner[..<split])), offset)
    }
}
