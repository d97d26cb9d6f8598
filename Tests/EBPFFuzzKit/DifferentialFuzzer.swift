package import EBPF
internal import Glibc

/// Runs random programs in both engines and compares everything that can be seen.
///
/// Same result, same fault with the same registers, same fuel, same memory; and neighbours of the arena untouched. The
/// two engines have different neighbours, so reading one would show as a different result.
package struct DifferentialFuzzer: ~Copyable {
    /// Two engines that disagree.
    package struct Mismatch: Error, CustomStringConvertible {
        package var seed: UInt64
        package var what: String
        package var program: String
        package var description: String { "seed \(seed): \(what)\n\(program)" }
    }

    /// What one run leaves behind.
    private enum Outcome: Equatable {
        case result(UInt64)
        case fault(Fault)
    }

    private let arenaSize: Int
    private static let windowSize = 256
    private static let inputs = 8
    private static let programsPerObject = 4
    /// Calls of programs so far, in each engine.
    package private(set) var executions = 0
    /// Programs so far that the verifier let through.
    package private(set) var programs = 0
    private var seed: UInt64
    private let pools: [ArenaPool]
    /// Instances around the slot that each engine's instances take, one after the other; nothing may touch these.
    private let interpretersNeighbours: Neighbours
    private let compilersNeighbours: Neighbours

    /// What generated programs may call.
    private static let helpers = [
        Helper(number: 5, name: "identity", parameters: [.scalar]) { call in call[1] },
        Helper(
            number: 6, name: "mix",
            parameters: [.memory(.input, length: .argument(2)), .scalar, .memory(.output, length: .fixed(8))]
        ) { call in
            var sum: UInt64 = 14_695_981_039_346_656_037
            call.bytes(1).withUnsafeBytes { for byte in $0 { sum = (sum ^ UInt64(byte)) &* 1_099_511_628_211 } }
            var output = call.mutableBytes(3)
            output.withUnsafeMutableBytes { $0.storeBytes(of: sum, as: UInt64.self) }
            return sum
        },
        Helper(number: 7, name: "moody", parameters: [.scalar]) { (call) throws(HelperRefusal) in
            if call[1] & 7 == 3 { throw HelperRefusal(code: call[1]) }
            return call[1] &+ call[2] &* 3
        },
        Helper(number: 8, name: "dear", parameters: [], fuel: 17) { _ in 8 },
    ]

    /// A fuzzer whose arenas are all of one size.
    package init(seed: UInt64, arenaSize: Int = 16 << 10) throws {
        self.arenaSize = arenaSize
        let options = Module.Options(arenaSize: arenaSize, engine: .interpreter)
        let module = try Module(Object(instructions: [Instruction(opcode: 0x95)]), options: options)
        let pools = [ArenaPool(), ArenaPool()]
        let first = try Neighbours(of: module, in: pools[0], mark: 1)
        let second = try Neighbours(of: module, in: pools[1], mark: 2)
        interpretersNeighbours = first
        compilersNeighbours = second
        self.pools = pools
        self.seed = seed
    }

    /// One program, generated or mutated, and its inputs; `adjust` may plant an error in the compiler's work.
    package mutating func step(adjust: (inout CompilerInput) -> Void = { _ in }) throws(Mismatch) {
        var generator = ProgramGenerator(seed: seed &+ 1, arenaSize: arenaSize)
        var object = generator.next()
        if seed % 4 == 3 { object = generator.mutated(object) }
        try check(object, adjust: adjust)
    }

    /// Runs the first programs of an object, if the verifier takes it, on several inputs in both engines.
    package mutating func check(
        _ object: Object, adjust: (inout CompilerInput) -> Void = { _ in }
    ) throws(Mismatch) {
        seed &+= 1
        let isStrict = seed % 3 == 0
        var options = Module.Options(
            arenaSize: arenaSize, windows: [Self.windowSize], isStrict: isStrict, engine: .interpreter)
        guard let interpreted = try? Module(object, helpers: Self.helpers, options: options) else { return }
        options.engine = .compiler
        guard let compiled = try? Module(object, helpers: Self.helpers, options: options, compiling: adjust) else {
            throw Mismatch(seed: seed, what: "not compiled", program: Disassembler.listing(of: object.instructions))
        }
        var random = SplitMix(seed: ~seed)
        programs += 1
        for (one, other) in zip(interpreted.programs, compiled.programs).prefix(Self.programsPerObject) {
            for _ in 0..<Self.inputs {
                executions += 1
                do {
                    try compare((interpreted, one), (compiled, other), random.next())
                } catch {
                    let what = (error as? Difference)?.what ?? "\(error)"
                    throw Mismatch(seed: seed, what: what, program: Disassembler.listing(of: object.instructions))
                }
            }
        }
        guard interpretersNeighbours.areIntact, compilersNeighbours.areIntact else {
            let text = Disassembler.listing(of: object.instructions)
            throw Mismatch(seed: seed, what: "a neighbour was changed", program: text)
        }
    }

    private struct Difference: Error {
        var what: String
    }

    private func compare(
        _ interpreted: (module: Module, program: Program), _ compiled: (module: Module, program: Program),
        _ inputSeed: UInt64
    ) throws {
        var random = SplitMix(seed: inputSeed)
        let window = interpreted.module.layout.windows[0]
        let bytes = (0..<Self.windowSize).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let arguments = (0..<5).map { index -> UInt64 in
            switch (index, random.next() % 4) {
            case (_, 0): random.next()
            case (0, _): UInt64(window.lowerBound)
            default: random.next() % UInt64(arenaSize + 16)
            }
        }
        let fuel = [0, 5, 40, 2_000, 2_000, 2_000, 2_000, 2_000][Int(random.next() % 8)] as UInt64
        func run(_ instance: inout Instance, _ program: Program) -> Outcome {
            instance.write(bytes, at: window.lowerBound)
            do throws(Fault) {
                return .result(
                    try instance.call(
                        program, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], fuel: fuel))
            } catch { return .fault(error) }
        }
        var one = try Instance(of: interpreted.module, in: pools[0])
        let first = run(&one, interpreted.program)
        var other = try Instance(of: compiled.module, in: pools[1])
        let second = run(&other, compiled.program)
        guard first == second else { throw Difference(what: "interpreter \(first), compiler \(second)") }
        guard one.fuelLeft == other.fuelLeft else {
            throw Difference(what: "fuel \(one.fuelLeft) and \(other.fuelLeft)")
        }
        let isSame = one.memory.withUnsafeBytes { left in
            other.memory.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return false }
                return memcmp(left, right, arenaSize) == 0
            }
        }
        guard isSame else { throw Difference(what: "different memory") }
    }
}

/// Two instances, full of one byte, on both sides of the slot that their pool gives out next.
private struct Neighbours: ~Copyable {
    private var before: Instance
    private var after: Instance
    private let mark: UInt8

    init(of module: Module, in pool: ArenaPool, mark: UInt8) throws {
        var before = try Instance(of: module, in: pool)
        let gap = try Instance(of: module, in: pool)
        var after = try Instance(of: module, in: pool)
        // The last slot to come back is the first to be taken.
        _ = consume gap
        Self.fill(&before, mark)
        Self.fill(&after, mark)
        self.before = before
        self.after = after
        self.mark = mark
    }

    var areIntact: Bool { Self.isFilled(before, mark) && Self.isFilled(after, mark) }

    private static func fill(_ instance: inout Instance, _ mark: UInt8) {
        var memory = instance.mutableMemory
        memory.withUnsafeMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: mark) }
    }

    private static func isFilled(_ instance: borrowing Instance, _ mark: UInt8) -> Bool {
        // The first byte is right, and each byte is as the one before it.
        instance.memory.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes[0] == mark else { return false }
            return memcmp(start, start + 1, bytes.count - 1) == 0
        }
    }
}
