package import EBPF

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

    private static let arenaSize = 16 << 10
    private static let windowSize = 256
    private static let inputs = 8
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

    package init(seed: UInt64) throws {
        let options = Module.Options(arenaSize: Self.arenaSize, engine: .interpreter)
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
        seed &+= 1
        var generator = ProgramGenerator(seed: seed, arenaSize: Self.arenaSize)
        var object = generator.next()
        if seed % 4 == 0 { object = generator.mutated(object) }
        let isStrict = seed % 3 == 0
        var options = Module.Options(
            arenaSize: Self.arenaSize, windows: [Self.windowSize], isStrict: isStrict, engine: .interpreter)
        guard let interpreted = try? Module(object, helpers: Self.helpers, options: options) else { return }
        options.engine = .compiler
        guard let compiled = try? Module(object, helpers: Self.helpers, options: options, compiling: adjust) else {
            throw Mismatch(seed: seed, what: "not compiled", program: Disassembler.listing(of: object.instructions))
        }
        var random = SplitMix(seed: ~seed)
        defer { programs += 1 }
        for _ in 0..<Self.inputs {
            executions += 1
            do {
                try compare(interpreted, compiled, random.next())
            } catch {
                let what = (error as? Difference)?.what ?? "\(error)"
                throw Mismatch(seed: seed, what: what, program: Disassembler.listing(of: object.instructions))
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

    private func compare(_ interpreted: Module, _ compiled: Module, _ inputSeed: UInt64) throws {
        var random = SplitMix(seed: inputSeed)
        let window = interpreted.layout.windows[0]
        let bytes = (0..<Self.windowSize).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let arguments = (0..<5).map { index -> UInt64 in
            switch (index, random.next() % 4) {
            case (_, 0): random.next()
            case (0, _): UInt64(window.lowerBound)
            default: random.next() % UInt64(Self.arenaSize + 16)
            }
        }
        let fuel = [0, 5, 40, 2_000, 2_000, 2_000, 2_000, 2_000][Int(random.next() % 8)] as UInt64
        var results: [(outcome: Outcome, fuel: UInt64, memory: [UInt8])] = []
        for (module, pool) in zip([interpreted, compiled], pools) {
            var instance = try Instance(of: module, in: pool)
            instance.write(bytes, at: window.lowerBound)
            let program = module.programs[0]
            let outcome: Outcome
            do throws(Fault) {
                outcome = .result(
                    try instance.call(
                        program, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], fuel: fuel))
            } catch {
                outcome = .fault(error)
            }
            results.append((outcome, instance.fuelLeft, instance.read(0..<Self.arenaSize)))
        }
        let (one, other) = (results[0], results[1])
        guard one.outcome == other.outcome else {
            throw Difference(what: "interpreter \(one.outcome), compiler \(other.outcome)")
        }
        guard one.fuel == other.fuel else { throw Difference(what: "fuel \(one.fuel) and \(other.fuel)") }
        guard one.memory == other.memory else { throw Difference(what: "different memory") }
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
        instance.memory.withUnsafeBytes { bytes in bytes.allSatisfy { $0 == mark } }
    }
}
