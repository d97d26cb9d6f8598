/// Arithmetic, comparisons and jumps.
extension Compiler {
    /// One of the two-operand operations.
    mutating func emitArithmetic(_ operation: Operation, _ slot: Int) {
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
            emitDivision(operation, slot, destination, source, wide)
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
    private mutating func emitDivision(
        _ operation: Operation, _ slot: Int, _ destination: X86, _ source: X86, _ wide: Bool
    ) {
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
        let keepsRemainder = destination != .rdx && !isOverwritten(3, after: slot)
        if keepsRemainder { buffer.push(.rdx) }
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
        if keepsRemainder { buffer.pop(.rdx) }
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

    /// A jump to a slot, written already or later.
    mutating func jump(_ condition: Condition?, to slot: Int) {
        let here = offsets[slot]
        if here != 0 {
            buffer.jumpBack(condition, to: Int(here))
        } else {
            jumps.append((condition.map { buffer.jump($0) } ?? buffer.jump(), slot))
        }
    }

    /// A comparison and its jump, as one pair that the processor fuses.
    mutating func emitConditional(_ operation: Operation) {
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
}
