internal import CPlatform

/// One private memory that a module's programs run in.
///
/// Calls on an instance exclude one another, so a helper cannot re-enter the instance that called it. The memory stays
/// between calls; when the instance goes, its slot is wiped and returns to the pool.
///
/// ```swift
/// var instance = try Instance(of: module, in: pool)
/// let window = module.layout.windows[0]
/// instance.write(payload, at: window.lowerBound)
/// do throws(Fault) {
///     let verdict = try instance.call(program, UInt64(window.lowerBound), UInt64(payload.count), fuel: 20_000)
/// } catch {
///     print(error)  // on_cell+7 (ldxw r2, [r1+4]): out of fuel
/// }
/// ```
///
/// After a fault the memory is as the program left it, and the instance may be called again. What a program answers and
/// what it leaves in memory are a stranger's numbers: check them as you would anything that comes off a wire.
public struct Instance: ~Copyable {
    /// The code.
    public let module: Module
    private let storage: ModuleStorage
    private let pool: ArenaPool
    private let state: UnsafeMutablePointer<fanion_ebpf_state>
    /// The way into compiled code, and the module's identity: copies, so that a call need not look into the module.
    private let trampoline: UnsafeRawPointer?
    private let identity: UInt64

    /// A fresh instance: the object's data, zeros elsewhere.
    public init(of module: Module, in pool: ArenaPool) throws(ArenaPool.Exhausted) {
        self.module = module
        self.pool = pool
        storage = module.storage
        trampoline = module.storage.compiled?.trampoline
        identity = module.identity
        // Safe: the slot is ours until `deinit`, and large enough for the arena with its data by the module's layout.
        state = try pool.take(arenaSize: module.layout.size)
        if let start = storage.template.baseAddress {
            (state.arena + Limits.firstAddress).copyMemory(from: start, byteCount: storage.template.count)
        }
        state.pointee.arena_size = UInt64(module.layout.size)
        state.pointee.helper = callHelper
        state.pointee.helper_by_number = callHelperByNumber
        state.pointee.helpers = UnsafeRawPointer(storage.helpers.baseAddress)
        state.pointee.helper_count = UInt64(storage.helpers.count)
        state.pointee.functions = storage.compiled.map { UnsafePointer($0.functionAddresses) }
    }

    deinit { pool.giveBack(state, arenaSize: module.layout.size) }

    /// Fuel that the last call left.
    public var fuelLeft: UInt64 { state.pointee.fuel }

    /// Calls a program with up to five arguments and so much fuel; r0 is the answer.
    ///
    /// Numbers that are addresses are addresses in the arena: see ``Module/layout`` and ``write(_:at:)``. `host`
    /// reaches helpers as ``HelperCall/host``.
    ///
    /// - Precondition: the program is one of this instance's module.
    public mutating func call(
        _ program: Program, _ first: UInt64 = 0, _ second: UInt64 = 0, _ third: UInt64 = 0, _ fourth: UInt64 = 0,
        _ fifth: UInt64 = 0, fuel: UInt64, host: UnsafeMutableRawPointer? = nil
    ) throws(Fault) -> UInt64 {
        precondition(program.module == identity, "the program belongs to another module")
        state.pointee.fuel = fuel
        state.pointee.host = host
        let result: UInt64
        if let entry = program.entry, let trampoline {
            // Safe: the entry is inside the compiled code, which lives as long as the module.
            state.pointee.entry = UnsafeRawPointer(bitPattern: entry)
            result = fanion_ebpf_enter(trampoline, state, first, second, third, fourth, fifth)
        } else {
            result = interpret(program, (first, second, third, fourth, fifth))
        }
        guard state.pointee.fault == 0 else { throw takeFault() }
        return result
    }

    // Mutating, though nothing changes: so that `call` need not make a copy for them.
    @inline(never)
    private mutating func interpret(_ program: Program, _ arguments: (UInt64, UInt64, UInt64, UInt64, UInt64)) -> UInt64
    {
        guard let operations = storage.operations.baseAddress else { return 0 }
        let registers = state.registers
        for number in 0..<SpecConstants.registerCount { registers[number] = 0 }
        registers[1] = arguments.0
        registers[2] = arguments.1
        registers[3] = arguments.2
        registers[4] = arguments.3
        registers[5] = arguments.4
        registers[10] = UInt64(module.layout.size)
        let interpreter = Interpreter(
            operations: UnsafePointer(operations), functions: UnsafeBufferPointer(storage.functions),
            isStrict: module.isStrict)
        return interpreter.run(state, from: program.slot)
    }

    @inline(never)
    private mutating func takeFault() -> Fault {
        let code = FaultCode(rawValue: state.pointee.fault) ?? .outOfFuel
        state.pointee.fault = 0
        if code == .outOfFuelInBlock {
            // The block's charge is taken before it is known to be too much. Wraps back to what there was.
            state.pointee.fuel &+= UInt64(storage.operations[Int(truncatingIfNeeded: state.pointee.slot)].charge)
        }
        return module.fault(code, state: state)
    }

    // MARK: Memory

    /// The arena, for the host to read.
    public var memory: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            // Safe: the slot is ours, and the span cannot outlive the borrow.
            let bytes = UnsafeRawBufferPointer(start: state.arena, count: module.layout.size)
            return _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self)
        }
    }

    /// The arena, for the host to write.
    public var mutableMemory: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            // Safe: the slot is ours, and the span excludes every other access while it lives.
            let bytes = UnsafeMutableRawBufferPointer(start: state.arena, count: module.layout.size)
            return _overrideLifetime(MutableRawSpan(_unsafeBytes: bytes), mutating: &self)
        }
    }

    /// Copies bytes into the arena.
    ///
    /// - Precondition: they lie inside.
    public mutating func write(_ bytes: some Collection<UInt8>, at address: Int) {
        precondition(address >= 0 && bytes.count <= module.layout.size - address, "outside the arena")
        // Safe: checked above.
        UnsafeMutableRawBufferPointer(start: state.arena + address, count: bytes.count).copyBytes(from: bytes)
    }

    /// Copies bytes out of the arena.
    ///
    /// - Precondition: they lie inside.
    public func read(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= module.layout.size, "outside the arena")
        // Safe: checked above.
        return Array(UnsafeRawBufferPointer(start: state.arena + range.lowerBound, count: range.count))
    }
}
