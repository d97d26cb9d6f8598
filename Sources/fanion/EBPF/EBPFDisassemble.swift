import ArgumentParser
import EBPF

/// `fanion ebpf disasm`: the code as text that the assembler reads back.
struct EBPFDisassemble: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disasm", abstract: "Print an object's instructions, linked, section by section.")

    @Argument(help: "An ELF object for BPF, or a file of bare instructions; - is standard input.")
    var object: String

    func run() throws {
        let object = try EBPFInput.object(try EBPFInput.file(object))
        var names: [Int: [String]] = [:]
        for function in object.functions { names[function.slots.lowerBound, default: []].append(function.name) }
        for section in object.sections {
            print("; section \(section.name)")
            var slot = section.slots.lowerBound
            while slot < section.slots.upperBound {
                for name in names[slot] ?? [] { print("\(name):") }
                let text = Disassembler.text(of: object.instructions, at: slot)
                let pad = String(repeating: " ", count: max(0, 36 - text.count))
                print("    \(text)\(pad)  ; \(slot)")
                slot += object.instructions[slot].isWide ? 2 : 1
            }
        }
    }
}
