internal import CPlatform

/// Runs verified code one operation at a time: the reference that the compiler must equal, and the engine wherever
/// there is no compiler.
///
/// Registers live in the instance's state, so a fault finds them there. Return addresses and the saved r6 to r9 live on
/// the host's stack, out of any program's reach.
struct Interpreter {
    let operations: UnsafePointer<Operation>
    let functions: UnsafeBufferPointer<Int>
    let isStrict: Bool

    /// Memory accesses of one run: where they go, and what was wrong with the last.
    private struct Bounds {
        let mask: UInt64
        let isStrict: Bool
        var badAddress: UInt64 = 0

        /// The place in the arena of an access, masked; or nil in strict mode, when the mask would change it.
        @inline(__always)
        mutating func place(_ base: UInt64, _ offset: Int32, _ width: UInt64) -> Int? {
            // Wrapping is what the program asked for; the mask confines whatever comes out.
            let address = base &+ UInt64(bitPattern: Int64(offset))
            if isStrict, address < Limits.firstAddress || address > mask &+ 1 &- width {
                badAddress = address
                return nil
            }
            return Int(truncatingIfNeeded: address & mask)
        }
    }

    /// Runs from a function's first slot to its exit, or to a fault, which is left in the state.
    func run(_ state: UnsafeMutablePointer<fanion_ebpf_state>, from entry: Int) -> UInt64 {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Limits.callDepth * Self.frameWords) { frames in
            run(state, from: entry, frames: frames)
        }
    }

    /// A return slot and r6 to r9.
    private static let frameWords = 5

    private func run(
        _ state: UnsafeMutablePointer<fanion_ebpf_state>, from entry: Int, frames: UnsafeMutableBufferPointer<UInt64>
    ) -> UInt64 {
        // Safe: every register number, target and place in `operations` was checked by the verifier; memory is reached
        // through `bounds` alone.
        let r = state.registers
        let arena = state.arena
        var bounds = Bounds(mask: state.pointee.arena_size - 1, isStrict: isStrict)
        var fuel = state.pointee.fuel
        var depth = 0
        var slot = entry

        loop: while true {
            let operation = operations[slot]
            let charge = UInt64(operation.charge)
            guard fuel >= charge else {
                state.fail(.outOfFuel, detail: 0)
                state.pointee.slot = UInt64(slot)
                state.pointee.fuel = fuel
                return 0
            }
            fuel &-= charge  // Cannot wrap: checked above.
            let d = Int(operation.destination)
            let s = Int(operation.source)
            let value = operation.usesRegister ? r[s] : UInt64(bitPattern: Int64(operation.immediate))
            var next = slot &+ 1  // Cannot wrap: below 2^18.

            switch operation.code {
            // Arithmetic: wraps, by RFC 9669 §4.1.
            case .add64Imm, .add64Reg: r[d] = r[d] &+ value
            case .add32Imm, .add32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] &+ value))
            case .subtract64Imm, .subtract64Reg: r[d] = r[d] &- value
            case .subtract32Imm, .subtract32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] &- value))
            case .multiply64Imm, .multiply64Reg: r[d] = r[d] &* value
            case .multiply32Imm, .multiply32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] &* value))
            case .or64Imm, .or64Reg: r[d] = r[d] | value
            case .or32Imm, .or32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] | value))
            case .and64Imm, .and64Reg: r[d] = r[d] & value
            case .and32Imm, .and32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] & value))
            case .xor64Imm, .xor64Reg: r[d] = r[d] ^ value
            case .xor32Imm, .xor32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: r[d] ^ value))
            case .move64Imm, .move64Reg: r[d] = value
            case .move32Imm, .move32Reg: r[d] = UInt64(UInt32(truncatingIfNeeded: value))
            case .divide64Imm, .divide64Reg:
                r[d] = Arithmetic.divide(r[d], value)
            case .divide32Imm, .divide32Reg:
                r[d] = UInt64(Arithmetic.divide(low(r[d]), low(value)))
            case .modulo64Imm, .modulo64Reg:
                r[d] = Arithmetic.modulo(r[d], value)
            case .modulo32Imm, .modulo32Reg:
                r[d] = UInt64(Arithmetic.modulo(low(r[d]), low(value)))
            case .divideSigned64Imm, .divideSigned64Reg:
                r[d] = Arithmetic.divideSigned(r[d], value)
            case .divideSigned32Imm, .divideSigned32Reg:
                r[d] = UInt64(Arithmetic.divideSigned(low(r[d]), low(value)))
            case .moduloSigned64Imm, .moduloSigned64Reg:
                r[d] = Arithmetic.moduloSigned(r[d], value)
            case .moduloSigned32Imm, .moduloSigned32Reg:
                r[d] = UInt64(Arithmetic.moduloSigned(low(r[d]), low(value)))
            case .shiftLeft64Imm, .shiftLeft64Reg:
                r[d] = r[d] &<< value
            case .shiftLeft32Imm, .shiftLeft32Reg:
                r[d] = UInt64(low(r[d]) &<< low(value))
            case .shiftRight64Imm, .shiftRight64Reg:
                r[d] = r[d] &>> value
            case .shiftRight32Imm, .shiftRight32Reg:
                r[d] = UInt64(low(r[d]) &>> low(value))
            case .shiftArithmetic64Imm, .shiftArithmetic64Reg:
                r[d] = UInt64(bitPattern: Int64(bitPattern: r[d]) &>> Int64(bitPattern: value))
            case .shiftArithmetic32Imm, .shiftArithmetic32Reg:
                r[d] = UInt64(UInt32(bitPattern: Int32(truncatingIfNeeded: r[d]) &>> Int32(truncatingIfNeeded: value)))
            case .negate64: r[d] = 0 &- r[d]
            case .negate32: r[d] = UInt64(0 &- low(r[d]))
            case .truncate16: r[d] &= 0xffff
            case .truncate32: r[d] &= 0xffff_ffff
            case .swap16: r[d] = UInt64(UInt16(truncatingIfNeeded: r[d]).byteSwapped)
            case .swap32: r[d] = UInt64(low(r[d]).byteSwapped)
            case .swap64: r[d] = r[d].byteSwapped
            case .extend8To64: r[d] = UInt64(bitPattern: Int64(Int8(truncatingIfNeeded: r[s])))
            case .extend16To64: r[d] = UInt64(bitPattern: Int64(Int16(truncatingIfNeeded: r[s])))
            case .extend32To64: r[d] = UInt64(bitPattern: Int64(signed(r[s])))
            case .extend8To32: r[d] = UInt64(UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: r[s]))))
            case .extend16To32: r[d] = UInt64(UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: r[s]))))
            case .loadImmediate64:
                let high = UInt32(bitPattern: operations[next].immediate)
                r[d] = UInt64(UInt32(bitPattern: operation.immediate)) | UInt64(high) << 32
                next &+= 1
            case .nothing, .secondHalf: break

            // Memory.
            case .load8:
                guard let at = bounds.place(r[s], operation.offset, 1) else { break loop }
                r[d] = UInt64((arena + at).loadUnaligned(as: UInt8.self))
            case .load16:
                guard let at = bounds.place(r[s], operation.offset, 2) else { break loop }
                r[d] = UInt64((arena + at).loadUnaligned(as: UInt16.self))
            case .load32:
                guard let at = bounds.place(r[s], operation.offset, 4) else { break loop }
                r[d] = UInt64((arena + at).loadUnaligned(as: UInt32.self))
            case .load64:
                guard let at = bounds.place(r[s], operation.offset, 8) else { break loop }
                r[d] = (arena + at).loadUnaligned(as: UInt64.self)
            case .loadSigned8:
                guard let at = bounds.place(r[s], operation.offset, 1) else { break loop }
                r[d] = UInt64(bitPattern: Int64((arena + at).loadUnaligned(as: Int8.self)))
            case .loadSigned16:
                guard let at = bounds.place(r[s], operation.offset, 2) else { break loop }
                r[d] = UInt64(bitPattern: Int64((arena + at).loadUnaligned(as: Int16.self)))
            case .loadSigned32:
                guard let at = bounds.place(r[s], operation.offset, 4) else { break loop }
                r[d] = UInt64(bitPattern: Int64((arena + at).loadUnaligned(as: Int32.self)))
            case .store8Imm, .store8Reg:
                guard let at = bounds.place(r[d], operation.offset, 1) else { break loop }
                (arena + at).storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
            case .store16Imm, .store16Reg:
                guard let at = bounds.place(r[d], operation.offset, 2) else { break loop }
                (arena + at).storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
            case .store32Imm, .store32Reg:
                guard let at = bounds.place(r[d], operation.offset, 4) else { break loop }
                (arena + at).storeBytes(of: UInt32(truncatingIfNeeded: value), as: UInt32.self)
            case .store64Imm, .store64Reg:
                guard let at = bounds.place(r[d], operation.offset, 8) else { break loop }
                (arena + at).storeBytes(of: UInt64(truncatingIfNeeded: value), as: UInt64.self)
            case .atomic32:
                guard let at = bounds.place(r[d], operation.offset, 4) else { break loop }
                let old = (arena + at).loadUnaligned(as: UInt32.self)
                let new = AtomicMemory.apply(operation, old: old, source: low(r[s]), expected: low(r[0]))
                (arena + at).storeBytes(of: new, as: UInt32.self)
                if let place = AtomicMemory.destination(operation) { r[place] = UInt64(old) }
            case .atomic64:
                guard let at = bounds.place(r[d], operation.offset, 8) else { break loop }
                let old = (arena + at).loadUnaligned(as: UInt64.self)
                let new = AtomicMemory.apply(operation, old: old, source: r[s], expected: r[0])
                (arena + at).storeBytes(of: new, as: UInt64.self)
                if let place = AtomicMemory.destination(operation) { r[place] = old }

            // Jumps.
            case .jump: next = Int(operation.offset)
            case .jumpEqual64Imm, .jumpEqual64Reg: if r[d] == value { next = Int(operation.offset) }
            case .jumpEqual32Imm, .jumpEqual32Reg: if low(r[d]) == low(value) { next = Int(operation.offset) }
            case .jumpNotEqual64Imm, .jumpNotEqual64Reg: if r[d] != value { next = Int(operation.offset) }
            case .jumpNotEqual32Imm, .jumpNotEqual32Reg: if low(r[d]) != low(value) { next = Int(operation.offset) }
            case .jumpGreater64Imm, .jumpGreater64Reg: if r[d] > value { next = Int(operation.offset) }
            case .jumpGreater32Imm, .jumpGreater32Reg: if low(r[d]) > low(value) { next = Int(operation.offset) }
            case .jumpGreaterOrEqual64Imm, .jumpGreaterOrEqual64Reg: if r[d] >= value { next = Int(operation.offset) }
            case .jumpGreaterOrEqual32Imm, .jumpGreaterOrEqual32Reg:
                if low(r[d]) >= low(value) { next = Int(operation.offset) }
            case .jumpLess64Imm, .jumpLess64Reg: if r[d] < value { next = Int(operation.offset) }
            case .jumpLess32Imm, .jumpLess32Reg: if low(r[d]) < low(value) { next = Int(operation.offset) }
            case .jumpLessOrEqual64Imm, .jumpLessOrEqual64Reg: if r[d] <= value { next = Int(operation.offset) }
            case .jumpLessOrEqual32Imm, .jumpLessOrEqual32Reg:
                if low(r[d]) <= low(value) { next = Int(operation.offset) }
            case .jumpSignedGreater64Imm, .jumpSignedGreater64Reg:
                if Int64(bitPattern: r[d]) > Int64(bitPattern: value) { next = Int(operation.offset) }
            case .jumpSignedGreater32Imm, .jumpSignedGreater32Reg:
                if signed(r[d]) > signed(value) { next = Int(operation.offset) }
            case .jumpSignedGreaterOrEqual64Imm, .jumpSignedGreaterOrEqual64Reg:
                if Int64(bitPattern: r[d]) >= Int64(bitPattern: value) { next = Int(operation.offset) }
            case .jumpSignedGreaterOrEqual32Imm, .jumpSignedGreaterOrEqual32Reg:
                if signed(r[d]) >= signed(value) { next = Int(operation.offset) }
            case .jumpSignedLess64Imm, .jumpSignedLess64Reg:
                if Int64(bitPattern: r[d]) < Int64(bitPattern: value) { next = Int(operation.offset) }
            case .jumpSignedLess32Imm, .jumpSignedLess32Reg:
                if signed(r[d]) < signed(value) { next = Int(operation.offset) }
            case .jumpSignedLessOrEqual64Imm, .jumpSignedLessOrEqual64Reg:
                if Int64(bitPattern: r[d]) <= Int64(bitPattern: value) { next = Int(operation.offset) }
            case .jumpSignedLessOrEqual32Imm, .jumpSignedLessOrEqual32Reg:
                if signed(r[d]) <= signed(value) { next = Int(operation.offset) }
            case .jumpSet64Imm, .jumpSet64Reg: if r[d] & value != 0 { next = Int(operation.offset) }
            case .jumpSet32Imm, .jumpSet32Reg: if low(r[d] & value) != 0 { next = Int(operation.offset) }

            // Calls.
            case .callLocal, .callIndirect:
                var target = Int(operation.offset)
                if operation.code == .callIndirect {
                    let handle = r[d]
                    guard let function = function(handle) else {
                        state.pointee.slot = UInt64(slot)
                        state.pointee.fuel = fuel
                        guard callAny(state, handle) else { return 0 }
                        fuel = state.pointee.fuel
                        break
                    }
                    target = function
                }
                guard depth < Limits.callDepth - 1 else {
                    state.fail(.callTooDeep, detail: 0)
                    state.pointee.slot = UInt64(slot)
                    state.pointee.fuel = fuel
                    return 0
                }
                frames[depth * Self.frameWords] = UInt64(next)
                for saved in 1..<Self.frameWords { frames[depth * Self.frameWords + saved] = r[5 + saved] }
                depth += 1
                r[10] -= UInt64(SpecConstants.frameSize)
                next = target
            case .callHelper:
                state.pointee.slot = UInt64(slot)
                state.pointee.fuel = fuel
                let result = callHelper(state, UInt64(operation.immediate))
                fuel = state.pointee.fuel
                guard finishHelper(state, result) else { return 0 }
            case .exit:
                guard depth > 0 else {
                    state.pointee.fuel = fuel
                    return r[0]
                }
                depth -= 1
                for saved in 1..<Self.frameWords { r[5 + saved] = frames[depth * Self.frameWords + saved] }
                r[10] += UInt64(SpecConstants.frameSize)
                next = Int(frames[depth * Self.frameWords])
            }
            slot = next
        }

        // Only an access that strict mode refuses comes here.
        state.fail(.badAddress, detail: bounds.badAddress)
        state.pointee.slot = UInt64(slot)
        state.pointee.fuel = fuel
        return 0
    }

    /// The slot of a function by its handle.
    private func function(_ handle: UInt64) -> Int? {
        guard handle >= Limits.firstFunctionHandle else { return nil }
        let place = handle - Limits.firstFunctionHandle
        return place < UInt64(functions.count) ? functions[Int(place)] : nil
    }

    /// A call through a register to what is no function: a granted helper, or a fault.
    private func callAny(_ state: UnsafeMutablePointer<fanion_ebpf_state>, _ handle: UInt64) -> Bool {
        guard handle < Limits.firstFunctionHandle else {
            state.fail(.badCallTarget, detail: handle)
            return false
        }
        return finishHelper(state, callHelperByNumber(state, handle))
    }

    /// What a helper leaves behind: its result, and nothing of what it saw.
    private func finishHelper(_ state: UnsafeMutablePointer<fanion_ebpf_state>, _ result: UInt64) -> Bool {
        guard state.pointee.fault == 0 else { return false }
        let r = state.registers
        r[0] = result
        for argument in 1...5 { r[argument] = 0 }
        return true
    }

    @inline(__always)
    private func low(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value) }

    @inline(__always)
    private func signed(_ value: UInt64) -> Int32 { Int32(truncatingIfNeeded: value) }
}

/// Division as RFC 9669 §4.1 has it: by zero gives zero, modulo zero the dividend, and nothing traps.
enum Arithmetic {
    @inline(__always)
    static func divide<Word: FixedWidthInteger>(_ left: Word, _ right: Word) -> Word { right == 0 ? 0 : left / right }

    @inline(__always)
    static func modulo<Word: FixedWidthInteger>(_ left: Word, _ right: Word) -> Word {
        right == 0 ? left : left % right
    }

    @inline(__always)
    static func divideSigned(_ left: UInt64, _ right: UInt64) -> UInt64 {
        if right == 0 { return 0 }
        return UInt64(bitPattern: Int64(bitPattern: left).dividedReportingOverflow(by: Int64(bitPattern: right)).0)
    }

    @inline(__always)
    static func divideSigned(_ left: UInt32, _ right: UInt32) -> UInt32 {
        if right == 0 { return 0 }
        return UInt32(bitPattern: Int32(bitPattern: left).dividedReportingOverflow(by: Int32(bitPattern: right)).0)
    }

    @inline(__always)
    static func moduloSigned(_ left: UInt64, _ right: UInt64) -> UInt64 {
        if right == 0 { return left }
        let (rest, overflow) = Int64(bitPattern: left).remainderReportingOverflow(dividingBy: Int64(bitPattern: right))
        return overflow ? 0 : UInt64(bitPattern: rest)
    }

    @inline(__always)
    static func moduloSigned(_ left: UInt32, _ right: UInt32) -> UInt32 {
        if right == 0 { return left }
        let (rest, overflow) = Int32(bitPattern: left).remainderReportingOverflow(dividingBy: Int32(bitPattern: right))
        return overflow ? 0 : UInt32(bitPattern: rest)
    }
}

/// The atomics, which for the one thread of an instance are plain read-modify-write.
enum AtomicMemory {
    /// What memory holds afterwards.
    static func apply<Word: FixedWidthInteger>(
        _ operation: Operation, old: Word, source: Word, expected: Word
    ) -> Word {
        switch operation.atomic {
        case .add, .fetchAdd: old &+ source  // Wraps, as atomics do.
        case .or, .fetchOr: old | source
        case .and, .fetchAnd: old & source
        case .xor, .fetchXor: old ^ source
        case .exchange: source
        case .compareExchange: old == expected ? source : old
        case nil: old
        }
    }

    /// The register that gets the old value.
    static func destination(_ operation: Operation) -> Int? {
        switch operation.atomic {
        case .fetchAdd, .fetchOr, .fetchAnd, .fetchXor, .exchange: Int(operation.source)
        case .compareExchange: 0
        case .add, .or, .and, .xor, nil: nil
        }
    }
}
