import ArgumentParser
import EBPF

/// `fanion ebpf bench`: how long a program takes, and how long it takes to get that far.
struct EBPFBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Time a program on some memory.",
        discussion: """
            r1 is the memory's address and r2 its length. r0 is that of the first call; the timed calls go on with the \
            memory as the last one left it. Loading is from bytes to a linked object, compiling from there to code \
            that can run, the verifier included.
            """)

    @OptionGroup var file: EBPFObjectFile

    @Argument(help: "A file whose bytes are the program's memory.")
    var memory: String

    @Option(help: "The program, by its function's or its section's name; by default the first.")
    var program: String?

    @Option(help: "Measure for about this many milliseconds.")
    var milliseconds = 500

    @Flag(help: "One line: r0 in hex, median ns, minimum ns, load us, compile us, code bytes.")
    var tsv = false

    @Flag(exclusivity: .exclusive)
    var engine: EBPFEngine?

    func run() throws {
        let code = try EBPFInput.file(file.object)
        let bytes = try EBPFInput.file(memory)
        let helpers = file.helpers
        let engine = Module.Engine(engine)
        let object = try EBPFInput.object(code)
        let module = try EBPFInput.module(object, helpers: helpers, window: bytes.count, engine: engine)
        let program = try EBPFInput.program(program, in: module)
        var instance = try Instance(of: module, in: ArenaPool())
        let address = module.layout.windows[0].lowerBound
        let (first, second) = (UInt64(address), UInt64(bytes.count))
        instance.write(bytes, at: address)
        let result = try instance.call(program, first, second, fuel: EBPFInput.ampleFuel)
        let used = EBPFInput.ampleFuel - instance.fuelLeft

        let calls = try Stopwatch.sample(milliseconds: milliseconds) { count in
            for _ in 0..<count { _ = try instance.call(program, first, second, fuel: EBPFInput.ampleFuel) }
        }
        let loads = try Stopwatch.sample(milliseconds: milliseconds / 10) { count in
            for _ in 0..<count { _ = try EBPFInput.object(code) }
        }
        let options = Module.Options(arenaSize: module.layout.size, windows: [bytes.count], engine: engine)
        let compiles = try Stopwatch.sample(milliseconds: milliseconds / 10) { count in
            for _ in 0..<count { _ = try Module(object, helpers: helpers, options: options) }
        }

        let hex = "0x" + String(result, radix: 16)
        let (load, compile) = (loads.median / 1000, compiles.median / 1000)
        if tsv {
            let fields = [calls.median, calls.minimum, load, compile].map { Self.decimal($0, 3) }
            print(([hex] + fields + ["\(module.codeSize)"]).joined(separator: "\t"))
            return
        }
        print("r0             \(hex)")
        print("call           median \(Self.decimal(calls.median, 2)) ns, minimum \(Self.decimal(calls.minimum, 2)) ns")
        print("fuel           \(used), \(Self.decimal(calls.median / Double(max(used, 1)), 3)) ns each")
        print("load           \(Self.decimal(load, 2)) us")
        print("compile        \(Self.decimal(compile, 2)) us")
        print("code           \(module.codeSize) bytes\(module.isCompiled ? "" : ", interpreted")")
    }

    /// A number with so many digits after the point.
    private static func decimal(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = UInt64((max(value, 0) * scale).rounded())
        let (whole, rest) = scaled.quotientAndRemainder(dividingBy: UInt64(scale))
        let text = String(rest)
        return "\(whole)." + String(repeating: "0", count: digits - text.count) + text
    }
}

/// Times something that may take a nanosecond or a second.
enum Stopwatch {
    /// Nanoseconds for one time.
    struct Sample {
        /// Half of the rounds were faster.
        var median: Double
        /// The fastest round.
        var minimum: Double
    }

    /// Has something done over and over for about so long, in rounds of at least 20 microseconds; `body` does it as often
    /// as it is told, so that calling it costs nothing that counts.
    static func sample(milliseconds: Int, _ body: (Int) throws -> Void) rethrows -> Sample {
        let clock = ContinuousClock()
        let end = clock.now + .milliseconds(max(milliseconds, 1))
        var count = 1
        while true {
            let round = try clock.measure { try body(count) }
            if round > .microseconds(20) { break }
            count *= 2
        }
        var rounds: [Double] = []
        repeat {
            let round = try clock.measure { try body(count) }
            rounds.append(Double(round.components.attoseconds) / 1e9 + Double(round.components.seconds) * 1e9)
        } while (clock.now < end || rounds.count < 5) && rounds.count < 1_000_000
        rounds.sort()
        return Sample(median: rounds[rounds.count / 2] / Double(count), minimum: rounds[0] / Double(count))
    }
}
