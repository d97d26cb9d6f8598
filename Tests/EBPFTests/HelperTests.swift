import EBPF
import Testing

/// What the machine checks around a call of a helper, in both engines.
@Suite struct HelperTests {
    static let engines: [Module.Engine] = [.interpreter, .automatic]

    /// Adds up input bytes, fills output bytes.
    private static let helpers = [
        Helper(number: 1, name: "sum", parameters: [.memory(.input, length: .argument(2)), .scalar]) { call in
            call.bytes(1).withUnsafeBytes { $0.reduce(0) { $0 + UInt64($1) } }
        },
        Helper(
            number: 2, name: "copy",
            parameters: [.memory(.output, length: .argument(3)), .memory(.input, length: .argument(3)), .scalar]
        ) { call in
            let input = call.bytes(2).withUnsafeBytes { Array($0) }
            var output = call.mutableBytes(1)
            output.withUnsafeMutableBytes { $0.copyBytes(from: input) }
            return UInt64(input.count)
        },
        Helper(
            number: 3, name: "compare",
            parameters: [.memory(.input, length: .fixed(8)), .memory(.input, length: .fixed(8))], fuel: 7,
            bytesPerFuel: 4
        ) { call in
            let one = call.bytes(1).withUnsafeBytes { Array($0) }
            return call.bytes(2).withUnsafeBytes { $0.elementsEqual(one) } ? 1 : 0
        },
        Helper(number: 4, name: "refuse", parameters: [.scalar]) { (call) throws(HelperRefusal) in
            throw HelperRefusal(code: call[1])
        },
        Helper(number: 6, name: "host", parameters: []) { call in
            guard let host = call.host else { return 0 }
            let counter = host.assumingMemoryBound(to: UInt64.self)
            counter.pointee += 1
            return counter.pointee
        },
        Helper(number: 7, name: "plain", scalars: 5) { one, two, three, four, five, _ in
            one + 10 * two + 100 * three + 1000 * four + 10_000 * five
        },
        Helper(
            number: 8, name: "increment", parameters: [.memory(.inputOutput, length: .fixed(8))]
        ) { call in
            var memory = call.mutableBytes(1)
            memory.withUnsafeMutableBytes { bytes in
                bytes.storeBytes(of: bytes.loadUnaligned(as: UInt64.self) &+ 1, as: UInt64.self)
            }
            return 0
        },
    ]

    private struct Run {
        var result: UInt64?
        var fault: Fault?
        var fuelUsed: UInt64
    }

    /// Runs assembly whose r1 is the address of 64 bytes 1, 2, 3, ...
    private func run(_ engine: Module.Engine, _ text: String, fuel: UInt64 = 1000) throws -> Run {
        let object = Object(instructions: try Assembler.assemble(text))
        let options = Module.Options(arenaSize: 16 << 10, windows: [64], engine: engine)
        let module = try Module(object, helpers: Self.helpers, options: options)
        var instance = try Instance(of: module, in: ArenaPool())
        let start = module.layout.windows[0].lowerBound
        instance.write((1...64).map { UInt8($0) }, at: start)
        do throws(Fault) {
            let result = try instance.call(module.programs[0], UInt64(start), fuel: fuel)
            return Run(result: result, fuelUsed: fuel - instance.fuelLeft)
        } catch { return Run(fault: error, fuelUsed: fuel - instance.fuelLeft) }
    }

    @Test(arguments: engines) func `memory inside the arena reaches the helper`(engine: Module.Engine) throws {
        #expect(try run(engine, "mov r2, 4\ncall 1\nexit").result == 10)
        let copy = "mov r6, r1\nmov r2, r1\nadd r1, 32\nmov r3, 8\ncall 2\nldxb r1, [r6+39]\nadd r0, r1\nexit"
        #expect(try run(engine, copy).result == 16)
        #expect(try run(engine, "mov r2, r1\ncall 3\nexit").result == 1)
        #expect(try run(engine, "mov r6, r1\ncall 8\ncall 6\nldxb r0, [r6+0]\nexit").result == 2)
    }

    @Test(arguments: engines) func `a helper takes its fuel and that of its bytes`(engine: Module.Engine) throws {
        #expect(try run(engine, "mov r2, 4\ncall 1\nexit").fuelUsed == 3 + 4)
        #expect(try run(engine, "mov r2, 0\ncall 1\nexit").fuelUsed == 3)
        // Two times eight bytes at four for one, and seven of its own.
        #expect(try run(engine, "mov r2, r1\ncall 3\nexit").fuelUsed == 3 + 4 + 7)
        let poor = try run(engine, "mov r2, 64\ncall 1\nexit", fuel: 66)
        #expect(poor.fault?.kind == .outOfFuel)
        #expect(poor.fault?.instruction == 1)
        #expect(poor.fault?.text == "call 1")
        #expect(try run(engine, "mov r2, 64\ncall 1\nexit", fuel: 67).result == 64 * 65 / 2)
    }

    @Test(arguments: engines) func `memory that is not all inside never reaches the helper`(
        engine: Module.Engine
    ) throws {
        let arena: Int64 = 16 << 10
        let bad: [(address: Int64, length: Int64)] = [
            (arena - 3, 4), (arena, 1), (0, 1), (15, 1), (16, arena), (-1, 1), (-1, 2), (16, -16), (16, -1),
            (.min, .min), (.max, .max), (1 << 32 + 64, 1), (64, 1 << 32), (arena, arena), (-8, 16),
        ]
        for (address, length) in bad {
            let run = try run(engine, "lddw r1, \(address)\nlddw r2, \(length)\ncall 1\nexit")
            #expect(run.fault?.kind == .badHelperMemory(argument: 1), "\(address) \(length)")
            #expect(run.fault?.registers[1] == UInt64(bitPattern: address))
            #expect(run.fault?.registers[2] == UInt64(bitPattern: length))
        }
        for (address, length) in [(16, 1), (16, arena - 16), (arena - 1, 1), (arena - 8, 8), (-5, 0), (0, 0)] {
            let run = try run(engine, "lddw r1, \(address)\nlddw r2, \(length)\ncall 1\nexit", fuel: 100_000)
            #expect(run.fault == nil, "\(address) \(length)")
        }
        let second = try run(engine, "mov r2, 3\ncall 3\nexit")
        #expect(second.fault?.kind == .badHelperMemory(argument: 2))
    }

    @Test(arguments: engines) func `an output may not overlap anything`(engine: Module.Engine) throws {
        for distance in [-7, -1, 0, 1, 7] {
            let text = "add r1, 16\nmov r2, r1\nadd r2, \(distance)\nmov r3, 8\ncall 2\nexit"
            #expect(try run(engine, text).fault?.kind == .overlappingHelperMemory(argument: 2), "\(distance)")
        }
        for distance in [-8, 8] {
            let text = "add r1, 16\nmov r2, r1\nadd r2, \(distance)\nmov r3, 8\ncall 2\nexit"
            #expect(try run(engine, text).result == 8, "\(distance)")
        }
        // Nothing overlaps nothing, and two inputs may be the same.
        #expect(try run(engine, "mov r2, r1\nmov r3, 0\ncall 2\nexit").result == 0)
        #expect(try run(engine, "mov r2, r1\nadd r2, 4\ncall 3\nexit").result == 0)
    }

    @Test(arguments: engines) func `afterwards r1 to r5 are zero and the others stay`(engine: Module.Engine) throws {
        let set = (1...9).map { "mov r\($0), \($0)" }.joined(separator: "\n")
        let sum = (1...9).map { "lsh r0, 4\nadd r0, r\($0)" }.joined(separator: "\n")
        for call in ["call 7", "mov r0, 7\ncallx r0"] {
            #expect(try run(engine, "\(set)\n\(call)\nmov r0, 0\n\(sum)\nexit").result == 0x6789)
            #expect(try run(engine, "\(set)\n\(call)\nexit").result == 54321)
        }
    }

    @Test(arguments: engines) func `a refusal ends the call and says where`(engine: Module.Engine) throws {
        let fault = try #require(try run(engine, "mov r1, 77\nmov r9, 9\ncall 4\nmov r0, 1\nexit").fault)
        #expect(fault.kind == .helperRefused(code: 77))
        #expect(fault.program == "main")
        #expect(fault.instruction == 2)
        #expect(fault.text == "call 4")
        #expect(fault.registers[1] == 77)
        #expect(fault.registers[9] == 9)
        #expect(fault.registers[10] == 16 << 10)
    }

    @Test(arguments: engines) func `the embedder's pointer reaches helpers`(engine: Module.Engine) throws {
        let object = Object(instructions: try Assembler.assemble("call 6\ncall 6\nexit"))
        let module = try Module(object, helpers: Self.helpers, options: Module.Options(engine: engine))
        var instance = try Instance(of: module, in: ArenaPool())
        var counter: UInt64 = 40
        let result = try withUnsafeMutablePointer(to: &counter) { pointer in
            try instance.call(module.programs[0], fuel: 10, host: pointer)
        }
        #expect(result == 42)
        #expect(try instance.call(module.programs[0], fuel: 10) == 0)
    }

    @Test(arguments: engines) func `a fault or a refusal leaves an instance that can be called`(
        engine: Module.Engine
    ) throws {
        let object = Object(instructions: try Assembler.assemble("call 4\nexit"), functions: [:])
        let module = try Module(object, helpers: Self.helpers, options: Module.Options(engine: engine))
        var instance = try Instance(of: module, in: ArenaPool())
        for code in 0..<3 as Range<UInt64> {
            let fault = try #require(throws: Fault.self) { try instance.call(module.programs[0], code, fuel: 10) }
            #expect(fault.kind == .helperRefused(code: code))
        }
    }
}
