internal import CELF

extension Object {
    /// Sections that compilers and embedders use to describe an object rather than to be run or read by it.
    public static let usualMetadata: Set<String> = ["license", "version", ".plugin"]

    /// A relocatable ELF object for BPF, from any clang or from bpf-gcc.
    ///
    /// Sections named in `metadata` are kept for the embedder and stay out of the arena.
    public init(elf bytes: [UInt8], metadata: Set<String> = Object.usualMetadata) throws(LoadError) {
        guard bytes.count <= Limits.objectBytes else { throw .tooLarge }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        guard elf_version(UInt32(EV_CURRENT)) != EV_NONE else { throw .notELF }
        // Safe: libelf gets a copy that outlives its handle.
        guard let elf = elf_memory(copy.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count) else {
            throw .notELF
        }
        defer { elf_end(elf) }
        var loader = ELFLoader(elf: elf, metadata: metadata)
        self = try loader.load()
    }
}

/// Relocations that libelf's header has no name for.
private enum RelocationType {
    /// `R_BPF_64_ABS64` and `R_BPF_64_ABS32` of LLVM.
    static let data64: UInt32 = 2
    static let data32: UInt32 = 3
    /// `R_BPF_DATA_64` and `R_BPF_DATA_32` of binutils before 2.41.
    static let gnuData64: UInt32 = 12
    static let gnuData32: UInt32 = 11
}

/// Reads one ELF object: sections, then symbols, then relocations.
///
/// Sections of code are kept whole and laid one after the other; sections of data are laid into the arena's beginning.
/// libelf finds tables and names; every index and offset out of the file is checked here before it is used.
private struct ELFLoader {
    private enum Place {
        case code(firstSlot: Int, slots: Int)
        case data(address: Int, size: Int)
    }

    private struct Symbol {
        var name: String
        var value: UInt64
        var size: UInt64
        var section: Int
        var type: UInt8
        var isGlobal: Bool
    }

    private let elf: OpaquePointer
    private let wantedMetadata: Set<String>
    private var object = Object()
    private var places: [Int: Place] = [:]
    private var names: [Int: String] = [:]
    private var symbols: [Symbol] = []
    private var handles: [Int: Int] = [:]
    /// GNU tools before GCC 14 count otherwise: what is in the code already has the symbol's value in it, even that of
    /// a call, which counts slots, in bytes. (Their numbers for data relocations differ as well.)
    private var isOldGNU = false

    init(elf: OpaquePointer, metadata: Set<String>) {
        self.elf = elf
        wantedMetadata = metadata
    }

    mutating func load() throws(LoadError) -> Object {
        guard elf_kind(elf) == ELF_K_ELF else { throw .notELF }
        var header = GElf_Ehdr()
        guard gelf_getehdr(elf, &header) != nil else { throw .notELF }
        let identity = withUnsafeBytes(of: header.e_ident) { Array($0) }
        guard identity[Int(EI_CLASS)] == UInt8(ELFCLASS64), identity[Int(EI_DATA)] == UInt8(ELFDATA2LSB),
            Int32(header.e_type) == ET_REL, Int32(header.e_machine) == EM_BPF
        else { throw .wrongKind }
        var nameTable = 0
        guard elf_getshdrstrndx(elf, &nameTable) == 0 else { throw .malformed("section names") }
        try readSections(nameTable)
        guard !object.instructions.isEmpty else { throw .noCode }
        try readSymbols()
        try findFunctions()
        try relocate()
        return object
    }

    // MARK: Sections

    private func eachSection(
        _ body: (Int, OpaquePointer, GElf_Shdr) throws(LoadError) -> Void
    ) throws(LoadError) {
        var section: OpaquePointer?
        var count = 0
        while let next = elf_nextscn(elf, section) {
            section = next
            count += 1
            guard count <= Limits.objectSections else { throw .tooLarge }
            var header = GElf_Shdr()
            guard gelf_getshdr(next, &header) != nil else { throw .malformed("section header") }
            try body(elf_ndxscn(next), next, header)
        }
    }

    private mutating func readSections(_ nameTable: Int) throws(LoadError) {
        var found: [(index: Int, section: OpaquePointer, header: GElf_Shdr)] = []
        try eachSection { (index, section, header) throws(LoadError) in found.append((index, section, header)) }
        for (index, section, header) in found {
            let name = try string(in: nameTable, at: Int(header.sh_name))
            names[index] = name
            if name == ".comment", header.sh_size <= UInt64(Limits.nameBytes) {
                isOldGNU = try Self.isOldGNU(contents(section, header))
            }
            guard header.sh_flags & UInt64(SHF_ALLOC) != 0, header.sh_size > 0 else { continue }
            let isCode = header.sh_flags & UInt64(SHF_EXECINSTR) != 0
            switch (Int32(bitPattern: header.sh_type), isCode) {
            case (SHT_PROGBITS, true):
                guard header.sh_size <= UInt64(Limits.instructions * 8) else { throw .tooLarge }
                try addCode(index, name, try contents(section, header))
            case (SHT_PROGBITS, false) where wantedMetadata.contains(name):
                guard header.sh_size <= UInt64(Limits.metadataBytes) else { throw .tooLarge }
                guard object.metadata[name] == nil else { throw .malformed("section \(name) twice") }
                object.metadata[name] = try contents(section, header)
            case (SHT_PROGBITS, false):
                guard header.sh_size <= UInt64(Limits.largestArena) else { throw .tooLarge }
                try addData(index, name, header, try contents(section, header))
            case (SHT_NOBITS, false):
                guard header.sh_size <= UInt64(Limits.largestArena) else { throw .tooLarge }
                try addData(index, name, header, [UInt8](repeating: 0, count: Int(header.sh_size)))
            default:
                continue
            }
        }
    }

    private mutating func addCode(_ index: Int, _ name: String, _ bytes: [UInt8]) throws(LoadError) {
        guard let instructions = Instruction.decode(bytes) else { throw .brokenCode(section: name) }
        let start = object.instructions.count
        guard start + instructions.count <= Limits.instructions else { throw .tooLarge }
        object.instructions += instructions
        object.sections.append(Object.Section(name: name, slots: start..<object.instructions.count))
        places[index] = .code(firstSlot: start, slots: instructions.count)
    }

    private mutating func addData(
        _ index: Int, _ name: String, _ header: GElf_Shdr, _ bytes: [UInt8]
    ) throws(LoadError) {
        let alignment = header.sh_addralign
        guard alignment <= 4096, alignment & (alignment &- 1) == 0 || alignment == 0 else {
            throw .malformed("alignment of \(name)")
        }
        let step = max(Int(alignment), 1)
        let address = (Limits.firstAddress + object.data.count + step - 1) / step * step
        guard address + bytes.count <= Limits.largestArena else { throw .tooLarge }
        object.data += [UInt8](repeating: 0, count: address - Limits.firstAddress - object.data.count)
        object.data += bytes
        object.dataSections.append(Object.DataSection(name: name, addresses: address..<address + bytes.count))
        places[index] = .data(address: address, size: bytes.count)
    }

    /// Whether a comment ends in the version of a GCC before 14.
    private static func isOldGNU(_ comment: [UInt8]) -> Bool {
        let text = String(decoding: comment.drop { $0 == 0 }.prefix { $0 != 0 }, as: UTF8.self)
        guard text.hasPrefix("GCC:"), let version = text.split(separator: " ").last else { return false }
        return (version.split(separator: ".").first.flatMap { Int($0) } ?? 14) < 14
    }

    private func contents(_ section: OpaquePointer, _ header: GElf_Shdr) throws(LoadError) -> [UInt8] {
        guard let data = elf_rawdata(section, nil) else { throw .malformed("section data") }
        // Safe: libelf checks that the data lies in the copy; what it reports is what is read.
        let buffer = UnsafeRawBufferPointer(start: data.pointee.d_buf, count: Int(data.pointee.d_size))
        guard buffer.baseAddress != nil || buffer.isEmpty, UInt64(buffer.count) == header.sh_size else {
            throw .malformed("section data")
        }
        return Array(buffer)
    }

    private func string(in table: Int, at offset: Int) throws(LoadError) -> String {
        guard let text = elf_strptr(elf, table, offset) else { throw .malformed("name") }
        // Safe: libelf checks that the string ends inside its section. Names may overlap, so a long one would be copied
        // for every symbol.
        var length = 0
        while text[length] != 0 {
            length += 1
            guard length < Limits.nameBytes else { throw .malformed("name") }
        }
        return String(cString: text)
    }

    // MARK: Symbols

    private mutating func readSymbols() throws(LoadError) {
        var result: [Symbol] = []
        var tables = 0
        try eachSection { (_, section, header) throws(LoadError) in
            guard Int32(bitPattern: header.sh_type) == SHT_SYMTAB else { return }
            tables += 1
            guard tables == 1 else { throw .malformed("two tables of symbols") }
            guard header.sh_size <= UInt64(Limits.objectSymbols * MemoryLayout<Elf64_Sym>.size) else {
                throw .tooLarge
            }
            guard let data = elf_getdata(section, nil) else { throw .malformed("symbols") }
            // What libelf converted is as long as it says, whatever the header claims.
            let count = Int(data.pointee.d_size) / MemoryLayout<Elf64_Sym>.size
            for index in 0..<count {
                var symbol = GElf_Sym()
                guard gelf_getsym(data, Int32(index), &symbol) != nil else { throw .malformed("symbol") }
                result.append(
                    Symbol(
                        name: try string(in: Int(header.sh_link), at: Int(symbol.st_name)), value: symbol.st_value,
                        size: symbol.st_size, section: Int(symbol.st_shndx), type: symbol.st_info & 15,
                        isGlobal: symbol.st_info >> 4 != 0))
            }
        }
        symbols = result
    }

    private mutating func findFunctions() throws(LoadError) {
        var named: Set<Int> = []
        for symbol in symbols where Int32(symbol.type) == STT_FUNC {
            guard case .code(let first, let slots)? = places[symbol.section] else { continue }
            guard symbol.value % 8 == 0, symbol.value / 8 < slots, symbol.size <= UInt64(slots) * 8 - symbol.value
            else { throw .malformed("function \(symbol.name)") }
            let start = first + Int(symbol.value / 8)
            named.insert(first)
            object.functions.append(
                Object.Function(
                    name: symbol.name, section: names[symbol.section] ?? "",
                    slots: start..<start + Int(symbol.size / 8), isGlobal: symbol.isGlobal))
        }
        for section in object.sections where !named.contains(section.slots.lowerBound) {
            object.functions.append(
                Object.Function(name: section.name, section: section.name, slots: section.slots, isGlobal: true))
        }
        object.functions.sort { ($0.slots.lowerBound, $0.name) < ($1.slots.lowerBound, $1.name) }
    }

    // MARK: Relocations

    private struct Relocation {
        var offset: UInt64
        var type: UInt32
        var symbol: Int
        /// Nil: the addend is in the bytes that are relocated.
        var addend: Int64?
    }

    private mutating func relocate() throws(LoadError) {
        var tables: [(target: Int, relocations: [Relocation])] = []
        let places = self.places
        var total: UInt64 = 0
        try eachSection { (_, section, header) throws(LoadError) in
            let hasAddends = Int32(bitPattern: header.sh_type) == SHT_RELA
            guard hasAddends || Int32(bitPattern: header.sh_type) == SHT_REL else { return }
            // Debug information and type information stay outside the arena, and so do their relocations.
            guard places[Int(header.sh_info)] != nil else { return }
            let entrySize = hasAddends ? MemoryLayout<Elf64_Rela>.size : MemoryLayout<Elf64_Rel>.size
            let claimed = header.sh_size / UInt64(entrySize)
            guard claimed <= UInt64(Limits.objectRelocations) - total else { throw .tooLarge }
            total += claimed
            guard let data = elf_getdata(section, nil) else { throw .malformed("relocations") }
            let count = Int(data.pointee.d_size) / entrySize
            var relocations: [Relocation] = []
            relocations.reserveCapacity(count)
            for index in 0..<count {
                relocations.append(try read(data, index, hasAddends))
            }
            tables.append((Int(header.sh_info), relocations))
        }
        for (target, relocations) in tables {
            for relocation in relocations {
                switch places[target] {
                case .code(let first, let slots)?: try relocateCode(relocation, target, first, slots)
                case .data(let address, let size)?: try relocateData(relocation, target, address, size)
                case nil: break
                }
            }
        }
    }

    private func read(
        _ data: UnsafeMutablePointer<Elf_Data>, _ index: Int, _ hasAddends: Bool
    ) throws(LoadError) -> Relocation {
        if hasAddends {
            var entry = GElf_Rela()
            guard gelf_getrela(data, Int32(index), &entry) != nil else { throw .malformed("relocation") }
            return Relocation(
                offset: entry.r_offset, type: UInt32(truncatingIfNeeded: entry.r_info), symbol: Int(entry.r_info >> 32),
                addend: entry.r_addend)
        }
        var entry = GElf_Rel()
        guard gelf_getrel(data, Int32(index), &entry) != nil else { throw .malformed("relocation") }
        return Relocation(
            offset: entry.r_offset, type: UInt32(truncatingIfNeeded: entry.r_info), symbol: Int(entry.r_info >> 32),
            addend: nil)
    }

    private mutating func relocateCode(
        _ relocation: Relocation, _ target: Int, _ first: Int, _ slots: Int
    ) throws(LoadError) {
        let bad = LoadError.badRelocation(section: names[target] ?? "", offset: relocation.offset)
        guard relocation.offset % 8 == 0, relocation.offset / 8 < slots else { throw bad }
        let slot = first + Int(relocation.offset / 8)
        let instruction = object.instructions[slot]
        switch relocation.type {
        case UInt32(R_BPF_NONE):
            return
        case UInt32(R_BPF_64_64):
            guard instruction.isWide, slot + 1 < first + slots else { throw bad }
            let low = UInt64(UInt32(bitPattern: instruction.immediate))
            let high = UInt64(UInt32(bitPattern: object.instructions[slot + 1].immediate))
            let inPlace = Int64(bitPattern: low | high << 32)
            object.setWide(slot, to: try address(relocation, inPlace, bad))
        case UInt32(R_BPF_64_32):
            guard instruction.opcode == OpCode.callHelper.rawValue else { throw bad }
            let symbol = try definedSymbol(relocation, bad)
            guard case .code(let start, let count)? = places[symbol.section], symbol.value % 8 == 0 else { throw bad }
            let entry: Int64
            if isOldGNU {
                guard symbol.value / 8 <= UInt64(count) else { throw bad }
                entry = Int64(symbol.value / 8) + Int64(instruction.immediate) + 1 - Int64(symbol.value)
            } else {
                entry = Int64(symbol.value / 8) + (try callAddend(relocation, instruction, bad))
            }
            guard symbol.value / 8 <= UInt64(count), (0..<Int64(count)).contains(entry) else { throw bad }
            object.instructions[slot].source = SpecConstants.callLocal
            object.instructions[slot].immediate = Int32(start + Int(entry) - slot - 1)
        default:
            throw .unknownRelocation(section: names[target] ?? "", type: relocation.type)
        }
    }

    /// How many slots after its symbol a call goes.
    private func callAddend(
        _ relocation: Relocation, _ instruction: Instruction, _ bad: LoadError
    ) throws(LoadError) -> Int64 {
        if let addend = relocation.addend {
            guard addend % 8 == 0 else { throw bad }
            return addend / 8
        }
        return Int64(instruction.immediate) + 1
    }

    private mutating func relocateData(
        _ relocation: Relocation, _ target: Int, _ address: Int, _ size: Int
    ) throws(LoadError) {
        let bad = LoadError.badRelocation(section: names[target] ?? "", offset: relocation.offset)
        let width: Int
        switch relocation.type {
        case UInt32(R_BPF_NONE): return
        case RelocationType.data64, RelocationType.gnuData64: width = 8
        case RelocationType.data32, RelocationType.gnuData32: width = 4
        default: throw .unknownRelocation(section: names[target] ?? "", type: relocation.type)
        }
        guard relocation.offset <= UInt64(size), UInt64(size) - relocation.offset >= UInt64(width) else { throw bad }
        let start = address - Limits.firstAddress + Int(relocation.offset)
        var inPlace: UInt64 = 0
        for index in (0..<width).reversed() { inPlace = inPlace << 8 | UInt64(object.data[start + index]) }
        if width == 4 { inPlace = UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: inPlace))) }
        let value = try self.address(relocation, Int64(bitPattern: inPlace), bad)
        guard width == 8 || value <= UInt64(UInt32.max) else { throw bad }
        for index in 0..<width {
            object.data[start + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
    }

    private func definedSymbol(_ relocation: Relocation, _ bad: LoadError) throws(LoadError) -> Symbol {
        guard symbols.indices.contains(relocation.symbol) else { throw bad }
        let symbol = symbols[relocation.symbol]
        guard symbol.section != Int(SHN_UNDEF), symbol.section < Int(SHN_LORESERVE) else {
            throw .undefined(symbol: symbol.name)
        }
        return symbol
    }

    /// What a program sees for a symbol: an address of data, or the handle of a function.
    private mutating func address(
        _ relocation: Relocation, _ inPlace: Int64, _ bad: LoadError
    ) throws(LoadError) -> UInt64 {
        let symbol = try definedSymbol(relocation, bad)
        let addend = relocation.addend ?? inPlace
        let base = isOldGNU ? 0 : Int64(bitPattern: symbol.value)
        let (offset, overflow) = base.addingReportingOverflow(addend)
        guard !overflow else { throw bad }
        switch places[symbol.section] {
        case .code(let first, let slots)?:
            guard offset >= 0, offset % 8 == 0, offset / 8 < Int64(slots) else { throw bad }
            return object.handle(ofFunctionAt: first + Int(offset / 8), known: &handles)
        case .data(let address, let size)?:
            // One past the end is a legal pointer in C, and so is a little before: compilers fold constants in.
            guard offset >= -Int64(Limits.largestArena), offset <= Int64(size + Limits.largestArena) else { throw bad }
            return UInt64(bitPattern: Int64(address) + offset)
        case nil:
            throw bad
        }
    }
}
