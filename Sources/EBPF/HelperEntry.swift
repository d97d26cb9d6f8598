internal import CPlatform

/// A helper as the engines see it: the signature flattened, so that a call touches no array.
struct HelperEntry {
    private struct Memory {
        var argument = 0
        var writes = false
        /// Zero: `fixed` bytes; else the argument that has the length.
        var lengthArgument = 0
        var fixed: UInt64 = 0
    }

    /// Keeps the body alive; calls go through the reference beside it, which counts nothing.
    private let body: HelperBody
    private let uncounted: Unmanaged<HelperBody>
    let number: Int32
    /// No memory and no fuel of its own: nothing to check.
    private let isPlain: Bool
    private let fuel: UInt64
    private let bytesPerFuel: UInt64
    private let memoryCount: Int
    private var memory = InlineArray<5, Memory>(repeating: Memory())

    init(_ helper: Helper) {
        body = HelperBody(helper)
        uncounted = Unmanaged.passUnretained(body)
        number = helper.number
        fuel = UInt64(helper.fuel)
        bytesPerFuel = UInt64(helper.bytesPerFuel)
        var count = 0
        for (index, parameter) in helper.parameters.enumerated() {
            guard case .memory(let access, let length) = parameter else { continue }
            memory[count].argument = index + 1
            memory[count].writes = access != .input
            switch length {
            case .argument(let argument): memory[count].lengthArgument = argument
            case .fixed(let bytes): memory[count].fixed = UInt64(bytes)
            }
            count += 1
        }
        memoryCount = count
        isPlain = count == 0 && helper.fuel == 0
    }

    /// Checks and runs the helper; after a fault the result means nothing. The entry stays where it is: a copy would
    /// cost more than the call.
    @inline(__always)
    static func call(
        _ entry: UnsafePointer<HelperEntry>, _ state: UnsafeMutablePointer<fanion_ebpf_state>
    ) -> UInt64 {
        if !entry.pointee.isPlain {
            guard admit(entry, state) else { return 0 }
        }
        // Safe: the entry owns the body, and the module, which the running instance keeps alive, owns the entry.
        return entry.pointee.uncounted._withUnsafeGuaranteedRef { $0.run(state) }
    }

    /// Checks every memory argument once, and takes the fuel.
    @inline(never)
    private static func admit(
        _ entry: UnsafePointer<HelperEntry>, _ state: UnsafeMutablePointer<fanion_ebpf_state>
    ) -> Bool {
        let bytesPerFuel = entry.pointee.bytesPerFuel
        let count = entry.pointee.memoryCount
        let size = state.pointee.arena_size
        var cost = entry.pointee.fuel
        for argument in 1...5 { state.setLength(argument, .max) }
        for index in 0..<count {
            let item = entry.pointee.memory[index]
            let length = item.lengthArgument == 0 ? item.fixed : state.register(item.lengthArgument)
            let address = state.register(item.argument)
            // No sum, so nothing can wrap around.
            let inside = length <= size && address >= Limits.firstAddress && address <= size &- length
            guard length == 0 || inside else {
                state.fail(.badHelperMemory, detail: UInt64(item.argument))
                return false
            }
            state.setLength(item.argument, length)
            cost += (length + bytesPerFuel - 1) / bytesPerFuel
        }
        for second in 0..<count {
            let other = entry.pointee.memory[second]
            for first in 0..<second {
                let one = entry.pointee.memory[first]
                guard one.writes || other.writes else { continue }
                guard !overlap(one.argument, other.argument, state) else {
                    state.fail(.overlappingHelperMemory, detail: UInt64(other.argument))
                    return false
                }
            }
        }
        guard state.pointee.fuel >= cost else {
            state.fail(.outOfFuel, detail: 0)
            return false
        }
        state.pointee.fuel -= cost
        return true
    }

    private static func overlap(_ one: Int, _ other: Int, _ state: UnsafeMutablePointer<fanion_ebpf_state>) -> Bool {
        let oneLength = state.length(one)
        let otherLength = state.length(other)
        guard oneLength > 0, otherLength > 0 else { return false }
        let oneStart = state.register(one)
        let otherStart = state.register(other)
        return oneStart < otherStart + otherLength && otherStart < oneStart + oneLength
    }
}

/// A helper's closure in a place of its own, so that calling it does not count references.
private final class HelperBody {
    private let body: Helper.Body
    private let hasMemory: Bool

    init(_ helper: Helper) {
        body = helper.body
        hasMemory = helper.parameters.contains { $0 != .scalar }
    }

    @inline(__always)
    func run(_ state: UnsafeMutablePointer<fanion_ebpf_state>) -> UInt64 {
        var call = HelperCall(state: state, hasMemory: hasMemory)
        do throws(HelperRefusal) {
            return try body(&call)
        } catch {
            state.fail(.helperRefused, detail: error.code)
            return 0
        }
    }
}

/// Called by both engines with a place in the module's table.
let callHelper: fanion_ebpf_helper = { state, place in
    // Safe: the state is the running instance's, and the verifier has resolved the place.
    guard let state, let table = state.pointee.helpers else { return 0 }
    return HelperEntry.call(table.assumingMemoryBound(to: HelperEntry.self) + Int(truncatingIfNeeded: place), state)
}

/// Called by both engines with a helper's number out of a register, which may be anything.
let callHelperByNumber: fanion_ebpf_helper = { state, number in
    // Safe: the state is the running instance's; the table has `helper_count` entries, sorted by number.
    guard let state, let table = state.pointee.helpers?.assumingMemoryBound(to: HelperEntry.self) else { return 0 }
    var low = 0
    var high = Int(state.pointee.helper_count)
    while low < high {
        let middle = (low + high) / 2
        let found = UInt64(table[middle].number)
        if found == number { return HelperEntry.call(table + middle, state) }
        if found < number { low = middle + 1 } else { high = middle }
    }
    state.fail(.badCallTarget, detail: number)
    return 0
}

extension UnsafeMutablePointer<fanion_ebpf_state> {
    /// Where the arena begins.
    var arena: UnsafeMutableRawPointer { UnsafeMutableRawPointer(self) + Int(FANION_EBPF_STATE_SIZE) }

    /// The eleven registers.
    var registers: UnsafeMutablePointer<UInt64> { fanion_ebpf_registers(self) }

    func register(_ number: Int) -> UInt64 { registers[number] }

    /// The checked length of a helper's memory argument, or `UInt64.max` where the argument is a number.
    func length(_ argument: Int) -> UInt64 { fanion_ebpf_lengths(self)[argument - 1] }

    func setLength(_ argument: Int, _ value: UInt64) { fanion_ebpf_lengths(self)[argument - 1] = value }

    /// Notes a fault; the instruction is noted by the engine.
    func fail(_ code: FaultCode, detail: UInt64) {
        pointee.fault = code.rawValue
        pointee.detail = detail
    }
}

/// Where the state's fields are, from its beginning.
enum StateOffset {
    private static func of<Value>(_ field: KeyPath<fanion_ebpf_state, Value>) -> Int {
        MemoryLayout<fanion_ebpf_state>.offset(of: field) ?? 0
    }
    static let fuel = of(\.fuel)
    static let fault = of(\.fault)
    static let slot = of(\.slot)
    static let detail = of(\.detail)
    static let entry = of(\.entry)
    static let stack = of(\.stack)
    static let helper = of(\.helper)
    static let helperByNumber = of(\.helper_by_number)
    static let functions = of(\.functions)
    static let host = of(\.host)
}
