internal import CPlatform
internal import Synchronization

/// A program: one function of a module that the host may call.
public struct Program: Sendable, Hashable {
    /// The function's symbol.
    public let name: String
    /// The section that it stands in.
    public let section: String
    /// Its first slot.
    let slot: Int
    /// Compiled code, or nil.
    let entry: UInt?
    /// The module that it belongs to.
    let module: UInt64
}

/// An object made ready to run: verified, laid out in an arena of a certain size, its helpers granted, compiled.
///
/// A module is immutable and may be shared between threads. Each ``Instance`` of it has its own memory.
///
/// ```swift
/// let object = try Object(elf: bytes)
/// let module = try Module(object, helpers: [checksum])
/// var instance = try Instance(of: module, in: ArenaPool())
/// let answer = try instance.call(module.programs[0], 1, 2, fuel: 20_000)
/// ```
public final class Module: Sendable {
    /// Which engine runs the code.
    public enum Engine: Sendable, Hashable {
        /// Compiled where possible, else interpreted.
        case automatic
        /// Interpreted.
        case interpreter
        /// Compiled, or an error.
        case compiler
    }

    /// How a module is made.
    public struct Options: Sendable {
        /// The arena's size, a power of two from 16 KiB to 1 MiB.
        public var arenaSize: Int
        /// Sizes of the places that the embedder wants for itself.
        public var windows: [Int]
        /// Whether an access outside the arena faults instead of being masked: for development and fuzzing.
        public var isStrict: Bool
        /// Which engine runs the code.
        public var engine: Engine

        /// Options; by default an arena of 64 KiB, no windows, masked accesses and the best engine.
        public init(
            arenaSize: Int = 64 << 10, windows: [Int] = [], isStrict: Bool = false, engine: Engine = .automatic
        ) {
            self.arenaSize = arenaSize
            self.windows = windows
            self.isStrict = isStrict
            self.engine = engine
        }
    }

    /// What it was made of.
    public let object: Object
    /// What lies where in each instance's arena.
    public let layout: ArenaLayout
    /// Every global function, in the object's order.
    public let programs: [Program]
    /// Whether accesses outside the arena fault.
    public let isStrict: Bool

    /// The result of verification.
    package let code: VerifiedCode
    let storage: ModuleStorage
    let identity: UInt64
    private static let identities = Atomic<UInt64>(1)

    /// Verifies, lays out and compiles an object; the helpers are those granted to it.
    public convenience init(
        _ object: Object, helpers: [Helper] = [], options: Options = Options()
    ) throws(VerifyError) {
        try self.init(object, helpers: helpers, options: options) { _ in }
    }

    /// The same, with a look at what the compiler is given: tests plant errors here.
    package init(
        _ object: Object, helpers: [Helper], options: Options, compiling adjust: (inout CompilerInput) -> Void
    ) throws(VerifyError) {
        do throws(VerifyError.Reason) {
            layout = try ArenaLayout(size: options.arenaSize, dataSize: object.data.count, windows: options.windows)
        } catch {
            throw VerifyError(program: "", instruction: 0, text: "", reason: error)
        }
        let sorted = helpers.sorted { $0.number < $1.number }
        var places: [Int32: Int] = [:]
        for (place, helper) in sorted.enumerated() {
            guard places.updateValue(place, forKey: helper.number) == nil else {
                throw VerifyError(program: "", instruction: 0, text: "", reason: .helperTwice(helper.number))
            }
        }
        self.object = object
        isStrict = options.isStrict
        let code = try Verifier.verify(object, helpers: places)
        self.code = code
        var compiled: CompiledCode?
        if options.engine != .interpreter {
            var input = CompilerInput(code: code, arenaSize: options.arenaSize, isStrict: options.isStrict)
            for (place, helper) in sorted.enumerated() {
                guard let function = helper.function else { continue }
                // Safe: a C function is its address.
                input.functions[place] = unsafeBitCast(function, to: UInt.self)
            }
            adjust(&input)
            compiled = Compiler.compile(input)
            guard compiled != nil || options.engine == .automatic else {
                throw VerifyError(program: "", instruction: 0, text: "", reason: .cannotCompile)
            }
        }
        let identity = Self.identities.wrappingAdd(1, ordering: .relaxed).oldValue
        self.identity = identity
        programs = object.functions.filter(\.isGlobal).map { function in
            let slot = function.slots.lowerBound
            return Program(
                name: function.name, section: function.section, slot: slot, entry: compiled?.address(of: slot),
                module: identity)
        }
        storage = ModuleStorage(
            code: code, helpers: sorted.map(HelperEntry.init), data: object.data, compiled: compiled)
    }

    /// The first program with this symbol, or else in this section.
    public func program(named name: String) -> Program? {
        programs.first { $0.name == name } ?? programs.first { $0.section == name }
    }

    /// Whether the code was compiled; else it is interpreted.
    public var isCompiled: Bool { storage.compiled != nil }

    /// Bytes of machine code.
    public var codeSize: Int { storage.compiled?.size ?? 0 }

    /// The machine code, to be looked at with a disassembler; empty where the code is interpreted.
    public var machineCode: [UInt8] { storage.compiled?.bytes ?? [] }

    /// How many instructions of the code reach memory, and for how many data flow proves that they stay inside the
    /// arena, so that they need no mask.
    public var accesses: (proved: Int, all: Int) {
        let facts = RangeAnalysis.facts(code, arenaSize: layout.size, isStrict: isStrict)
        let reached = zip(code.operations, facts).filter { $0.0.code.width > 0 }
        return (reached.count { $0.1 != .unproved }, reached.count)
    }

    /// A fault as the host reports it.
    func fault(_ code: FaultCode, state: UnsafeMutablePointer<fanion_ebpf_state>) -> Fault {
        let slot = Int(truncatingIfNeeded: state.pointee.slot)
        let place = object.place(of: slot)
        return Fault(
            kind: code.kind(detail: state.pointee.detail), program: place.function, instruction: place.offset,
            text: Disassembler.text(of: object.instructions, at: slot),
            registers: (0..<SpecConstants.registerCount).map(state.register))
    }
}

/// A module's memory at fixed addresses, which the engines read without counting references.
///
/// Written once, in `init`, and freed when the module goes, which every instance keeps alive: hence safe to share.
final class ModuleStorage: @unchecked Sendable {
    let operations: UnsafeMutableBufferPointer<Operation>
    let functions: UnsafeMutableBufferPointer<Int>
    let helpers: UnsafeMutableBufferPointer<HelperEntry>
    /// What a new arena holds from address 16 on, up to the last byte that is not zero.
    let template: UnsafeMutableRawBufferPointer
    let compiled: CompiledCode?

    init(code: VerifiedCode, helpers: [HelperEntry], data: [UInt8], compiled: CompiledCode?) {
        operations = .allocate(capacity: code.operations.count)
        _ = operations.initialize(from: code.operations)
        functions = .allocate(capacity: code.functionTable.count)
        _ = functions.initialize(from: code.functionTable)
        self.helpers = .allocate(capacity: helpers.count)
        _ = self.helpers.initialize(from: helpers)
        let used = data.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
        template = .allocate(byteCount: used, alignment: 16)
        template.copyBytes(from: data.prefix(used))
        self.compiled = compiled
    }

    deinit {
        operations.deallocate()
        functions.deallocate()
        helpers.deinitialize()
        helpers.deallocate()
        template.deallocate()
    }
}
