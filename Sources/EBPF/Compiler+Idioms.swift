/// What compilers write in several instructions because eBPF has no single one, given back as one.
extension Compiler {
    /// One of the forms below, if one begins at this slot; how many slots that took, or zero.
    mutating func emitIdiom(_ operations: [Operation], _ slot: Int) -> Int {
        guard slot + 1 < operations.count, !input.code.isLeader[slot + 1] else { return 0 }
        if slot + 4 < operations.count, emitRotation(operations, slot) { return 4 }
        let taken = emitAddressed(operations, slot)
        if taken > 0 { return taken }
        return emitPair(operations[slot], operations[slot + 1]) ? 2 : 0
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
        if !isOverwritten(spare, after: slot + 3) {
            buffer.move(home(spare), home(value), wide: wide)
            buffer.shift(isLeftFirst ? 4 : 5, home(spare), by: UInt8(one.immediate), wide: wide)
        }
        buffer.shift(0, home(value), by: UInt8(isLeftFirst ? one.immediate : other.immediate), wide: wide)
        forget(spare)
        forget(value)
        return true
    }

    /// An address made of a register, perhaps another, and constants, that only one access uses: it is made where the mask
    /// is put on it, or is a part of the access itself. How many slots that took, or zero.
    private mutating func emitAddressed(_ operations: [Operation], _ slot: Int) -> Int {
        let first = operations[slot]
        let register = first.destination
        guard first.code == .move64Reg, first.source != register, !input.isStrict else { return 0 }
        var index: UInt8?
        var displacement = 0
        var place = slot + 1
        sum: while place < operations.count, place <= slot + 3, !input.code.isLeader[place] {
            let next = operations[place]
            guard next.destination == register else { break }
            switch next.code {
            case .add64Imm: displacement += Int(next.immediate)
            case .add64Reg where next.source != register && index == nil: index = next.source
            default: break sum
            }
            place += 1
        }
        guard place < operations.count, !input.code.isLeader[place] else { return 0 }
        let access = operations[place]
        let isLoad = access.code.isLoad
        guard access.code.width > 0, access.atomicWidth == 0,
            register == (isLoad ? access.source : access.destination),
            isLoad || !access.usesRegister || access.source != register,
            isLoad && access.destination == register || isOverwritten(register, after: place),
            let displacement = Int32(exactly: displacement + Int(access.offset))
        else { return 0 }
        let base = home(first.source)
        switch input.facts[place] {
        case .constant(let address):
            emitAccess(access, index: nil, Int32(bitPattern: address))
        case .inside where index == nil:
            emitAccess(access, index: base, displacement)
        case let fact:
            // What is proved to be inside is the same in 32 bits.
            buffer.address(.rax, base: base, index: index.map { home($0) }, displacement, wide: false)
            if fact == .unproved { mask(.rax) }
            masked = nil
            emitAccess(access, index: .rax, 0)
        }
        forget(register)
        return place + 1 - slot
    }

    /// Whether a register is replaced after a slot before anybody can see it: no operation in between reads it, faults or
    /// goes elsewhere.
    func isOverwritten(_ register: UInt8, after slot: Int) -> Bool {
        var place = slot + 1
        while place < min(input.code.operations.count, slot + 12), !input.code.isLeader[place] {
            let operation = input.code.operations[place]
            guard !operation.endsOrCalls, !(input.isStrict && operation.code.width > 0), !operation.reads(register)
            else { return false }
            if operation.written == register { return true }
            place += 1
        }
        return false
    }
}
