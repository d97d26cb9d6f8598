import EBPF
import Testing

@Suite struct InstanceTests {
    @Test func `a program adds its arguments`() throws {
        let object = Object(instructions: try Assembler.assemble("mov r0, r1\nadd r0, r2\nexit"))
        let module = try Module(object)
        var instance = try Instance(of: module, in: ArenaPool())
        #expect(try instance.call(module.programs[0], 40, 2, fuel: 3) == 42)
        #expect(instance.fuelLeft == 0)
        #expect(throws: Fault.self) { try instance.call(module.programs[0], 40, 2, fuel: 2) }
    }
}
