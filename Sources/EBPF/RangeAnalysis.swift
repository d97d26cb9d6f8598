/// What is known of a number: it is not less than `low` and not more than `high`, unsigned.
struct Interval: Equatable {
    var low: UInt64
    var high: UInt64

    static let anything = Interval(low: 0, high: .max)
    static let word = Interval(low: 0, high: 0xffff_ffff)

    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    init(_ value: UInt64) { self.init(low: value, high: value) }

    /// Both are possible.
    @inline(__always)
    func union(_ other: Interval) -> Interval { Interval(low: min(low, other.low), high: max(high, other.high)) }

    /// The low 32 bits.
    @inline(__always)
    var truncated: Interval { high <= Interval.word.high ? self : .word }

    /// Plus a constant; anything if that might wrap around.
    @inline(__always)
    func adding(_ constant: Int64) -> Interval {
        let magnitude = constant.magnitude
        if constant >= 0 { return adding(Interval(magnitude)) }
        return low >= magnitude ? Interval(low: low - magnitude, high: high - magnitude) : .anything
    }

    /// The sum; anything if that might wrap around.
    func adding(_ other: Interval) -> Interval {
        let (top, overflow) = high.addingReportingOverflow(other.high)
        // Cannot wrap where the larger sum does not.
        return overflow ? .anything : Interval(low: low &+ other.low, high: top)
    }

    /// The difference; anything if that might wrap around.
    func subtracting(_ other: Interval) -> Interval {
        low >= other.high ? Interval(low: low - other.high, high: high - other.low) : .anything
    }

    /// The product; anything if that might wrap around.
    func multiplied(by other: Interval) -> Interval {
        let (top, overflow) = high.multipliedReportingOverflow(by: other.high)
        return overflow ? .anything : Interval(low: low &* other.low, high: top)
    }

    /// All bits up to the highest that may be set.
    var bits: Interval {
        Interval(low: 0, high: high == 0 ? 0 : UInt64.max >> UInt64(high.leadingZeroBitCount))
    }
}

/// Where a memory access goes, as far as data flow tells.
package enum AccessFact: Equatable, Sendable {
    /// It must be masked or checked.
    case unproved
    /// Register plus offset stays inside the arena.
    case inside
    /// It is this address.
    case constant(UInt32)
}

/// Finds memory accesses that need no mask, by following the values of registers.
///
/// Only data flow counts (constants, masks, zero-extension, the frame pointer), never the outcome of a branch: a
/// processor that guesses a branch wrong runs on with the real data, and must still not reach a neighbour. Values are
/// intervals; a block is looked at again when what flows into it grows, and intervals that keep growing are widened in
/// a few steps.
struct RangeAnalysis {
    private typealias Registers = InlineArray<11, Interval>

    private let code: VerifiedCode
    private let arenaSize: UInt64
    private let isStrict: Bool
    private var states: [Registers] = []
    private var isReached: [Bool] = []
    /// Blocks to be looked at, the first in the code first: a heap, so that no shape of code makes finding them slow.
    private var dirty: [Int32] = []
    private var isDirty: [Bool] = []
    private var visits: [UInt8] = []
    /// First slots of the blocks; a block ends where the next begins.
    private var starts: [Int] = []
    private var blockOfSlot: [Int32] = []

    /// One fact for each slot.
    static func facts(_ code: VerifiedCode, arenaSize: Int, isStrict: Bool) -> [AccessFact] {
        var analysis = RangeAnalysis(code: code, arenaSize: arenaSize, isStrict: isStrict)
        return analysis.run()
    }

    private init(code: VerifiedCode, arenaSize: Int, isStrict: Bool) {
        self.code = code
        self.arenaSize = UInt64(arenaSize)
        self.isStrict = isStrict
    }

    private var unknown: Registers {
        var registers = Registers(repeating: .anything)
        let lowest = UInt64((Limits.callDepth - 1) * SpecConstants.frameSize)
        registers[10] = Interval(low: arenaSize - lowest, high: arenaSize)
        return registers
    }

    private mutating func run() -> [AccessFact] {
        let count = code.operations.count
        blockOfSlot = [Int32](repeating: -1, count: count)
        for slot in 0..<count where code.isLeader[slot] {
            blockOfSlot[slot] = Int32(starts.count)
            starts.append(slot)
        }
        states = [Registers](repeating: unknown, count: starts.count)
        isReached = [Bool](repeating: false, count: starts.count)
        isDirty = isReached
        visits = [UInt8](repeating: 0, count: starts.count)
        for (block, start) in starts.enumerated() where code.isFunction[start] {
            isReached[block] = true
            mark(block)
        }
        var facts = [AccessFact](repeating: .unproved, count: count)
        var budget = starts.count * 24 + 64
        while let block = takeDirty() {
            budget -= 1
            // Does not happen with code that people write; then nothing is known.
            guard budget >= 0 else { return [AccessFact](repeating: .unproved, count: count) }
            flow(block, &facts)
        }
        return facts
    }

    private mutating func mark(_ block: Int) {
        guard !isDirty[block] else { return }
        isDirty[block] = true
        var place = dirty.count
        dirty.append(Int32(block))
        while place > 0, dirty[(place - 1) / 2] > dirty[place] {
            dirty.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func takeDirty() -> Int? {
        guard let first = dirty.first, let last = dirty.popLast() else { return nil }
        isDirty[Int(first)] = false
        guard !dirty.isEmpty else { return Int(first) }
        dirty[0] = last
        var place = 0
        while true {
            var child = 2 * place + 1
            guard child < dirty.count else { break }
            if child + 1 < dirty.count, dirty[child + 1] < dirty[child] { child += 1 }
            guard dirty[child] < dirty[place] else { break }
            dirty.swapAt(place, child)
            place = child
        }
        return Int(first)
    }

    /// Runs one block's effects, and passes what comes of it on.
    private mutating func flow(_ block: Int, _ facts: inout [AccessFact]) {
        var registers = states[block]
        let end = block + 1 < starts.count ? starts[block + 1] : code.operations.count
        for slot in starts[block]..<end {
            let operation = code.operations[slot]
            if operation.code.width > 0 { facts[slot] = fact(operation, registers) }
            if operation.code == .jump || operation.code.isConditional {
                merge(registers, into: Int(blockOfSlot[Int(operation.offset)]))
                if operation.code == .jump { return }
            }
            if operation.code == .exit { return }
            apply(operation, slot, &registers)
        }
        if block + 1 < starts.count { merge(registers, into: block + 1) }
    }

    private mutating func merge(_ registers: Registers, into block: Int) {
        guard isReached[block] else {
            isReached[block] = true
            states[block] = registers
            mark(block)
            return
        }
        var changed = false
        let widen = visits[block] >= 2
        for number in 0..<11 {
            let old = states[block][number]
            var new = old.union(registers[number])
            guard new != old else { continue }
            if widen { new = Self.widened(new, from: old) }
            states[block][number] = new
            changed = true
        }
        if changed {
            mark(block)
            if visits[block] < .max { visits[block] += 1 }
        }
    }

    private static func widened(_ new: Interval, from old: Interval) -> Interval {
        var result = new
        if new.low != old.low { result.low = 0 }
        if new.high != old.high {
            let steps: [UInt64] = [0xff, 0xffff, 0xffff_ffff]
            result.high = steps.first { $0 >= new.high } ?? .max
        }
        return result
    }

    private func fact(_ operation: Operation, _ registers: Registers) -> AccessFact {
        let base = registers[Int(operation.code.isLoad ? operation.source : operation.destination)]
        let address = base.adding(Int64(operation.offset))
        let width = UInt64(operation.code.width)
        let inside =
            isStrict
            ? address.low >= Limits.firstAddress && address.high <= arenaSize - width : address.high < arenaSize
        guard inside else { return .unproved }
        return address.low == address.high ? .constant(UInt32(address.low)) : .inside
    }

    // MARK: Effects

    private func apply(_ operation: Operation, _ slot: Int, _ registers: inout Registers) {
        let destination = Int(operation.destination)
        let code = operation.code
        switch code {
        case .load8: registers[destination] = Interval(low: 0, high: 0xff)
        case .load16, .swap16, .truncate16: registers[destination] = Interval(low: 0, high: 0xffff)
        case .load32, .swap32, .extend8To32, .extend16To32, .negate32: registers[destination] = .word
        case .truncate32: registers[destination] = registers[destination].truncated
        case .load64, .loadSigned8, .loadSigned16, .loadSigned32, .swap64, .negate64:
            registers[destination] = .anything
        case .extend8To64, .extend16To64, .extend32To64:
            let source = registers[Int(operation.source)]
            let limit: UInt64 = code == .extend8To64 ? 0x7f : code == .extend16To64 ? 0x7fff : 0x7fff_ffff
            registers[destination] = source.high <= limit ? source : .anything
        case .loadImmediate64:
            let high = UInt64(UInt32(bitPattern: self.code.operations[slot + 1].immediate))
            registers[destination] = Interval(UInt64(UInt32(bitPattern: operation.immediate)) | high << 32)
        case .atomic32, .atomic64:
            guard let place = AtomicMemory.destination(operation) else { return }
            registers[place] = code == .atomic32 ? .word : .anything
        case .callLocal, .callHelper, .callIndirect:
            for number in 0...5 { registers[number] = .anything }
        default:
            guard code.isArithmetic else { return }
            registers[destination] = arithmetic(operation, registers)
        }
    }

    private func arithmetic(_ operation: Operation, _ registers: Registers) -> Interval {
        let code = operation.code
        let wide = code.is64
        var left = registers[Int(operation.destination)]
        var right =
            operation.usesRegister
            ? registers[Int(operation.source)] : Interval(UInt64(bitPattern: Int64(operation.immediate)))
        if !wide {
            left = left.truncated
            right = operation.usesRegister ? right.truncated : Interval(UInt64(UInt32(bitPattern: operation.immediate)))
        }
        let shift = right.low & (wide ? 63 : 31)
        let isConstant = right.low == right.high
        let result: Interval
        switch code.rawValue >> 4 {
        case 0: result = operation.usesRegister ? left.adding(right) : left.adding(Int64(operation.immediate))
        case 1: result = operation.usesRegister ? left.subtracting(right) : left.adding(-Int64(operation.immediate))
        case 2: result = left.multiplied(by: right)
        case 3: result = Interval(low: 0, high: left.high)
        case 4, 10: result = left.union(right).bits
        case 5: result = Interval(low: 0, high: min(left.high, right.high))
        case 6 where isConstant: result = left.multiplied(by: Interval(1 << shift))
        case 7 where isConstant: result = Interval(low: left.low >> shift, high: left.high >> shift)
        case 7: result = Interval(low: 0, high: left.high)
        case 9:
            let rest = right.low > 0 ? min(left.high, right.high - 1) : left.high
            result = Interval(low: 0, high: rest)
        case 11: result = right
        case 12 where isConstant && left.high <= (wide ? UInt64(Int64.max) : 0x7fff_ffff):
            result = Interval(low: left.low >> shift, high: left.high >> shift)
        default: result = .anything
        }
        return wide ? result : result.truncated
    }
}
