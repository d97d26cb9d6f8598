import ArgumentParser
import EBPF

/// `fanion ebpf conformance`: the plugin that the public `bpf_conformance` runner starts for each of its tests.
///
/// The runner gives the memory as hex in the first argument, if there is any, and the program as hex on standard input;
/// it wants r0 in hex on standard output. r1 is the memory's address, r2 its length, and helper 5 answers with its
/// first argument.
struct EBPFConformance: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conformance", abstract: "Be a plugin of the public bpf_conformance runner.")

    @Argument(help: "The memory, as hex bytes.")
    var memory: String = ""

    @Flag(help: "Standard input has a whole ELF object, in hex, instead of bare instructions.")
    var elf = false

    @Flag(exclusivity: .exclusive)
    var engine: EBPFEngine?

    func run() throws {
        let bytes = try EBPFInput.hex(memory.utf8)
        let code = try EBPFInput.hex(try EBPFInput.file("-"))
        let object = elf ? try Object(elf: code) : try Object(bytecode: code)
        let module = try EBPFInput.module(
            object, helpers: [EBPFInput.identity], window: bytes.count, engine: Module.Engine(engine))
        var instance = try Instance(of: module, in: ArenaPool())
        let address = module.layout.windows[0].lowerBound
        instance.write(bytes, at: address)
        let program = try EBPFInput.program(nil, in: module)
        let result = try instance.call(
            program, bytes.isEmpty ? 0 : UInt64(address), UInt64(bytes.count), fuel: EBPFInput.ampleFuel)
        print(String(result, radix: 16))
    }
}
