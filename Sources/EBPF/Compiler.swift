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

    /// What unproved addresses are masked with.
    package var addressMask: Int
    /// Functions on the stack at once.
    package var callDepth = Limits.callDepth
    /// Native addresses of helpers that are plain C functions, by their places.
    package var functions: [Int: UInt] = [:]

    init(code: VerifiedCode, arenaSize: Int, isStrict: Bool) {
        self.code = code
        self.arenaSize = arenaSize
        self.isStrict = isStrict
        addressMask = arenaSize - 1
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
    /// What is compiled.
    let input: CompilerInput
    /// Where the machine code goes.
    var buffer: CodeBuffer
    /// Where the code of each slot begins; zero where it is not written yet.
    var offsets: [UInt32]
    /// Where loops begin that are short enough to care where their code lies.
    private var isLoopHead: [Bool]
    /// Distances to fill in when all is written, and the slots they lead to.
    var jumps: [(place: Int, slot: Int)] = []
    /// Jumps that are taken on a fault: their distances, the slots and the kinds.
    var stubs: [(place: Int, slot: Int, code: FaultCode)] = []
    /// Where helpers are called by their place, and by their number.
    var helperThunk = 0
    var numberThunk = 0
    private var faultExit = 0
    private var fuelExit = 0
    /// What rax holds since the last masked access, if nothing has changed it or the base.
    var masked: (base: UInt8, offset: Int32)?

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
    private static let bytesPerOperation = 400
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
    static let homes: InlineArray<11, X86> = [
        .r10, .rdi, .rsi, .rdx, .r8, .r9, .rbx, .r13, .r14, .r15, .rbp,
    ]
    private static let savedByHost: [X86] = [.rbp, .rbx, .r12, .r13, .r14, .r15]

    /// The machine register that holds one of eBPF's.
    @inline(__always)
    func home(_ register: UInt8) -> X86 { Self.homes[Int(register)] }

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

    /// The distance of a field of the state from the arena.
    func state(_ field: Int) -> Int32 { Int32(field) - FANION_EBPF_STATE_SIZE }

    /// Reads a field of the state.
    mutating func load(_ register: X86, _ field: Int) {
        buffer.arena(0x8b, reg: register.rawValue, index: nil, state(field), wide: true)
    }

    /// Writes a field of the state.
    mutating func store(_ register: X86, _ field: Int) {
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
        let taken = emitIdiom(operations, slot)
        if taken > 0 { return taken }
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
            emitArithmetic(operation, slot)
        }
        forget(operation.destination)
    }

    /// Forgets what rax holds if it was made of this register.
    @inline(__always)
    mutating func forget(_ register: UInt8) {
        if masked?.base == register { masked = nil }
    }
}
