internal import CPlatform

/// What the compiler works from.
package struct CompilerInput {
    /// Verified code.
    package var code: VerifiedCode
    /// The arena's size, which masks and limits are made of.
    package var arenaSize: Int
    /// Whether accesses outside the arena fault.
    package var isStrict: Bool
    /// One fact for each slot: which accesses need no mask.
    package var facts: [AccessFact]
    /// For each function that is called, which of r6 to r9 (bits 0 to 3) its caller must save.
    package var writtenRegisters: [Int: UInt8]

    /// Native addresses of helpers that are plain C functions, by their places.
    package var functions: [Int: UInt] = [:]

    init(code: VerifiedCode, arenaSize: Int, isStrict: Bool) {
        self.code = code
        self.arenaSize = arenaSize
        self.isStrict = isStrict
        facts = RangeAnalysis.facts(code, arenaSize: arenaSize, isStrict: isStrict)
        writtenRegisters = FunctionAnalysis.writtenRegisters(code)
    }
}

/// Turns verified code into x86-64 machine code that gives the interpreter's results, faults and fuel.
///
/// One pass, one eBPF instruction at a time, with a look at the next one where the pair has a shorter form. All eleven
/// registers live in registers; r12 holds the arena's base and r11 the fuel; rax and rcx are scratch. The host's state
/// lies before the arena, at negative distances from r12. Native calls and returns do local calls: return addresses and
/// saved registers are on the host's stack. Everything that ends in a fault is behind the code, out of the way.
struct Compiler: ~Copyable {
    private let input: CompilerInput
    private var buffer: CodeBuffer
    private var offsets: [UInt32]
    /// Where loops begin that are short enough to care where their code lies.
    private var isLoopHead: [Bool]
    private var jumps: [(place: Int, slot: Int)] = []
    private var stubs: [(place: Int, slot: Int, code: FaultCode)] = []
    private var helperThunk = 0
    private var numberThunk = 0
    private var faultExit = 0
    private var fuelExit = 0
    /// What rax holds since the last masked access, if nothing has changed it or the base.
    private var masked: (base: UInt8, offset: Int32)?

    /// Machine code, or nil where there is no compiler or no executable memory.
    static func compile(_ input: CompilerInput) -> CompiledCode? {
        #if arch(x86_64)
            guard let buffer = CodeBuffer(capacity: 4096 + input.code.operations.count * bytesPerOperation) else {
                return nil
            }
            let compiler = Compiler(input: input, buffer: buffer)
            return compiler.run()
        #else
            return nil
        #endif
    }

    /// More than the longest operation and its stubs take; pages that are not written cost nothing.
    private static let bytesPerOperation = 320
    private static let longestOperation = 320
    private static let longestAlignedLoop = 24

    private init(input: CompilerInput, buffer: consuming CodeBuffer) {
        self.input = input
        self.buffer = buffer
        offsets = [UInt32](repeating: 0, count: input.code.operations.count)
        isLoopHead = [Bool](repeating: false, count: input.code.operations.count)
        for (slot, operation) in input.code.operations.enumerated() {
            let isJump = operation.code == .jump || operation.code.isConditional
            let length = slot - Int(operation.offset)
            if isJump, length >= 0, length < Self.longestAlignedLoop { isLoopHead[Int(operation.offset)] = true }
        }
    }

    /// Where r0 to r10 live. r6 to r10 and the arena survive the host's calls.
    private static let homes: InlineArray<11, X86> = [
        .r10, .rdi, .rsi, .rdx, .r8, .r9, .rbx, .r13, .r14, .r15, .rbp,
    ]
    private static let savedByHost: [X86] = [.rbp, .rbx, .r12, .r13, .r14, .r15]

    @inline(__always)
    private func home(_ register: UInt8) -> X86 { Self.homes[Int(register)] }

    private consuming func run() -> CompiledCode? {
        emitTrampoline()
        let operations = input.code.operations
        var slot = 0
        while slot < operations.count {
            // A stub is 10 bytes or more for each leader and call, behind the code: they need their room as well.
            guard buffer.hasRoom(Self.longestOperation + 32 * (stubs.count + 4)) else { return nil }
            slot += emit(operations, slot)
        }
        for jump in jumps { buffer.link(jump.place, to: Int(offsets[jump.slot])) }
        for stub in stubs { emitStub(stub.place, stub.slot, stub.code) }
        let size = buffer.position
        let (offsets, table) = (offsets, input.code.functionTable)
        guard let sealed = buffer.seal() else { return nil }
        return CompiledCode(
            memory: sealed.memory, mappedSize: sealed.size, size: size, offsets: offsets, functionTable: table)
    }

    // MARK: The frame around the code

    private func state(_ field: Int) -> Int32 { Int32(field) - FANION_EBPF_STATE_SIZE }

    private mutating func load(_ register: X86, _ field: Int) {
        buffer.arena(0x8b, reg: register.rawValue, index: nil, state(field), wide: true)
    }

    private mutating func store(_ register: X86, _ field: Int) {
        buffer.arena(0x89, reg: register.rawValue, index: nil, state(field), wide: true)
    }

    /// In: the state and five arguments, as C passes them. The program's first function is in the state.
    private mutating func emitTrampoline() {
        for register in Self.savedByHost { buffer.push(register) }
        buffer.address(.r12, base: .rdi, FANION_EBPF_STATE_SIZE, wide: true)
        store(.rsp, StateOffset.stack)
        load(.r11, StateOffset.fuel)
        load(.rax, StateOffset.entry)
        // The order matters: each is read before it is written.
        buffer.move(.rdi, .rsi, wide: true)
        buffer.move(.rsi, .rdx, wide: true)
        buffer.move(.rdx, .rcx, wide: true)
        for register in [X86.r10, .rbx, .r13, .r14, .r15] { buffer.move(register, constant: 0) }
        buffer.move(.rbp, constant: UInt64(input.arenaSize))
        buffer.extended(0xff, 2, rm: .rax, wide: false)
        store(.r11, StateOffset.fuel)
        buffer.move(.rax, .r10, wide: true)
        let epilogue = buffer.position
        for register in Self.savedByHost.reversed() { buffer.pop(register) }
        buffer.byte(0xc3)

        // Out of fuel: the slot in eax.
        fuelExit = buffer.position
        buffer.move(.rcx, constant: FaultCode.outOfFuelInBlock.rawValue)
        // Any fault: the slot in eax, the kind in ecx.
        faultExit = buffer.position
        for number in 0..<SpecConstants.registerCount { store(Self.homes[number], 8 * number) }
        store(.r11, StateOffset.fuel)
        store(.rax, StateOffset.slot)
        store(.rcx, StateOffset.fault)
        let afterHelperFault = buffer.position
        load(.rsp, StateOffset.stack)
        buffer.jumpBack(nil, to: epilogue)

        helperThunk = emitThunk(StateOffset.helper, afterFault: afterHelperFault)
        numberThunk = emitThunk(StateOffset.helperByNumber, afterFault: afterHelperFault)
    }

    /// Calls the host with the helper's place or number (ecx), noting the slot (eax). The stack is aligned in code and
    /// one address off here.
    private mutating func emitThunk(_ field: Int, afterFault: Int) -> Int {
        let start = buffer.position
        for number in 0...5 { store(Self.homes[number], 8 * number) }
        store(.r11, StateOffset.fuel)
        store(.rax, StateOffset.slot)
        buffer.move(.rsi, .rcx, wide: true)
        buffer.address(.rdi, base: .r12, -FANION_EBPF_STATE_SIZE, wide: true)
        buffer.basic(.subtract, .rsp, constant: 8, wide: true)
        buffer.arena(0xff, reg: 2, index: nil, state(field), wide: false)
        buffer.basic(.add, .rsp, constant: 8, wide: true)
        buffer.arena(0x83, reg: 7, index: nil, state(StateOffset.fault), wide: true)
        buffer.byte(0)
        let failed = buffer.jumpShort(.notEqual)
        load(.r11, StateOffset.fuel)
        buffer.move(.r10, .rax, wide: true)
        for number in 1...5 { buffer.move(Self.homes[number], constant: 0) }
        buffer.byte(0xc3)
        buffer.linkShort(failed)
        for number in 6...10 { store(Self.homes[number], 8 * number) }
        buffer.jumpBack(nil, to: afterFault)
        return start
    }

    private mutating func emitStub(_ place: Int, _ slot: Int, _ code: FaultCode) {
        buffer.link(place, to: buffer.position)
        if code == .badAddress || code == .badCallTarget { store(.rax, StateOffset.detail) }
        buffer.move(.rax, constant: UInt64(slot))
        if code == .outOfFuelInBlock {
            buffer.jumpBack(nil, to: fuelExit)
        } else {
            buffer.move(.rcx, constant: code.rawValue)
            buffer.jumpBack(nil, to: faultExit)
        }
    }

    // MARK: Operations

    /// Emits the operation at a slot, or that and the next; how many slots that took.
    private mutating func emit(_ operations: [Operation], _ slot: Int) -> Int {
        let operation = operations[slot]
        if input.code.isLeader[slot] {
            masked = nil
            if isLoopHead[slot] { buffer.align(to: 64) }
            offsets[slot] = UInt32(truncatingIfNeeded: buffer.position)
            if operation.charge > 0 { charge(operation.charge, slot) }
        } else {
            offsets[slot] = UInt32(truncatingIfNeeded: buffer.position)
        }
        if slot + 1 < operations.count, !input.code.isLeader[slot + 1] {
            if slot + 4 < operations.count, emitRotation(operations, slot) { return 4 }
            if slot + 2 < operations.count, !input.code.isLeader[slot + 2], emitIndexedLoad(operations, slot) {
                return 3
            }
            if emitPair(operation, operations[slot + 1]) { return 2 }
        }
        emit(operation, slot)
        return operation.code == .loadImmediate64 ? 2 : 1
    }

    private mutating func charge(_ cost: UInt32, _ slot: Int) {
        buffer.basic(.subtract, .r11, constant: Int32(truncatingIfNeeded: cost), wide: true)
        stubs.append((buffer.jump(.below), slot, .outOfFuelInBlock))
    }

    private mutating func emit(_ operation: Operation, _ slot: Int) {
        let code = operation.code
        let destination = home(operation.destination)
        let source = home(operation.source)
        switch code {
        case .loadImmediate64:
            let high = UInt64(UInt32(bitPattern: input.code.operations[slot + 1].immediate))
            buffer.move(destination, constant: UInt64(UInt32(bitPattern: operation.immediate)) | high << 32)
        case .secondHalf, .nothing:
            return
        case .negate64, .negate32: buffer.extended(0xf7, 3, rm: destination, wide: code == .negate64)
        case .truncate16: buffer.registers0F(0xb7, reg: destination, rm: destination, wide: false)
        case .truncate32: buffer.move(destination, destination, wide: false)
        case .swap16:
            buffer.byte(0x66)
            buffer.shift(0, destination, by: 8, wide: false)
            buffer.registers0F(0xb7, reg: destination, rm: destination, wide: false)
        case .swap32, .swap64: buffer.swap(destination, wide: code == .swap64)
        case .extend8To64: buffer.registers0F(0xbe, reg: destination, rm: source, wide: true, bytes: true)
        case .extend16To64: buffer.registers0F(0xbf, reg: destination, rm: source, wide: true)
        case .extend32To64: buffer.registers(0x63, reg: destination, rm: source, wide: true)
        case .extend8To32: buffer.registers0F(0xbe, reg: destination, rm: source, wide: false, bytes: true)
        case .extend16To32: buffer.registers0F(0xbf, reg: destination, rm: source, wide: false)
        case .jump: jump(nil, to: Int(operation.offset))
        case .exit: buffer.byte(0xc3)
        case .callLocal: emitLocalCall(operation, slot)
        case .callHelper: emitHelperCall(operation, slot)
        case .callIndirect: emitIndirectCall(operation, slot)
        case .atomic32, .atomic64: emitAtomic(operation, slot)
        default:
            if code.isConditional {
                emitConditional(operation)
                return
            }
            if code.width > 0 {
                emitAccess(operation, slot)
                return
            }
            emitArithmetic(operation)
        }
        forget(operation.destination)
    }

    /// Forgets what rax holds if it was made of this register.
    @inline(__always)
    private mutating func forget(_ register: UInt8) {
        if masked?.base == register { masked = nil }
    }

    /// Two operations that one instruction does: what older compilers write for extensions and for sums of two.
    private mutating func emitPair(_ first: Operation, _ second: Operation) -> Bool {
        guard first.destination == second.destination else { return false }
        let destination = home(first.destination)
        switch (first.code, second.code) {
        case (.shiftLeft64Imm, .shiftRight64Imm) where first.immediate == second.immediate:
            switch first.immediate {
            case 32: buffer.move(destination, destination, wide: false)
            case 48: buffer.registers0F(0xb7, reg: destination, rm: destination, wide: false)
            case 56: buffer.registers0F(0xb6, reg: destination, rm: destination, wide: false, bytes: true)
            default: return false
            }
        case (.shiftLeft64Imm, .shiftArithmetic64Imm) where first.immediate == second.immediate:
            switch first.immediate {
            case 32: buffer.registers(0x63, reg: destination, rm: destination, wide: true)
            case 48: buffer.registers0F(0xbf, reg: destination, rm: destination, wide: true)
            case 56: buffer.registers0F(0xbe, reg: destination, rm: destination, wide: true, bytes: true)
            default: return false
            }
        case (.move64Reg, .add64Imm) where first.source != first.destination:
            buffer.address(destination, base: home(first.source), second.immediate, wide: true)
        case (.move64Reg, .add64Reg) where first.source != first.destination && second.source != first.destination:
            buffer.address(destination, base: home(first.source), index: home(second.source), 0, wide: true)
        default:
            return false
        }
        forget(first.destination)
        return true
    }

    /// The four operations that older instruction sets rotate by, as one; the copy is made only if it is seen.
    private mutating func emitRotation(_ operations: [Operation], _ slot: Int) -> Bool {
        let (copy, one) = (operations[slot], operations[slot + 1])
        let (other, join) = (operations[slot + 2], operations[slot + 3])
        let wide: Bool
        let isLeftFirst: Bool
        switch (copy.code, one.code, other.code, join.code) {
        case (.move32Reg, .shiftRight32Imm, .shiftLeft32Imm, .or32Reg): (wide, isLeftFirst) = (false, false)
        case (.move32Reg, .shiftLeft32Imm, .shiftRight32Imm, .or32Reg): (wide, isLeftFirst) = (false, true)
        case (.move64Reg, .shiftRight64Imm, .shiftLeft64Imm, .or64Reg): (wide, isLeftFirst) = (true, false)
        case (.move64Reg, .shiftLeft64Imm, .shiftRight64Imm, .or64Reg): (wide, isLeftFirst) = (true, true)
        default: return false
        }
        let width: Int32 = wide ? 64 : 32
        let (spare, value) = (copy.destination, copy.source)
        guard spare != value, one.destination == spare, other.destination == value, join.destination == value,
            join.source == spare, one.immediate > 0, one.immediate < width, other.immediate == width - one.immediate,
            !input.code.isLeader[slot + 2], !input.code.isLeader[slot + 3]
        else { return false }
        if !isOverwritten(spare, by: operations[slot + 4], slot + 4) {
            buffer.move(home(spare), home(value), wide: wide)
            buffer.shift(isLeftFirst ? 4 : 5, home(spare), by: UInt8(one.immediate), wide: wide)
        }
        buffer.shift(0, home(value), by: UInt8(isLeftFirst ? one.immediate : other.immediate), wide: wide)
        forget(spare)
        forget(value)
        return true
    }

    /// Whether the next operation replaces a register without looking at it, and without a chance to fault before.
    private func isOverwritten(_ register: UInt8, by operation: Operation, _ slot: Int) -> Bool {
        guard operation.destination == register, !input.code.isLeader[slot] else { return false }
        switch operation.code {
        case .move32Imm, .move64Imm, .loadImmediate64: return true
        case .move32Reg, .move64Reg: return operation.source != register
        default: return operation.code.isLoad && operation.source != register && !input.isStrict
        }
    }

    /// A sum of two registers that is only the address of a load into the same register: the sum is made where the mask
    /// is put on it.
    private mutating func emitIndexedLoad(_ operations: [Operation], _ slot: Int) -> Bool {
        let (first, second, third) = (operations[slot], operations[slot + 1], operations[slot + 2])
        let register = first.destination
        guard first.code == .move64Reg, second.code == .add64Reg, third.code.isLoad, !input.isStrict,
            second.destination == register, third.destination == register, third.source == register,
            first.source != register, second.source != register, input.facts[slot + 2] == .unproved
        else { return false }
        buffer.address(
            .rax, base: home(first.source), index: home(second.source), third.offset, wide: false)
        buffer.basic(.and, .rax, constant: Int32(input.arenaSize - 1), wide: false)
        masked = nil
        emitLoad(third, index: .rax, 0)
        return true
    }

    // MARK: Arithmetic

    private mutating func emitArithmetic(_ operation: Operation) {
        let destination = home(operation.destination)
        let source = home(operation.source)
        let wide = operation.code.is64
        let immediate = operation.immediate
        let usesRegister = operation.usesRegister
        switch operation.code.rawValue >> 4 {
        case 0, 1, 4, 10:
            let basic: [BasicOperation] = [.add, .subtract, .add, .add, .or, .add, .add, .add, .add, .add, .xor]
            let kind = basic[Int(operation.code.rawValue >> 4)]
            if usesRegister {
                buffer.basic(kind, destination, source, wide: wide)
            } else {
                buffer.basic(kind, destination, constant: immediate, wide: wide)
            }
        case 5:
            if usesRegister {
                buffer.basic(.and, destination, source, wide: wide)
            } else if immediate == 0xff {
                buffer.registers0F(0xb6, reg: destination, rm: destination, wide: false, bytes: true)
            } else if immediate == 0xffff {
                buffer.registers0F(0xb7, reg: destination, rm: destination, wide: false)
            } else {
                // A mask without sign clears the upper half, as 32-bit operations do.
                buffer.basic(.and, destination, constant: immediate, wide: wide && immediate < 0)
            }
        case 2:
            if usesRegister {
                buffer.registers0F(0xaf, reg: destination, rm: source, wide: wide)
            } else if let short = Int8(exactly: immediate) {
                buffer.registers(0x6b, reg: destination, rm: destination, wide: wide)
                buffer.byte(UInt8(bitPattern: short))
            } else {
                buffer.registers(0x69, reg: destination, rm: destination, wide: wide)
                buffer.word(immediate)
            }
        case 11:
            if usesRegister {
                if destination != source || !wide { buffer.move(destination, source, wide: wide) }
            } else {
                let value = wide ? UInt64(bitPattern: Int64(immediate)) : UInt64(UInt32(bitPattern: immediate))
                buffer.move(destination, constant: value)
            }
        case 6, 7, 12:
            emitShift(operation, destination, source, wide)
        default:
            emitDivision(operation, destination, source, wide)
        }
    }

    private mutating func emitShift(_ operation: Operation, _ destination: X86, _ source: X86, _ wide: Bool) {
        let operationNumber = operation.code.rawValue >> 4
        let kind: UInt8 = operationNumber == 6 ? 4 : operationNumber == 7 ? 5 : 7
        if operation.usesRegister {
            buffer.move(.rcx, source, wide: false)
            buffer.extended(0xd3, kind, rm: destination, wide: wide)
            return
        }
        let count = UInt8(truncatingIfNeeded: operation.immediate) & (wide ? 63 : 31)
        if count > 0 {
            buffer.shift(kind, destination, by: count, wide: wide)
        } else if !wide {
            buffer.move(destination, destination, wide: false)
        }
    }

    /// Division and modulo, RFC 9669 §4.1: zero divides to zero, modulo zero changes nothing, and -1 never overflows.
    private mutating func emitDivision(_ operation: Operation, _ destination: X86, _ source: X86, _ wide: Bool) {
        let number = operation.code.rawValue >> 4
        let isModulo = number == 9 || number == 15
        let isSigned = number >= 14
        if !operation.usesRegister {
            let divisor = operation.immediate
            if divisor == 0 {
                if !isModulo {
                    buffer.move(destination, constant: 0)
                } else if !wide {
                    buffer.move(destination, destination, wide: false)
                }
                return
            }
            if !isSigned, divisor > 0, divisor & (divisor - 1) == 0 {
                if isModulo {
                    buffer.basic(.and, destination, constant: divisor - 1, wide: false)
                } else if divisor > 1 {
                    buffer.shift(5, destination, by: UInt8(divisor.trailingZeroBitCount), wide: wide)
                } else if !wide {
                    buffer.move(destination, destination, wide: false)
                }
                return
            }
            let value = wide ? UInt64(bitPattern: Int64(divisor)) : UInt64(UInt32(bitPattern: divisor))
            buffer.move(.rcx, constant: value)
        } else {
            buffer.move(.rcx, source, wide: wide)
        }
        masked = nil
        var ends: [Int] = []
        var zero: Int?
        if operation.usesRegister {
            buffer.registers(0x85, reg: .rcx, rm: .rcx, wide: wide)
            zero = buffer.jumpShort(.equal)
        }
        if isSigned {
            buffer.basic(.compare, .rcx, constant: -1, wide: wide)
            let ordinary = buffer.jumpShort(.notEqual)
            if isModulo {
                buffer.move(destination, constant: 0)
            } else {
                buffer.extended(0xf7, 3, rm: destination, wide: wide)
            }
            ends.append(buffer.jumpShort())
            buffer.linkShort(ordinary)
        }
        buffer.move(.rax, destination, wide: wide)
        if destination != .rdx { buffer.push(.rdx) }
        if isSigned {
            if wide { buffer.byte(0x48) }
            buffer.byte(0x99)
            buffer.extended(0xf7, 7, rm: .rcx, wide: wide)
        } else {
            buffer.move(.rdx, constant: 0)
            buffer.extended(0xf7, 6, rm: .rcx, wide: wide)
        }
        let result: X86 = isModulo ? .rdx : .rax
        if result != destination { buffer.move(destination, result, wide: wide) }
        if destination != .rdx { buffer.pop(.rdx) }
        if let zero {
            if isModulo, wide {
                buffer.linkShort(zero)
            } else {
                ends.append(buffer.jumpShort())
                buffer.linkShort(zero)
                if isModulo {
                    buffer.move(destination, destination, wide: false)
                } else {
                    buffer.move(destination, constant: 0)
                }
            }
        }
        for end in ends { buffer.linkShort(end) }
    }

    // MARK: Jumps

    private mutating func jump(_ condition: Condition?, to slot: Int) {
        let here = offsets[slot]
        if here != 0 {
            buffer.jumpBack(condition, to: Int(here))
        } else {
            jumps.append((condition.map { buffer.jump($0) } ?? buffer.jump(), slot))
        }
    }

    private mutating func emitConditional(_ operation: Operation) {
        let left = home(operation.destination)
        let wide = operation.code.is64
        let immediate = operation.immediate
        let number = operation.code.rawValue >> 4
        if operation.usesRegister {
            let right = home(operation.source)
            if number == 4 {
                buffer.registers(0x85, reg: right, rm: left, wide: wide)
            } else {
                buffer.basic(.compare, left, right, wide: wide)
            }
        } else if number == 4 {
            buffer.extended(0xf7, 0, rm: left, wide: wide && immediate < 0)
            buffer.word(immediate)
        } else if immediate == 0 {
            buffer.registers(0x85, reg: left, rm: left, wide: wide)
        } else {
            buffer.basic(.compare, left, constant: immediate, wide: wide)
        }
        let condition: Condition =
            switch number {
            case 1: .equal
            case 2: .above
            case 3: .aboveOrEqual
            case 6: .greater
            case 7: .greaterOrEqual
            case 10: .below
            case 11: .belowOrEqual
            case 12: .less
            case 13: .lessOrEqual
            default: .notEqual
            }
        jump(condition, to: Int(operation.offset))
    }

    // MARK: Memory

    /// The index register and displacement that an access goes through, masked or checked unless it is proved.
    private mutating func address(_ operation: Operation, _ slot: Int) -> (index: X86?, displacement: Int32) {
        let number = operation.code.isLoad ? operation.source : operation.destination
        let base = home(number)
        switch input.facts[slot] {
        case .constant(let address): return (nil, Int32(bitPattern: address))
        case .inside: return (base, operation.offset)
        case .unproved: break
        }
        if let masked, masked.base == number, masked.offset == operation.offset, !input.isStrict { return (.rax, 0) }
        if input.isStrict {
            // In range means: address - 16 is at most size - width - 16, unsigned.
            buffer.address(.rax, base: base, operation.offset, wide: true)
            buffer.address(.rcx, base: .rax, -Int32(Limits.firstAddress), wide: true)
            let last = input.arenaSize - operation.code.width - Limits.firstAddress
            buffer.basic(.compare, .rcx, constant: Int32(last), wide: true)
            stubs.append((buffer.jump(.above), slot, .badAddress))
        } else {
            if operation.offset == 0 {
                buffer.move(.rax, base, wide: false)
            } else {
                buffer.address(.rax, base: base, operation.offset, wide: false)
            }
            buffer.basic(.and, .rax, constant: Int32(input.arenaSize - 1), wide: false)
            masked = (number, operation.offset)
        }
        return (.rax, 0)
    }

    private mutating func emitAccess(_ operation: Operation, _ slot: Int) {
        let (index, displacement) = address(operation, slot)
        if operation.code.isLoad {
            emitLoad(operation, index: index, displacement)
            forget(operation.destination)
            return
        }
        let source = home(operation.source).rawValue
        let immediate = operation.immediate
        switch operation.code {
        case .store8Imm:
            buffer.arena(0xc6, reg: 0, index: index, displacement, wide: false)
            buffer.byte(UInt8(truncatingIfNeeded: immediate))
        case .store16Imm:
            buffer.arena(0xc7, reg: 0, index: index, displacement, wide: false, prefix: 0x66)
            buffer.byte(UInt8(truncatingIfNeeded: immediate))
            buffer.byte(UInt8(truncatingIfNeeded: immediate >> 8))
        case .store32Imm, .store64Imm:
            buffer.arena(0xc7, reg: 0, index: index, displacement, wide: operation.code == .store64Imm)
            buffer.word(immediate)
        case .store8Reg: buffer.arena(0x88, reg: source, index: index, displacement, wide: false, bytes: true)
        case .store16Reg: buffer.arena(0x89, reg: source, index: index, displacement, wide: false, prefix: 0x66)
        case .store32Reg: buffer.arena(0x89, reg: source, index: index, displacement, wide: false)
        default: buffer.arena(0x89, reg: source, index: index, displacement, wide: true)
        }
    }

    private mutating func emitLoad(_ operation: Operation, index: X86?, _ displacement: Int32) {
        let register = home(operation.destination).rawValue
        switch operation.code {
        case .load8: buffer.arena(0xb6, reg: register, index: index, displacement, wide: false, isTwoBytes: true)
        case .load16: buffer.arena(0xb7, reg: register, index: index, displacement, wide: false, isTwoBytes: true)
        case .load32: buffer.arena(0x8b, reg: register, index: index, displacement, wide: false)
        case .loadSigned8: buffer.arena(0xbe, reg: register, index: index, displacement, wide: true, isTwoBytes: true)
        case .loadSigned16: buffer.arena(0xbf, reg: register, index: index, displacement, wide: true, isTwoBytes: true)
        case .loadSigned32: buffer.arena(0x63, reg: register, index: index, displacement, wide: true)
        default: buffer.arena(0x8b, reg: register, index: index, displacement, wide: true)
        }
    }

    /// An instance has one thread: no lock prefix.
    private mutating func emitAtomic(_ operation: Operation, _ slot: Int) {
        let (index, displacement) = address(operation, slot)
        let wide = operation.code == .atomic64
        let source = home(operation.source)
        func old(_ buffer: inout CodeBuffer) {
            buffer.arena(0x8b, reg: X86.rcx.rawValue, index: index, displacement, wide: wide)
        }
        func combine(_ opcode: UInt8, _ buffer: inout CodeBuffer) {
            buffer.arena(opcode, reg: source.rawValue, index: index, displacement, wide: wide)
        }
        switch operation.atomic {
        case .add: combine(0x01, &buffer)
        case .or: combine(0x09, &buffer)
        case .and: combine(0x21, &buffer)
        case .xor: combine(0x31, &buffer)
        case .fetchAdd, .fetchOr, .fetchAnd, .fetchXor, .exchange:
            let opcodes: [AtomicOperation: UInt8] = [.fetchAdd: 0x01, .fetchOr: 0x09, .fetchAnd: 0x21, .fetchXor: 0x31]
            old(&buffer)
            combine(operation.atomic.flatMap { opcodes[$0] } ?? 0x89, &buffer)
            buffer.move(source, .rcx, wide: wide)
            forget(operation.source)
        case .compareExchange, nil:
            old(&buffer)
            buffer.basic(.compare, .rcx, home(0), wide: wide)
            let different = buffer.jumpShort(.notEqual)
            combine(0x89, &buffer)
            buffer.linkShort(different)
            buffer.move(home(0), .rcx, wide: wide)
            forget(0)
        }
    }

    // MARK: Calls

    private var deepestFrame: Int32 {
        Int32(input.arenaSize - (Limits.callDepth - 1) * SpecConstants.frameSize)
    }

    /// The frame pointer says how deep we are: no program can write it.
    private mutating func checkDepth(_ slot: Int) {
        buffer.basic(.compare, .rbp, constant: deepestFrame, wide: false)
        stubs.append((buffer.jump(.equal), slot, .callTooDeep))
    }

    private mutating func emitLocalCall(_ operation: Operation, _ slot: Int) {
        masked = nil
        checkDepth(slot)
        let written = input.writtenRegisters[Int(operation.offset)] ?? 15
        enterFrame(saving: written)
        let target = Int(operation.offset)
        let place = buffer.call()
        if offsets[target] != 0 { buffer.link(place, to: Int(offsets[target])) } else { jumps.append((place, target)) }
        leaveFrame(saving: written)
    }

    /// Pushes what the callee may change, and keeps the stack aligned: with the return address an even count.
    private mutating func enterFrame(saving written: UInt8) {
        for bit in 0..<4 as Range<UInt8> where written >> bit & 1 != 0 { buffer.push(home(6 + bit)) }
        if written.nonzeroBitCount % 2 == 0 { buffer.basic(.subtract, .rsp, constant: 8, wide: true) }
        buffer.basic(.subtract, .rbp, constant: Int32(SpecConstants.frameSize), wide: false)
    }

    private mutating func leaveFrame(saving written: UInt8) {
        buffer.basic(.add, .rbp, constant: Int32(SpecConstants.frameSize), wide: false)
        if written.nonzeroBitCount % 2 == 0 { buffer.basic(.add, .rsp, constant: 8, wide: true) }
        for bit in (0..<4 as Range<UInt8>).reversed() where written >> bit & 1 != 0 { buffer.pop(home(6 + bit)) }
    }

    private mutating func emitHelperCall(_ operation: Operation, _ slot: Int) {
        masked = nil
        if let function = input.functions[Int(operation.immediate)] {
            emitDirectCall(function)
            return
        }
        buffer.move(.rcx, constant: UInt64(operation.immediate))
        buffer.move(.rax, constant: UInt64(slot))
        buffer.link(buffer.call(), to: helperThunk)
    }

    /// A C function of numbers: five arguments and the host's pointer. It can neither fault nor see registers.
    private mutating func emitDirectCall(_ function: UInt) {
        store(.r11, StateOffset.fuel)
        buffer.move(.rcx, .r8, wide: true)
        buffer.move(.r8, .r9, wide: true)
        load(.r9, StateOffset.host)
        buffer.move(.rax, constant: UInt64(function))
        buffer.extended(0xff, 2, rm: .rax, wide: false)
        load(.r11, StateOffset.fuel)
        buffer.move(.r10, .rax, wide: true)
        for number in 1...5 { buffer.move(Self.homes[number], constant: 0) }
    }

    /// By handle through the table of address-taken functions, or by number to a granted helper; else a fault.
    private mutating func emitIndirectCall(_ operation: Operation, _ slot: Int) {
        masked = nil
        let count = input.code.functionTable.count
        buffer.move(.rax, home(operation.destination), wide: true)
        buffer.move(.rcx, .rax, wide: true)
        buffer.shift(5, .rcx, by: 32, wide: true)
        let isNumber = buffer.jumpShort(.equal)
        var done: Int?
        if count == 0 {
            stubs.append((buffer.jump(), slot, .badCallTarget))
        } else {
            buffer.basic(.compare, .rcx, constant: 1, wide: true)
            stubs.append((buffer.jump(.notEqual), slot, .badCallTarget))
            buffer.move(.rcx, .rax, wide: false)
            buffer.basic(.compare, .rcx, constant: Int32(count), wide: true)
            stubs.append((buffer.jump(.aboveOrEqual), slot, .badCallTarget))
            // A wrong guess above must not read past the table.
            buffer.basic(.and, .rcx, constant: Int32(CompiledCode.paddedCount(count) - 1), wide: false)
            load(.rax, StateOffset.functions)
            // mov rcx, [rax + rcx * 8]
            for byte: UInt8 in [0x48, 0x8b, 0x0c, 0xc8] { buffer.byte(byte) }
            checkDepth(slot)
            enterFrame(saving: 15)
            buffer.extended(0xff, 2, rm: .rcx, wide: false)
            leaveFrame(saving: 15)
            done = buffer.jumpShort()
        }
        buffer.linkShort(isNumber)
        buffer.move(.rcx, .rax, wide: false)
        buffer.move(.rax, constant: UInt64(slot))
        buffer.link(buffer.call(), to: numberThunk)
        if let done { buffer.linkShort(done) }
    }
}

extension CodeBuffer {
    /// Reverses the bytes of a register.
    mutating func swap(_ register: X86, wide: Bool) {
        let prefix: UInt8 = (wide ? 8 : 0) | (register.isHigh ? 1 : 0)
        if prefix != 0 { byte(0x40 | prefix) }
        byte(0x0f)
        byte(0xc8 | register.low)
    }
}
