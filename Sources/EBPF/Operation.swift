/// Every operation the machine knows, after decoding.
///
/// Where an eBPF opcode byte means one thing, that byte is the raw value, so that compilers can read its fields: class
/// in bits 0-2, register operand in bit 3, operation in bits 4-7. Where the byte means several things (signed
/// division, sign extension, atomics, calls), the variants take bytes that eBPF leaves free.
package enum OpCode: UInt8, Sendable {
    // Arithmetic. Operations 14 and 15, free in eBPF, are signed division and modulo (eBPF: offset 1).
    case add32Imm = 0x04, add32Reg = 0x0c, add64Imm = 0x07, add64Reg = 0x0f
    case subtract32Imm = 0x14, subtract32Reg = 0x1c, subtract64Imm = 0x17, subtract64Reg = 0x1f
    case multiply32Imm = 0x24, multiply32Reg = 0x2c, multiply64Imm = 0x27, multiply64Reg = 0x2f
    case divide32Imm = 0x34, divide32Reg = 0x3c, divide64Imm = 0x37, divide64Reg = 0x3f
    case or32Imm = 0x44, or32Reg = 0x4c, or64Imm = 0x47, or64Reg = 0x4f
    case and32Imm = 0x54, and32Reg = 0x5c, and64Imm = 0x57, and64Reg = 0x5f
    case shiftLeft32Imm = 0x64, shiftLeft32Reg = 0x6c, shiftLeft64Imm = 0x67, shiftLeft64Reg = 0x6f
    case shiftRight32Imm = 0x74, shiftRight32Reg = 0x7c, shiftRight64Imm = 0x77, shiftRight64Reg = 0x7f
    case modulo32Imm = 0x94, modulo32Reg = 0x9c, modulo64Imm = 0x97, modulo64Reg = 0x9f
    case xor32Imm = 0xa4, xor32Reg = 0xac, xor64Imm = 0xa7, xor64Reg = 0xaf
    case move32Imm = 0xb4, move32Reg = 0xbc, move64Imm = 0xb7, move64Reg = 0xbf
    case shiftArithmetic32Imm = 0xc4, shiftArithmetic32Reg = 0xcc
    case shiftArithmetic64Imm = 0xc7, shiftArithmetic64Reg = 0xcf
    case divideSigned32Imm = 0xe4, divideSigned32Reg = 0xec, divideSigned64Imm = 0xe7, divideSigned64Reg = 0xef
    case moduloSigned32Imm = 0xf4, moduloSigned32Reg = 0xfc, moduloSigned64Imm = 0xf7, moduloSigned64Reg = 0xff
    case negate32 = 0x84, negate64 = 0x87
    // Byte order on a little-endian machine: cut off, or swap.
    case truncate16 = 0xd4, truncate32 = 0xdc, nothing = 0x01
    case swap16 = 0x02, swap32 = 0x03, swap64 = 0xd7
    // Sign extension.
    case extend8To64 = 0x09, extend16To64 = 0x0a, extend32To64 = 0x0b, extend8To32 = 0x11, extend16To32 = 0x12

    // Constants of 64 bits take two slots; the second keeps the high half.
    case loadImmediate64 = 0x18, secondHalf = 0x00

    // Memory.
    case load8 = 0x71, load16 = 0x69, load32 = 0x61, load64 = 0x79
    case loadSigned8 = 0x91, loadSigned16 = 0x89, loadSigned32 = 0x81
    case store8Imm = 0x72, store16Imm = 0x6a, store32Imm = 0x62, store64Imm = 0x7a
    case store8Reg = 0x73, store16Reg = 0x6b, store32Reg = 0x63, store64Reg = 0x7b
    // Read-modify-write; the immediate says which.
    case atomic32 = 0xc3, atomic64 = 0xdb

    // Jumps; `target` is a slot.
    case jump = 0x05
    case jumpEqual64Imm = 0x15, jumpEqual64Reg = 0x1d
    case jumpEqual32Imm = 0x16, jumpEqual32Reg = 0x1e
    case jumpGreater64Imm = 0x25, jumpGreater64Reg = 0x2d
    case jumpGreater32Imm = 0x26, jumpGreater32Reg = 0x2e
    case jumpGreaterOrEqual64Imm = 0x35, jumpGreaterOrEqual64Reg = 0x3d
    case jumpGreaterOrEqual32Imm = 0x36, jumpGreaterOrEqual32Reg = 0x3e
    case jumpSet64Imm = 0x45, jumpSet64Reg = 0x4d
    case jumpSet32Imm = 0x46, jumpSet32Reg = 0x4e
    case jumpNotEqual64Imm = 0x55, jumpNotEqual64Reg = 0x5d
    case jumpNotEqual32Imm = 0x56, jumpNotEqual32Reg = 0x5e
    case jumpSignedGreater64Imm = 0x65, jumpSignedGreater64Reg = 0x6d
    case jumpSignedGreater32Imm = 0x66, jumpSignedGreater32Reg = 0x6e
    case jumpSignedGreaterOrEqual64Imm = 0x75, jumpSignedGreaterOrEqual64Reg = 0x7d
    case jumpSignedGreaterOrEqual32Imm = 0x76, jumpSignedGreaterOrEqual32Reg = 0x7e
    case jumpLess64Imm = 0xa5, jumpLess64Reg = 0xad
    case jumpLess32Imm = 0xa6, jumpLess32Reg = 0xae
    case jumpLessOrEqual64Imm = 0xb5, jumpLessOrEqual64Reg = 0xbd
    case jumpLessOrEqual32Imm = 0xb6, jumpLessOrEqual32Reg = 0xbe
    case jumpSignedLess64Imm = 0xc5, jumpSignedLess64Reg = 0xcd
    case jumpSignedLess32Imm = 0xc6, jumpSignedLess32Reg = 0xce
    case jumpSignedLessOrEqual64Imm = 0xd5, jumpSignedLessOrEqual64Reg = 0xdd
    case jumpSignedLessOrEqual32Imm = 0xd6, jumpSignedLessOrEqual32Reg = 0xde
    case callHelper = 0x85, callLocal = 0x86, callIndirect = 0x8d, exit = 0x95

    /// Whether this is one of the two-operand arithmetic operations.
    package var isArithmetic: Bool {
        let kind = rawValue & 7
        return (kind == 4 || kind == 7) && rawValue >> 4 != 8 && rawValue >> 4 != 13
    }

    /// Fuel for it: as much more than one as it takes longer.
    var price: UInt32 {
        switch self {
        case .divide32Imm, .divide32Reg, .divide64Imm, .divide64Reg, .modulo32Imm, .modulo32Reg, .modulo64Imm,
            .modulo64Reg, .divideSigned32Imm, .divideSigned32Reg, .divideSigned64Imm, .divideSigned64Reg,
            .moduloSigned32Imm, .moduloSigned32Reg, .moduloSigned64Imm, .moduloSigned64Reg:
            16
        default: 1
        }
    }

    /// Whether this is a jump that compares.
    package var isConditional: Bool {
        let kind = rawValue & 7
        let operation = rawValue >> 4
        return (kind == 5 || kind == 6) && operation != 0 && operation != 8 && operation != 9
    }

    /// Whether arithmetic or a comparison is done in 64 bits.
    package var is64: Bool { rawValue & 7 == 7 || rawValue & 7 == 5 }

    /// Whether the second operand is a register.
    package var usesRegister: Bool {
        switch rawValue & 7 {
        case 2: false
        case 3: true
        default: rawValue & 8 != 0
        }
    }

    /// The bytes that a load or a store touches, zero for all else.
    package var width: Int {
        switch self {
        case .load8, .loadSigned8, .store8Imm, .store8Reg: 1
        case .load16, .loadSigned16, .store16Imm, .store16Reg: 2
        case .load32, .loadSigned32, .store32Imm, .store32Reg, .atomic32: 4
        case .load64, .store64Imm, .store64Reg, .atomic64: 8
        default: 0
        }
    }

    /// Whether this reads memory into its destination and takes the address from its source.
    package var isLoad: Bool {
        switch self {
        case .load8, .load16, .load32, .load64, .loadSigned8, .loadSigned16, .loadSigned32: true
        default: false
        }
    }
}

/// The sub-operations of ``OpCode/atomic32`` and ``OpCode/atomic64``, as the immediate spells them.
package enum AtomicOperation: Int32, Sendable {
    case add = 0x00, or = 0x40, and = 0x50, xor = 0xa0
    case fetchAdd = 0x01, fetchOr = 0x41, fetchAnd = 0x51, fetchXor = 0xa1
    case exchange = 0xe1, compareExchange = 0xf1
}

/// One decoded instruction, ready for the interpreter and the compiler.
///
/// There is one per slot, so that slot numbers mean the same everywhere.
package struct Operation: Sendable {
    /// What to do.
    package var code: OpCode {
        didSet { usesRegister = code.usesRegister }
    }
    /// The destination register, 0 to 10.
    package var destination: UInt8
    /// The source register, 0 to 10.
    package var source: UInt8
    /// Whether the second operand is a register; kept here because the interpreter asks every time.
    package private(set) var usesRegister: Bool
    /// Added to an address; for jumps and local calls the target's slot.
    package var offset: Int32
    /// A constant; the low half of a wide one; for helper calls the helper's place in the module's table.
    package var immediate: Int32
    /// The fuel for what begins here; zero inside a block, and where an earlier block has paid.
    package var charge: UInt32

    /// An operation; the rest are its fields.
    package init(
        code: OpCode, destination: UInt8 = 0, source: UInt8 = 0, offset: Int32 = 0, immediate: Int32 = 0,
        charge: UInt32 = 0
    ) {
        self.code = code
        self.destination = destination
        self.source = source
        usesRegister = code.usesRegister
        self.offset = offset
        self.immediate = immediate
        self.charge = charge
    }

    /// The operation in memory that an atomic does.
    package var atomic: AtomicOperation? { AtomicOperation(rawValue: immediate) }

    /// The register that this replaces, if any; what calls do to registers is not told here.
    package var written: UInt8? {
        switch code {
        case .secondHalf, .nothing, .jump, .exit, .callHelper, .callLocal, .callIndirect: return nil
        case .atomic32, .atomic64: return AtomicMemory.destination(self).map { UInt8($0) }
        default:
            if code.isConditional { return nil }
            return code.width > 0 && !code.isLoad ? nil : destination
        }
    }

    /// Whether this looks at a register; calls look at all.
    package func reads(_ register: UInt8) -> Bool {
        switch code {
        case .secondHalf, .nothing, .jump, .loadImmediate64, .move32Imm, .move64Imm: return false
        case .callHelper, .callLocal, .callIndirect, .exit: return true
        case .move32Reg, .move64Reg, .extend8To64, .extend16To64, .extend32To64, .extend8To32, .extend16To32:
            return source == register
        case .atomic32, .atomic64: return destination == register || source == register || register == 0
        default:
            if code.isLoad { return source == register }
            return destination == register || usesRegister && source == register
        }
    }

    /// Whether what follows in the code is not simply what is done next.
    package var endsOrCalls: Bool {
        switch code {
        case .jump, .exit, .callHelper, .callLocal, .callIndirect: true
        default: code.isConditional
        }
    }

    /// The bytes that an atomic touches, zero for all else.
    package var atomicWidth: Int { code == .atomic32 || code == .atomic64 ? code.width : 0 }
}
