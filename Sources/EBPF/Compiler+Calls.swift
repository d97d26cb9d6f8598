/// Calls of functions, of helpers, and of whatever a register says.
extension Compiler {
    private var deepestFrame: Int32 {
        Int32(input.arenaSize - (input.callDepth - 1) * SpecConstants.frameSize)
    }

    /// The frame pointer says how deep we are: no program can write it.
    private mutating func checkDepth(_ slot: Int) {
        buffer.basic(.compare, .rbp, constant: deepestFrame, wide: false)
        stubs.append((buffer.jump(.equal), slot, .callTooDeep))
    }

    /// A call of one of the program's own functions.
    mutating func emitLocalCall(_ operation: Operation, _ slot: Int) {
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

    /// A call of a granted helper.
    mutating func emitHelperCall(_ operation: Operation, _ slot: Int) {
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
    mutating func emitIndirectCall(_ operation: Operation, _ slot: Int) {
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
