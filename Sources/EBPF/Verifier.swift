/// Why an object is refused: the function, the instruction as text, and the reason.
public struct VerifyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Error, Equatable, Sendable {
        /// The opcode, or a variant of it, does not exist.
        case unknownInstruction
        /// A field that this instruction does not use is not zero.
        case unusedFieldSet
        /// A register above r10.
        case noSuchRegister
        /// r10, the frame pointer, would be written.
        case writesFramePointer
        /// A jump or a call leaves its section, or the program.
        case jumpOutOfProgram
        /// A jump or a call goes into the second half of a wide instruction.
        case jumpIntoWideInstruction
        /// The second half of a wide instruction is missing or not zero where it must be.
        case brokenWideInstruction
        /// After the last instruction nothing follows.
        case runsOffTheEnd
        /// A helper that was not granted.
        case helperNotGranted(Int32)
        /// Map references and other things that belong to a kernel.
        case kernelOnly
        /// There is no code.
        case empty
        /// More instructions than the machine takes.
        case tooManyInstructions
        /// Data, windows and stack do not fit the arena, or its size is not a power of two in range.
        case arenaTooSmall(needed: Int)
        /// The arena's size is not a power of two from 16 KiB to 1 MiB.
        case badArenaSize
        /// Two helpers have this number.
        case helperTwice(Int32)
        /// The compiler was demanded where there is none, or where the system forbids executable memory.
        case cannotCompile
    }

    /// The function, or an empty string where it concerns the whole object.
    public var program: String
    /// The slot, counted from the function's beginning.
    public var instruction: Int
    /// The instruction as text.
    public var text: String
    /// What is wrong.
    public var reason: Reason

    /// Program, instruction and reason in one line.
    public var description: String {
        program.isEmpty ? reason.description : "\(program)+\(instruction) (\(text)): \(reason.description)"
    }
}

extension VerifyError.Reason: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .unknownInstruction: "unknown instruction"
        case .unusedFieldSet: "a field that this instruction does not use is not zero"
        case .noSuchRegister: "there is no such register"
        case .writesFramePointer: "r10 is read-only"
        case .jumpOutOfProgram: "the target is outside the program"
        case .jumpIntoWideInstruction: "the target is the second half of a wide instruction"
        case .brokenWideInstruction: "the second half of this wide instruction is missing or malformed"
        case .runsOffTheEnd: "nothing follows this instruction"
        case .helperNotGranted(let number): "helper \(number) is not granted"
        case .kernelOnly: "maps and kernel functions do not exist here"
        case .empty: "there is no code"
        case .tooManyInstructions: "more than \(Limits.instructions) instructions"
        case .arenaTooSmall(let needed): "data, windows and stack need \(needed) bytes"
        case .badArenaSize: "an arena is a power of two from 16 KiB to 1 MiB"
        case .helperTwice(let number): "helper \(number) is there twice"
        case .cannotCompile: "no compiler here, or the system forbids executable memory"
        }
    }
}

/// What the verifier hands to the engines: every slot decoded, every jump resolved, every block with its price.
package struct VerifiedCode: Sendable {
    /// One per slot.
    package var operations: [Operation]
    /// Whether a function begins at this slot.
    package var isFunction: [Bool]
    /// Whether a block begins at this slot, which may be charged when it is entered.
    package var isLeader: [Bool]
    /// Slots of the functions whose address the program takes, by handle.
    package var functionTable: [Int]
}

/// Decides at load whether code may run at all, so that the engines need not ask while it runs.
///
/// One pass over every slot, reachable or not, decodes and checks; a second finds the basic blocks and prices them,
/// one unit of fuel per instruction, sixteen for a division. What depends on values (addresses, depth, indirect calls, fuel) is checked when
/// the code runs, so no valid program is refused for being too clever.
struct Verifier {
    private let object: Object
    private let helpers: [Int32: Int]
    private var operations: [Operation] = []
    private var slot = 0
    private var sectionEnd = 0
    private var sectionStart = 0

    private typealias Reason = VerifyError.Reason

    /// Checks an object against the helpers granted to it: number to place in the module's table.
    static func verify(_ object: Object, helpers: [Int32: Int]) throws(VerifyError) -> VerifiedCode {
        var verifier = Verifier(object: object, helpers: helpers)
        return try verifier.run()
    }

    private init(object: Object, helpers: [Int32: Int]) {
        self.object = object
        self.helpers = helpers
    }

    private mutating func run() throws(VerifyError) -> VerifiedCode {
        let count = object.instructions.count
        guard count > 0 else { throw VerifyError(program: "", instruction: 0, text: "", reason: .empty) }
        guard count <= Limits.instructions else {
            throw VerifyError(program: "", instruction: 0, text: "", reason: .tooManyInstructions)
        }
        operations.reserveCapacity(count)
        for section in object.sections {
            sectionStart = section.slots.lowerBound
            sectionEnd = section.slots.upperBound
            while operations.count < sectionEnd {
                slot = operations.count
                do throws(Reason) {
                    try decode()
                } catch {
                    throw located(error)
                }
            }
        }
        return try findBlocks()
    }

    private func located(_ reason: Reason) -> VerifyError {
        let place = object.place(of: slot)
        return VerifyError(
            program: place.function, instruction: place.offset,
            text: Disassembler.text(of: object.instructions, at: slot), reason: reason)
    }

    // MARK: Decoding

    private mutating func decode() throws(Reason) {
        let raw = object.instructions[slot]
        guard raw.destination <= 10, raw.source <= 10 else { throw .noSuchRegister }
        var operation = Operation(
            code: .nothing, destination: raw.destination, source: raw.source, offset: Int32(raw.offset),
            immediate: raw.immediate)
        switch raw.opcode & 7 {
        case 0:
            try decodeWide(raw, &operation)
            return
        case 1: try decodeLoad(raw, &operation)
        case 2: try decodeStore(raw, &operation)
        case 3: try decodeStoreOrAtomic(raw, &operation)
        case 4, 7: try decodeArithmetic(raw, &operation)
        default: try decodeJump(raw, &operation)
        }
        operations.append(operation)
    }

    private mutating func decodeWide(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        guard raw.opcode == OpCode.loadImmediate64.rawValue else { throw .unknownInstruction }
        guard raw.destination != 10 else { throw .writesFramePointer }
        // The loader has turned addresses of code that it found into handles.
        guard raw.source == 0 else { throw raw.source == SpecConstants.loadCode ? .jumpOutOfProgram : .kernelOnly }
        guard raw.offset == 0 else { throw .unusedFieldSet }
        guard slot + 1 < sectionEnd else { throw .brokenWideInstruction }
        let next = object.instructions[slot + 1]
        guard next.opcode == 0, next.destination == 0, next.source == 0, next.offset == 0 else {
            throw .brokenWideInstruction
        }
        operation.code = .loadImmediate64
        operations.append(operation)
        operations.append(Operation(code: .secondHalf, immediate: next.immediate))
    }

    private func decodeLoad(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        guard let code = OpCode(rawValue: raw.opcode), code.isLoad else { throw .unknownInstruction }
        guard raw.destination != 10 else { throw .writesFramePointer }
        guard raw.immediate == 0 else { throw .unusedFieldSet }
        operation.code = code
    }

    private func decodeStore(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        switch OpCode(rawValue: raw.opcode) {
        case .store8Imm?: operation.code = .store8Imm
        case .store16Imm?: operation.code = .store16Imm
        case .store32Imm?: operation.code = .store32Imm
        case .store64Imm?: operation.code = .store64Imm
        default: throw .unknownInstruction
        }
        guard raw.source == 0 else { throw .unusedFieldSet }
    }

    private func decodeStoreOrAtomic(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        switch raw.opcode >> 5 {
        case 3:
            switch OpCode(rawValue: raw.opcode) {
            case .store8Reg?: operation.code = .store8Reg
            case .store16Reg?: operation.code = .store16Reg
            case .store32Reg?: operation.code = .store32Reg
            case .store64Reg?: operation.code = .store64Reg
            default: throw .unknownInstruction
            }
            guard raw.immediate == 0 else { throw .unusedFieldSet }
        case 6:
            try decodeAtomic(raw, &operation)
        default:
            throw .unknownInstruction
        }
    }

    private func decodeAtomic(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        let size = Int(raw.opcode >> 3 & 3)
        // An instance has one thread, so acquire and release are what any load and store are.
        if raw.immediate == SpecConstants.loadAcquire {
            guard raw.destination != 10 else { throw .writesFramePointer }
            operation.code = [OpCode.load32, .load16, .load8, .load64][size]
            operation.immediate = 0
            return
        }
        if raw.immediate == SpecConstants.storeRelease {
            operation.code = [OpCode.store32Reg, .store16Reg, .store8Reg, .store64Reg][size]
            operation.immediate = 0
            return
        }
        guard let atomic = AtomicOperation(rawValue: raw.immediate) else { throw .unknownInstruction }
        switch size {
        case 0: operation.code = .atomic32
        case 3: operation.code = .atomic64
        default: throw .unknownInstruction
        }
        switch atomic {
        case .add, .or, .and, .xor, .compareExchange: break
        case .fetchAdd, .fetchOr, .fetchAnd, .fetchXor, .exchange:
            guard raw.source != 10 else { throw .writesFramePointer }
        }
    }

    private func decodeArithmetic(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        guard raw.destination != 10 else { throw .writesFramePointer }
        let wide = raw.opcode & 7 == 7
        let usesRegister = raw.opcode & 8 != 0
        switch raw.opcode >> 4 {
        case 8:
            guard !usesRegister else { throw .unknownInstruction }
            guard raw.source == 0, raw.offset == 0, raw.immediate == 0 else { throw .unusedFieldSet }
            operation.code = wide ? .negate64 : .negate32
        case 13:
            guard raw.source == 0, raw.offset == 0 else { throw .unusedFieldSet }
            guard !(wide && usesRegister) else { throw .unknownInstruction }
            operation.code = try byteOrder(swaps: wide || usesRegister, bits: raw.immediate)
        case 11 where raw.offset != 0:
            guard usesRegister else { throw .unusedFieldSet }
            guard raw.immediate == 0 else { throw .unusedFieldSet }
            switch (raw.offset, wide) {
            case (8, true): operation.code = .extend8To64
            case (16, true): operation.code = .extend16To64
            case (32, true): operation.code = .extend32To64
            case (8, false): operation.code = .extend8To32
            case (16, false): operation.code = .extend16To32
            default: throw .unknownInstruction
            }
            operation.offset = 0
        case 0...12:
            guard usesRegister ? raw.immediate == 0 : raw.source == 0 else { throw .unusedFieldSet }
            var byte = raw.opcode
            if raw.offset == 1, raw.opcode >> 4 == 3 || raw.opcode >> 4 == 9 {
                byte = byte & 15 | (raw.opcode >> 4 == 3 ? 0xe0 : 0xf0)
            } else if raw.offset != 0 {
                throw .unusedFieldSet
            }
            guard let code = OpCode(rawValue: byte) else { throw .unknownInstruction }
            operation.code = code
            operation.offset = 0
        default:
            throw .unknownInstruction
        }
    }

    /// The host is little-endian, so `le` only cuts off and `be` swaps.
    private func byteOrder(swaps: Bool, bits: Int32) throws(Reason) -> OpCode {
        switch (bits, swaps) {
        case (16, true): .swap16
        case (32, true): .swap32
        case (64, true): .swap64
        case (16, false): .truncate16
        case (32, false): .truncate32
        case (64, false): .nothing
        default: throw .unknownInstruction
        }
    }

    private func decodeJump(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        let wide = raw.opcode & 7 == 5
        let usesRegister = raw.opcode & 8 != 0
        switch raw.opcode >> 4 {
        case 0:
            guard !usesRegister else { throw .unknownInstruction }
            let unused = wide ? raw.immediate : Int32(raw.offset)
            guard raw.destination == 0, raw.source == 0, unused == 0 else { throw .unusedFieldSet }
            operation.code = .jump
            operation.offset = try target(wide ? Int(raw.offset) : Int(raw.immediate))
        case 8 where wide:
            try decodeCall(raw, &operation)
        case 9 where wide:
            guard !usesRegister else { throw .unknownInstruction }
            guard raw.destination == 0, raw.source == 0, raw.offset == 0, raw.immediate == 0 else {
                throw .unusedFieldSet
            }
            operation.code = .exit
        case 1...7, 10...13:
            guard let code = OpCode(rawValue: raw.opcode) else { throw .unknownInstruction }
            guard usesRegister ? raw.immediate == 0 : raw.source == 0 else { throw .unusedFieldSet }
            operation.code = code
            operation.offset = try target(Int(raw.offset))
        default:
            throw .unknownInstruction
        }
    }

    private func decodeCall(_ raw: Instruction, _ operation: inout Operation) throws(Reason) {
        guard raw.offset == 0 else { throw .unusedFieldSet }
        if raw.opcode & 8 != 0 {
            // Compilers before LLVM 19 put the register into the immediate.
            guard raw.source == 0 else { throw .unusedFieldSet }
            guard raw.immediate == 0 || raw.destination == 0 else { throw .unusedFieldSet }
            guard (0...10).contains(raw.immediate) else { throw .noSuchRegister }
            operation.code = .callIndirect
            operation.destination = raw.immediate == 0 ? raw.destination : UInt8(raw.immediate)
            operation.immediate = 0
            return
        }
        guard raw.destination == 0 else { throw .unusedFieldSet }
        switch raw.source {
        case SpecConstants.callHelper:
            guard let place = helpers[raw.immediate] else { throw .helperNotGranted(raw.immediate) }
            operation.code = .callHelper
            operation.immediate = Int32(place)
        case SpecConstants.callLocal:
            operation.code = .callLocal
            let target = slot + 1 + Int(raw.immediate)
            guard object.instructions.indices.contains(target) else { throw .jumpOutOfProgram }
            operation.offset = Int32(target)
        default:
            throw .kernelOnly
        }
    }

    private func target(_ distance: Int) throws(Reason) -> Int32 {
        let target = slot + 1 + distance
        guard target >= sectionStart, target < sectionEnd else { throw .jumpOutOfProgram }
        return Int32(target)
    }

    // MARK: Blocks

    private mutating func findBlocks() throws(VerifyError) -> VerifiedCode {
        var isLeader = [Bool](repeating: false, count: operations.count)
        var isFunction = isLeader
        for section in object.sections where !section.slots.isEmpty {
            isLeader[section.slots.lowerBound] = true
            for index in section.slots {
                slot = index
                try follow(index, sectionEnd: section.slots.upperBound, &isLeader, &isFunction)
            }
        }
        for function in object.functions { try begin(function.slots.lowerBound, &isLeader, &isFunction) }
        for start in object.functionTable { try begin(start, &isLeader, &isFunction) }
        price(&isLeader, isFunction)
        return VerifiedCode(
            operations: operations, isFunction: isFunction, isLeader: isLeader, functionTable: object.functionTable)
    }

    /// Gives each block its price, then adds small blocks to the one block that leads to them.
    ///
    /// Where a block ends in a choice between such followers it pays for the dearer: a call is charged at least what it
    /// executes, and at most `Limits.foldedCost` more for each choice. A follower that is only fallen into ends to be a
    /// block of its own.
    private mutating func price(_ isLeader: inout [Bool], _ isFunction: [Bool]) {
        var starts: [Int] = []
        var ways = [UInt8](repeating: 0, count: operations.count)
        var isJumpedTo = [Bool](repeating: false, count: operations.count)
        for index in operations.indices {
            if isLeader[index] { starts.append(index) }
            let operation = operations[index]
            if let leader = starts.last, operation.code != .secondHalf {
                operations[leader].charge += operation.code.price
            }
            if operation.code == .jump || operation.code.isConditional {
                let target = Int(operation.offset)
                ways[target] = min(ways[target] + 1, 2)
                isJumpedTo[target] = true
            }
            if operation.code != .jump, operation.code != .exit, index + 1 < operations.count, isLeader[index + 1] {
                ways[index + 1] = min(ways[index + 1] + 1, 2)
            }
        }
        for (place, start) in starts.enumerated().reversed() {
            let end = place + 1 < starts.count ? starts[place + 1] : operations.count
            let last = operations[end - 1]
            var followers: [Int] = []
            if last.code == .jump || last.code.isConditional { followers.append(Int(last.offset)) }
            if last.code != .jump, last.code != .exit, end < operations.count { followers.append(end) }
            var dearest: UInt32 = 0
            for follower in followers {
                let cost = operations[follower].charge
                guard follower > start, ways[follower] == 1, !isFunction[follower], cost <= Limits.foldedCost else {
                    continue
                }
                dearest = max(dearest, cost)
                operations[follower].charge = 0
                if !isJumpedTo[follower] { isLeader[follower] = false }
            }
            operations[start].charge += dearest
        }
    }

    private func follow(
        _ index: Int, sectionEnd: Int, _ isLeader: inout [Bool], _ isFunction: inout [Bool]
    ) throws(VerifyError) {
        let operation = operations[index]
        let next = index + 1
        switch operation.code {
        case .jump, .exit:
            if operation.code == .jump { try land(Int(operation.offset), &isLeader) }
            if next < sectionEnd { isLeader[next] = true }
        case .callLocal:
            try land(Int(operation.offset), &isLeader)
            isFunction[Int(operation.offset)] = true
            fallthrough
        default:
            if operation.code.isConditional {
                try land(Int(operation.offset), &isLeader)
                if next < sectionEnd { isLeader[next] = true }
            }
            guard next < sectionEnd else { throw located(.runsOffTheEnd) }
        }
    }

    private func land(_ target: Int, _ isLeader: inout [Bool]) throws(VerifyError) {
        guard operations[target].code != .secondHalf else { throw located(.jumpIntoWideInstruction) }
        isLeader[target] = true
    }

    private mutating func begin(
        _ start: Int, _ isLeader: inout [Bool], _ isFunction: inout [Bool]
    ) throws(VerifyError) {
        slot = start
        try land(start, &isLeader)
        isFunction[start] = true
    }
}
