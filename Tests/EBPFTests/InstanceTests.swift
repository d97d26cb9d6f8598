import EBPF
import Testing

@Suite struct InstanceTests {
    private static let engines: [Module.Engine] = [.interpreter, .automatic]

    private func module(_ text: String, _ engine: Module.Engine, isStrict: Bool = false) throws -> Module {
        let (code, labels) = try Assembler.assembleWithLabels(text)
        let options = Module.Options(isStrict: isStrict, engine: engine)
        return try Module(Object(instructions: code, functions: labels), helpers: [identity], options: options)
    }

    @Test(arguments: engines) func `a program adds its arguments`(engine: Module.Engine) throws {
        let module = try module("mov r0, r1\nadd r0, r2\nexit", engine)
        var instance = try Instance(of: module, in: ArenaPool())
        #expect(try instance.call(module.programs[0], 40, 2, fuel: 3) == 42)
        #expect(instance.fuelLeft == 0)
        #expect(throws: Fault.self) { try instance.call(module.programs[0], 40, 2, fuel: 2) }
        #expect(instance.fuelLeft == 2)
    }

    @Test(arguments: engines) func `five arguments arrive in order`(engine: Module.Engine) throws {
        let shift = (1...5).map { "lsh r0, 8\nor r0, r\($0)\n" }.joined()
        let module = try module(shift + "exit", engine)
        var instance = try Instance(of: module, in: ArenaPool())
        #expect(try instance.call(module.programs[0], 1, 2, 3, 4, 5, fuel: 99) == 0x01_0203_0405)
    }

    @Test(arguments: engines) func `memory stays between calls and belongs to one instance`(
        engine: Module.Engine
    ) throws {
        let module = try module("ldxdw r0, [r10-8]\nadd r0, 1\nstxdw [r10-8], r0\nexit", engine)
        let pool = ArenaPool()
        var one = try Instance(of: module, in: pool)
        var other = try Instance(of: module, in: pool)
        for expected in 1...3 as ClosedRange<UInt64> {
            #expect(try one.call(module.programs[0], fuel: 9) == expected)
        }
        #expect(try other.call(module.programs[0], fuel: 9) == 1)
    }

    @Test(arguments: engines) func `a fault says what, where and with which registers`(engine: Module.Engine) throws {
        let text = """
            main: mov r6, 6
            call inner
            exit
            inner: mov r7, 7
            lddw r1, 0x123456789
            ldxw r2, [r1+4]
            exit
            """
        let module = try module(text, engine, isStrict: true)
        var instance = try Instance(of: module, in: ArenaPool())
        let program = try #require(module.program(named: "main"))
        let fault = try #require(throws: Fault.self) { try instance.call(program, 11, 22, fuel: 99) }
        #expect(fault.kind == .badAddress(0x1_2345_678d))
        #expect(fault.program == "inner")
        #expect(fault.instruction == 3)
        #expect(fault.text == "ldxw r2, [r1+4]")
        #expect(fault.registers == [0, 0x1_2345_6789, 22, 0, 0, 0, 6, 7, 0, 0, (64 << 10) - 512])
        #expect(fault.description == "inner+3 (ldxw r2, [r1+4]): access to 0x12345678d, outside the arena")
    }

    @Test func `both engines charge the same and stop at the same place`() throws {
        // Folded blocks, calls, a helper: whatever the fuel, nothing differs.
        let text = """
            main: mov r6, 4
            again: jset r6, 1, odd
            add r7, 2
            ja join
            odd: add r7, 3
            join: mov r1, r7
            call 5
            call f
            add r6, -1
            jne r6, 0, again
            mov r0, r7
            exit
            f: jgt r7, 5, out
            add r7, 1
            out: exit
            """
        let one = try module(text, .interpreter)
        let other = try module(text, .automatic)
        let pool = ArenaPool()
        for fuel in 0...80 as ClosedRange<UInt64> {
            var outcomes: [(result: UInt64?, fault: Fault?, left: UInt64)] = []
            for module in [one, other] {
                var instance = try Instance(of: module, in: pool)
                let program = try #require(module.program(named: "main"))
                do throws(Fault) {
                    let result = try instance.call(program, fuel: fuel)
                    outcomes.append((result, nil, instance.fuelLeft))
                } catch { outcomes.append((nil, error, instance.fuelLeft)) }
            }
            #expect(outcomes[0] == outcomes[1], "fuel \(fuel)")
        }
    }

    @Test func `one module serves many threads`() async throws {
        let module = try module("mov r0, 0\nagain: add r0, r1\nadd r2, -1\njne r2, 0, again\nexit", .automatic)
        try await withThrowingTaskGroup(of: UInt64.self) { group in
            for number in 1...4 as ClosedRange<UInt64> {
                group.addTask {
                    let pool = ArenaPool()
                    var total: UInt64 = 0
                    for _ in 0..<100 {
                        var instance = try Instance(of: module, in: pool)
                        total += try instance.call(module.programs[0], number, 1000, fuel: 10_000)
                    }
                    return total
                }
            }
            let sum = try await group.reduce(0, +)
            #expect(sum == 100 * 1000 * (1 + 2 + 3 + 4))
        }
    }

    @Test func `programs are found by symbol, then by section`() throws {
        let object = try TestELF(sections: [("one", "mov r0, 1\nexit"), ("two/3", "mov r0, 2\nexit")]).object()
        let module = try Module(object)
        #expect(module.programs.map(\.name) == ["one", "two/3"])
        #expect(module.program(named: "two/3")?.section == "two/3")
        #expect(module.program(named: "three") == nil)
    }

    @Test func `the engine asked for is the one that runs`() throws {
        let object = Object(instructions: try Assembler.assemble("exit"))
        let interpreted = try Module(object, options: Module.Options(engine: .interpreter))
        #expect(!interpreted.isCompiled && interpreted.codeSize == 0 && interpreted.machineCode.isEmpty)
        #if arch(x86_64)
            let compiled = try Module(object, options: Module.Options(engine: .compiler))
            #expect(compiled.isCompiled && compiled.machineCode.count == compiled.codeSize)
        #else
            #expect(throws: VerifyError.self) { try Module(object, options: Module.Options(engine: .compiler)) }
        #endif
    }
}
