/// Loads, stores and atomics, and where they go.
extension Compiler {
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
                mask(base)
            } else {
                buffer.address(.rax, base: base, operation.offset, wide: false)
                mask(.rax)
            }
            masked = (number, operation.offset)
        }
        return (.rax, 0)
    }

    /// Puts a number, masked into the arena, into rax. For one size the processor has an instruction that does both.
    mutating func mask(_ source: X86) {
        if input.addressMask == 0xffff {
            buffer.registers0F(0xb7, reg: .rax, rm: source, wide: false)
        } else {
            if source != .rax { buffer.move(.rax, source, wide: false) }
            buffer.basic(.and, .rax, constant: Int32(input.addressMask), wide: false)
        }
    }

    /// A load or a store.
    mutating func emitAccess(_ operation: Operation, _ slot: Int) {
        let (index, displacement) = address(operation, slot)
        emitAccess(operation, index: index, displacement)
    }

    /// A load or a store at a place that is known to be in the arena.
    mutating func emitAccess(_ operation: Operation, index: X86?, _ displacement: Int32) {
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
    mutating func emitAtomic(_ operation: Operation, _ slot: Int) {
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
}
