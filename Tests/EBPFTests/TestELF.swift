import EBPF

/// Writes ELF objects for BPF as no compiler would: the loader has to take what is right and refuse what is not.
struct TestELF {
    struct Relocation {
        var section: Int
        var offset: UInt64
        var type: UInt32
        var symbol: UInt32
        var addend: Int64?
    }

    struct Symbol {
        var name: String
        var value: UInt64
        var size: UInt64
        var section: UInt16
        var info: UInt8
    }

    struct Section {
        var name: String
        var type: UInt32 = 1
        var flags: UInt64 = 6
        var bytes: [UInt8]
        /// Says another size than the bytes have.
        var size: UInt64?
        var alignment: UInt64 = 8
    }

    /// Numbered from 1, as in the file.
    var sections: [Section]
    var symbols: [Symbol] = []
    var relocations: [Relocation] = []
    var machine: UInt16 = 247
    var type: UInt16 = 1

    init(sections: [Section]) { self.sections = sections }

    /// Sections of code from assembly text, each with one global function of its name.
    init(sections texts: [(name: String, code: String)]) throws {
        sections = []
        for (index, text) in texts.enumerated() {
            let bytes = try Assembler.assemble(text.code).flatMap(\.bytes)
            sections.append(Section(name: text.name, bytes: bytes))
            symbols.append(
                Symbol(name: text.name, value: 0, size: UInt64(bytes.count), section: UInt16(index + 1), info: 0x12))
        }
    }

    func object() throws(LoadError) -> Object { try Object(elf: bytes) }

    var bytes: [UInt8] {
        var strings: [UInt8] = [0]
        func name(_ text: String) -> UInt64 {
            strings += Array(text.utf8) + [0]
            return UInt64(strings.count - text.utf8.count - 1)
        }
        var file = [UInt8](repeating: 0, count: 64)
        var headers: [[UInt64]] = [[UInt64](repeating: 0, count: 10)]
        func add(_ header: [UInt64], _ bytes: [UInt8]) {
            file += [UInt8](repeating: 0, count: (8 - file.count % 8) % 8)
            var header = header
            header[4] = UInt64(file.count)
            file += bytes
            headers.append(header)
        }
        for section in sections {
            let size = section.size ?? UInt64(section.bytes.count)
            add(
                [
                    name(section.name), UInt64(section.type), section.flags, 0, 0, size, 0, 0, section.alignment, 0,
                ], section.bytes)
        }
        let symbolTable = UInt64(sections.count + 1)
        var table = [UInt8](repeating: 0, count: 24)
        for symbol in symbols {
            table += Self.little(name(symbol.name), 4) + [symbol.info, 0] + Self.little(UInt64(symbol.section), 2)
            table += Self.little(symbol.value, 8) + Self.little(symbol.size, 8)
        }
        let tables = Dictionary(grouping: relocations) { $0.section }
        let stringTable =
            symbolTable + UInt64(tables.values.reduce(0) { $0 + Set($1.map { $0.addend == nil }).count }) + 1
        add([name(".symtab"), 2, 0, 0, 0, UInt64(table.count), stringTable, 1, 8, 24], table)
        for (section, entries) in tables.sorted(by: { $0.key < $1.key }) {
            for hasAddend in [false, true] {
                let chosen = entries.filter { ($0.addend != nil) == hasAddend }
                guard !chosen.isEmpty else { continue }
                var bytes: [UInt8] = []
                bytes.reserveCapacity(chosen.count * 24)
                for entry in chosen {
                    bytes += Self.little(entry.offset, 8) + Self.little(UInt64(entry.type), 4)
                    bytes += Self.little(UInt64(entry.symbol), 4)
                    if let addend = entry.addend { bytes += Self.little(UInt64(bitPattern: addend), 8) }
                }
                let kind: UInt64 = hasAddend ? 4 : 9
                add(
                    [
                        name(".rel"), kind, 0, 0, 0, UInt64(bytes.count), symbolTable, UInt64(section), 8,
                        hasAddend ? 24 : 16,
                    ], bytes)
            }
        }
        let last = name(".strtab")
        add([last, 3, 0, 0, 0, UInt64(strings.count), 0, 0, 1, 0], strings)
        file += [UInt8](repeating: 0, count: (8 - file.count % 8) % 8)
        let start = UInt64(file.count)
        let widths = [4, 4, 8, 8, 8, 8, 4, 4, 8, 8]
        for header in headers { for (value, width) in zip(header, widths) { file += Self.little(value, width) } }
        var head: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        head += Self.little(UInt64(type), 2) + Self.little(UInt64(machine), 2) + Self.little(1, 4)
        head += Self.little(0, 8) + Self.little(0, 8) + Self.little(start, 8) + Self.little(0, 4)
        head += Self.little(64, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(64, 2)
        head += Self.little(UInt64(headers.count), 2) + Self.little(UInt64(headers.count - 1), 2)
        file.replaceSubrange(0..<64, with: head)
        return file
    }

    private static func little(_ value: UInt64, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
    }
}
