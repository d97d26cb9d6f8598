/// A loaded object: code of all its sections one after the other, its data as the arena will hold it, and the names.
///
/// An object is linked (every address and call is resolved) but neither checked nor tied to an arena: ``Module`` does
/// that. Load an ELF file with ``init(elf:metadata:)`` or bare instructions with ``init(bytecode:)``.
public struct Object: Sendable {
    /// A section that holds code.
    public struct Section: Sendable, Hashable {
        /// Its name, which is how programs are found.
        public var name: String
        /// Its instructions in ``Object/instructions``.
        public var slots: Range<Int>
    }

    /// A function by its symbol.
    public struct Function: Sendable, Hashable {
        /// The symbol.
        public var name: String
        /// The section that it lies in.
        public var section: String
        /// Its instructions in ``Object/instructions``.
        public var slots: Range<Int>
        /// Whether the symbol is global: such functions are programs.
        public var isGlobal: Bool
    }

    /// A section that holds data, and where the arena has it.
    public struct DataSection: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The addresses that a program sees.
        public var addresses: Range<Int>
    }

    /// Every instruction, one per slot.
    public internal(set) var instructions: [Instruction]
    /// The sections of code, in order and without gaps.
    public internal(set) var sections: [Section]
    /// All functions, in order.
    public internal(set) var functions: [Function]
    /// Slots of the functions whose address is taken; a function's handle is 2^32 and its place here.
    public internal(set) var functionTable: [Int]
    /// The data, from address 16 on, as every new arena has it.
    public internal(set) var data: [UInt8]
    /// The sections of data.
    public internal(set) var dataSections: [DataSection]
    /// Sections that describe the object and that programs never see, by name.
    public internal(set) var metadata: [String: [UInt8]]

    /// An object without anything, for the loaders.
    init() {
        instructions = []
        sections = []
        functions = []
        functionTable = []
        data = []
        dataSections = []
        metadata = [:]
    }

    /// Bare instructions: one section `.text` with one program `main` at its beginning.
    public init(bytecode: some Collection<UInt8>) throws(LoadError) {
        guard bytecode.count <= Limits.objectBytes else { throw .tooLarge }
        guard let instructions = Instruction.decode(bytecode) else { throw .brokenCode(section: ".text") }
        self.init(instructions: instructions)
    }

    /// Instructions already decoded, and where functions other than `main`, which is at the beginning, start.
    public init(instructions: [Instruction], functions named: [String: Int] = [:]) {
        self.init()
        self.instructions = instructions
        sections = [Section(name: ".text", slots: 0..<instructions.count)]
        var starts = named.filter { instructions.indices.contains($0.value) }
        if !starts.values.contains(0) { starts["main"] = 0 }
        let sorted = starts.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        for (index, start) in sorted.enumerated() {
            let end = sorted[index...].first { $0.value > start.value }?.value ?? instructions.count
            functions.append(
                Function(name: start.key, section: ".text", slots: start.value..<end, isGlobal: true))
        }
        takeCodeAddresses()
    }

    /// The handle that programs see for the function that begins at a slot.
    mutating func handle(ofFunctionAt slot: Int, known: inout [Int: Int]) -> UInt64 {
        if let place = known[slot] { return Limits.firstFunctionHandle + UInt64(place) }
        known[slot] = functionTable.count
        functionTable.append(slot)
        return Limits.firstFunctionHandle + UInt64(functionTable.count - 1)
    }

    /// Makes `lddw rX, code distance` load a handle (RFC 9669 §5.4); a distance that leads nowhere is left for the
    /// verifier to refuse.
    private mutating func takeCodeAddresses() {
        var known: [Int: Int] = [:]
        var slot = 0
        while slot + 1 < instructions.count {
            defer { slot += instructions[slot].isWide ? 2 : 1 }
            guard instructions[slot].isWide, instructions[slot].source == SpecConstants.loadCode else { continue }
            let target = slot + 1 + Int(instructions[slot].immediate)
            guard instructions.indices.contains(target), instructions[slot + 1].immediate == 0 else { continue }
            let handle = handle(ofFunctionAt: target, known: &known)
            instructions[slot].source = 0
            setWide(slot, to: handle)
        }
    }

    /// Writes a constant into a wide instruction.
    mutating func setWide(_ slot: Int, to value: UInt64) {
        instructions[slot].immediate = Int32(truncatingIfNeeded: value)
        instructions[slot + 1].immediate = Int32(truncatingIfNeeded: value >> 32)
    }

    /// The function that a slot belongs to, and how far into it.
    package func place(of slot: Int) -> (function: String, offset: Int) {
        var low = 0
        var high = functions.count
        while low < high {
            let middle = (low + high) / 2
            if functions[middle].slots.lowerBound <= slot { low = middle + 1 } else { high = middle }
        }
        if low > 0 {
            let function = functions[low - 1]
            let section = sections.first { $0.slots.contains(slot) }
            if section.map({ $0.slots.contains(function.slots.lowerBound) }) ?? true {
                return (function.name, slot - function.slots.lowerBound)
            }
        }
        guard let section = sections.first(where: { $0.slots.contains(slot) }) else { return ("", slot) }
        return (section.name, slot - section.slots.lowerBound)
    }
}

/// Why a file is no object that the machine can load.
public enum LoadError: Error, Equatable, Sendable, CustomStringConvertible {
    /// More bytes, or more data, than the machine takes.
    case tooLarge
    /// No ELF file, or one that libelf cannot read.
    case notELF
    /// ELF, but not 64-bit, little-endian, relocatable and for BPF.
    case wrongKind
    /// A table or a name in the file leads nowhere.
    case malformed(String)
    /// The code of a section is no whole number of instructions.
    case brokenCode(section: String)
    /// There is no code.
    case noCode
    /// A symbol that the object does not define.
    case undefined(symbol: String)
    /// A relocation of a type that the machine does not know.
    case unknownRelocation(section: String, type: UInt32)
    /// A relocation that makes no sense where it stands.
    case badRelocation(section: String, offset: UInt64)

    /// The reason in words.
    public var description: String {
        switch self {
        case .tooLarge: "larger than the machine takes"
        case .notELF: "not an ELF file"
        case .wrongKind: "not a relocatable 64-bit little-endian ELF object for BPF"
        case .malformed(let what): "malformed: \(what)"
        case .brokenCode(let section): "section \(section) is no whole number of instructions"
        case .noCode: "no code"
        case .undefined(let symbol): "symbol \(symbol) is not defined"
        case .unknownRelocation(let section, let type): "section \(section) has a relocation of unknown type \(type)"
        case .badRelocation(let section, let offset): "section \(section) has a bad relocation at \(offset)"
        }
    }
}
