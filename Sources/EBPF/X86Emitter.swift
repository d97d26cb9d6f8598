/// The x86-64 registers, by their numbers in machine code.
enum X86: UInt8 {
    case rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

    /// What must be told in a prefix.
    var isHigh: Bool { rawValue >= 8 }
    /// What fits into an operand byte.
    var low: UInt8 { rawValue & 7 }
}

/// Conditions, by their numbers in machine code.
enum Condition: UInt8 {
    case below = 2, aboveOrEqual, equal, notEqual, belowOrEqual, above
    case less = 12, greaterOrEqual, lessOrEqual, greater
}

/// The two-operand operations that share one encoding, by their numbers in it.
enum BasicOperation: UInt8 {
    case add = 0, or = 1, and = 4, subtract = 5, xor = 6, compare = 7
}

/// Writes x86-64 instructions: as much of them as the compiler needs, and nothing of eBPF.
///
/// Memory operands are always `[r12 + index + displacement]`, r12 being the arena's base.
extension CodeBuffer {
    @inline(__always)
    private mutating func rex(wide: Bool, _ reg: UInt8, _ index: UInt8, _ base: UInt8, force: Bool = false) {
        let bits = (wide ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3
        if bits != 0 || force { byte(0x40 | bits) }
    }

    /// An instruction with a register and a register or an extension: `opcode`, then the operand byte.
    @inline(__always)
    mutating func registers(_ opcode: UInt8, reg: X86, rm: X86, wide: Bool) {
        rex(wide: wide, reg.rawValue, 0, rm.rawValue)
        byte(opcode)
        byte(0xc0 | reg.low << 3 | rm.low)
    }

    /// The same with a two-byte opcode; `bytes` says that `rm` is a byte register, which needs a prefix to be named.
    mutating func registers0F(_ opcode: UInt8, reg: X86, rm: X86, wide: Bool, bytes: Bool = false) {
        rex(wide: wide, reg.rawValue, 0, rm.rawValue, force: bytes && rm.rawValue >= 4)
        byte(0x0f)
        byte(opcode)
        byte(0xc0 | reg.low << 3 | rm.low)
    }

    /// An instruction whose operand byte holds an extension.
    mutating func extended(_ opcode: UInt8, _ extension: UInt8, rm: X86, wide: Bool) {
        rex(wide: wide, 0, 0, rm.rawValue)
        byte(opcode)
        byte(0xc0 | `extension` << 3 | rm.low)
    }

    mutating func move(_ destination: X86, _ source: X86, wide: Bool) {
        registers(0x89, reg: source, rm: destination, wide: wide)
    }

    /// Loads a constant by the shortest way.
    mutating func move(_ destination: X86, constant: UInt64) {
        if constant == 0 {
            registers(0x31, reg: destination, rm: destination, wide: false)
        } else if constant <= UInt64(UInt32.max) {
            rex(wide: false, 0, 0, destination.rawValue)
            byte(0xb8 | destination.low)
            word(Int32(truncatingIfNeeded: constant))
        } else if let short = Int32(exactly: Int64(bitPattern: constant)) {
            extended(0xc7, 0, rm: destination, wide: true)
            word(short)
        } else {
            rex(wide: true, 0, 0, destination.rawValue)
            byte(0xb8 | destination.low)
            long(constant)
        }
    }

    mutating func basic(_ operation: BasicOperation, _ destination: X86, _ source: X86, wide: Bool) {
        registers(operation.rawValue << 3 | 1, reg: source, rm: destination, wide: wide)
    }

    mutating func basic(_ operation: BasicOperation, _ destination: X86, constant: Int32, wide: Bool) {
        if let short = Int8(exactly: constant) {
            extended(0x83, operation.rawValue, rm: destination, wide: wide)
            byte(UInt8(bitPattern: short))
        } else if destination == .rax {
            rex(wide: wide, 0, 0, 0)
            byte(operation.rawValue << 3 | 5)
            word(constant)
        } else {
            extended(0x81, operation.rawValue, rm: destination, wide: wide)
            word(constant)
        }
    }

    /// Shift by a constant: 4 left, 5 right, 7 right with sign, 0 rotate.
    mutating func shift(_ kind: UInt8, _ register: X86, by count: UInt8, wide: Bool) {
        extended(count == 1 ? 0xd1 : 0xc1, kind, rm: register, wide: wide)
        if count != 1 { byte(count) }
    }

    mutating func push(_ register: X86) {
        rex(wide: false, 0, 0, register.rawValue)
        byte(0x50 | register.low)
    }

    mutating func pop(_ register: X86) {
        rex(wide: false, 0, 0, register.rawValue)
        byte(0x58 | register.low)
    }

    // MARK: Memory

    /// `[r12 + index + displacement]` with a register or an extension in the operand byte.
    mutating func arena(
        _ opcode: UInt8, reg: UInt8, index: X86?, _ displacement: Int32, wide: Bool, prefix: UInt8 = 0,
        isTwoBytes: Bool = false, bytes: Bool = false
    ) {
        if prefix != 0 { byte(prefix) }
        rex(wide: wide, reg, index?.rawValue ?? 0, X86.r12.rawValue, force: bytes && reg >= 4)
        if isTwoBytes { byte(0x0f) }
        byte(opcode)
        let short = Int8(exactly: displacement)
        let mode: UInt8 = displacement == 0 ? 0 : short != nil ? 0x40 : 0x80
        byte(mode | (reg & 7) << 3 | 4)
        byte((index?.low ?? 4) << 3 | X86.r12.low)
        if displacement == 0 { return }
        if let short { byte(UInt8(bitPattern: short)) } else { word(displacement) }
    }

    /// `lea destination, [base + index * 2^scale + displacement]`.
    mutating func address(
        _ destination: X86, base: X86, index: X86? = nil, scale: UInt8 = 0, _ displacement: Int32, wide: Bool
    ) {
        rex(wide: wide, destination.rawValue, index?.rawValue ?? 0, base.rawValue)
        byte(0x8d)
        let short = Int8(exactly: displacement)
        let mode: UInt8 = displacement == 0 && base.low != 5 ? 0 : short != nil ? 0x40 : 0x80
        if let index {
            byte(mode | destination.low << 3 | 4)
            byte(scale << 6 | index.low << 3 | base.low)
        } else {
            byte(mode | destination.low << 3 | base.low)
            if base.low == 4 { byte(0x24) }
        }
        if mode == 0x40 { byte(UInt8(bitPattern: short ?? 0)) }
        if mode == 0x80 { word(displacement) }
    }

    /// Fills with instructions that do nothing, nine bytes each, up to a multiple.
    mutating func align(to multiple: Int) {
        let longs: [[UInt8]] = [
            [], [0x90], [0x66, 0x90], [0x0f, 0x1f, 0x00], [0x0f, 0x1f, 0x40, 0], [0x0f, 0x1f, 0x44, 0, 0],
            [0x66, 0x0f, 0x1f, 0x44, 0, 0], [0x0f, 0x1f, 0x80, 0, 0, 0, 0], [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            [0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
        ]
        var rest = (multiple - position % multiple) % multiple
        while rest > 0 {
            let step = min(rest, 9)
            for value in longs[step] { byte(value) }
            rest -= step
        }
    }

    // MARK: Jumps

    /// A jump with a condition; the place of its distance.
    mutating func jump(_ condition: Condition) -> Int {
        byte(0x0f)
        byte(0x80 | condition.rawValue)
        word(0)
        return position - 4
    }

    /// A jump; the place of its distance.
    mutating func jump() -> Int {
        byte(0xe9)
        word(0)
        return position - 4
    }

    /// A call; the place of its distance.
    mutating func call() -> Int {
        byte(0xe8)
        word(0)
        return position - 4
    }

    /// A jump with a condition over at most 127 bytes; the place of its distance.
    mutating func jumpShort(_ condition: Condition) -> Int {
        byte(0x70 | condition.rawValue)
        byte(0)
        return position - 1
    }

    /// A jump over at most 127 bytes; the place of its distance.
    mutating func jumpShort() -> Int {
        byte(0xeb)
        byte(0)
        return position - 1
    }

    /// A jump back to a place already written, as short as can be.
    mutating func jumpBack(_ condition: Condition?, to target: Int) {
        if let short = Int8(exactly: target - position - 2) {
            byte(condition.map { 0x70 | $0.rawValue } ?? 0xeb)
            byte(UInt8(bitPattern: short))
        } else {
            let place = condition.map { jump($0) } ?? jump()
            link(place, to: target)
        }
    }

    /// Reverses the bytes of a register.
    mutating func swap(_ register: X86, wide: Bool) {
        let prefix: UInt8 = (wide ? 8 : 0) | (register.isHigh ? 1 : 0)
        if prefix != 0 { byte(0x40 | prefix) }
        byte(0x0f)
        byte(0xc8 | register.low)
    }
}
