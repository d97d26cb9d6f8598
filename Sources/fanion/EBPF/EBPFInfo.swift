import ArgumentParser
import EBPF

/// `fanion ebpf info`: what an object holds and what the machine makes of it.
struct EBPFInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Describe an object: programs, data, memory, compiled code.")

    @OptionGroup var file: EBPFObjectFile

    @Option(help: "Write the machine code to this file, for a disassembler of your choice.")
    var machineCode: String?

    func run() throws {
        let object = try file.load()
        print("\(object.instructions.count) instructions in \(object.sections.count) sections")
        for function in object.functions {
            let kind = function.isGlobal ? "program" : "function"
            print("  \(kind) \(function.name) in \(function.section), \(function.slots.count) instructions")
        }
        for section in object.dataSections {
            print("  data \(section.name), \(section.addresses.count) bytes at \(section.addresses.lowerBound)")
        }
        for (name, bytes) in object.metadata.sorted(by: { $0.key < $1.key }) {
            print("  metadata \(name), \(bytes.count) bytes")
        }
        print("\(object.functionTable.count) functions whose address is taken")
        let module = try EBPFInput.module(object, helpers: file.helpers, window: 0, engine: .automatic)
        let layout = module.layout
        print("arena of \(layout.size) bytes: data \(layout.data), heap \(layout.heap), stack \(layout.stack)")
        let proofs = module.accesses
        print("\(proofs.proved) of \(proofs.all) memory accesses proved, the others are masked")
        print(module.isCompiled ? "compiled: \(module.codeSize) bytes" : "interpreted: no compiler or not allowed")
        if let machineCode { try EBPFInput.write(module.machineCode, to: machineCode) }
    }
}
