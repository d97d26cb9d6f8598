import ArgumentParser
import EBPF

/// `fanion ebpf run`: one call of one program.
struct EBPFRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a program once and print r0.",
        discussion: "r1 is the address of the memory and r2 its length, where there is memory; else they are zero.")

    @OptionGroup var file: EBPFObjectFile

    @Option(help: "The program, by its function's or its section's name; by default the first.")
    var program: String?

    @Option(help: "A file whose bytes are the program's memory.")
    var memory: String?

    @Option(name: .customLong("hex"), help: "The program's memory in hex.")
    var hexMemory: String?

    @Option(name: .customLong("argument"), help: "An argument, up to five; where there is memory they begin with r3.")
    var arguments: [UInt64] = []

    @Option(help: "Fuel: instructions at most.")
    var fuel: UInt64 = 1_000_000_000

    @Flag(help: "Fault on what the mask of addresses would hide.")
    var strict = false

    @Flag(help: "Print the memory afterwards, in hex.")
    var showMemory = false

    @Flag(exclusivity: .exclusive)
    var engine: EBPFEngine?

    func run() throws {
        var bytes: [UInt8] = []
        if let memory { bytes = try EBPFInput.file(memory) }
        if let hexMemory { bytes = try EBPFInput.hex(hexMemory.utf8) }
        let module = try EBPFInput.module(
            try file.load(), helpers: file.helpers, window: bytes.count, isStrict: strict, engine: Module.Engine(engine)
        )
        let program = try EBPFInput.program(program, in: module)
        var instance = try Instance(of: module, in: ArenaPool())
        let window = module.layout.windows[0]
        instance.write(bytes, at: window.lowerBound)
        var r = bytes.isEmpty ? [] : [UInt64(window.lowerBound), UInt64(bytes.count)]
        r += arguments
        guard r.count <= 5 else { throw ValidationError("more than five arguments") }
        r += [UInt64](repeating: 0, count: 5 - r.count)
        do throws(Fault) {
            let result = try instance.call(program, r[0], r[1], r[2], r[3], r[4], fuel: fuel)
            print("r0 = 0x\(String(result, radix: 16)) (\(result)), fuel used: \(fuel - instance.fuelLeft)")
        } catch {
            throw EBPFFailure(description: EBPFInput.describe(error))
        }
        if showMemory {
            let digits = instance.read(window).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            print(digits.joined(separator: " "))
        }
    }
}
