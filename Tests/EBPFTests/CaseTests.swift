import EBPF
import Testing

@Suite struct CaseTests {
    @Test(arguments: CaseFile.all(in: "Cases"))
    func `every instruction case gives its result in both engines`(file: CaseFile) throws {
        let (instructions, labels) = try Assembler.assembleWithLabels(file.assembly)
        let object = Object(instructions: instructions, functions: labels.filter { $0.key == "f" })
        for engine in [Module.Engine.interpreter, .automatic] {
            let options = Module.Options(windows: [file.memory.count], engine: engine)
            let module = try Module(object, helpers: [identity], options: options)
            let program = try #require(module.program(named: "main"))
            var instance = try Instance(of: module, in: ArenaPool())
            instance.write(file.memory, at: module.layout.windows[0].lowerBound)
            let address = UInt64(module.layout.windows[0].lowerBound)
            do throws(Fault) {
                let result = try instance.call(program, address, UInt64(file.memory.count), fuel: 10_000)
                #expect(result == file.result, "\(engine)")
            } catch {
                #expect(error.kind.description == file.fault, "\(engine)")
            }
        }
    }

    @Test(arguments: CaseFile.all(in: "Cases"))
    func `every instruction case survives disassembly`(file: CaseFile) throws {
        let instructions = try Assembler.assemble(file.assembly)
        var slot = 0
        var text = ""
        while slot < instructions.count {
            text += Disassembler.text(of: instructions, at: slot) + "\n"
            slot += instructions[slot].opcode == 0x18 ? 2 : 1
        }
        #expect(try Assembler.assemble(text) == instructions)
    }
}
