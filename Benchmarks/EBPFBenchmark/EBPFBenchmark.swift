import EBPF
import EBPFWorkloads
import Foundation

/// Times the workloads natively and as eBPF, and prints a table of ratios.
@main
enum EBPFBenchmark {
    private typealias Workload = @convention(c) (UnsafeMutablePointer<u8>?, u64) -> u64

    private static let natives: [(String, Workload)] = [
        ("loops", loops), ("sum", sum), ("copy", copy), ("checksum", checksum), ("hash", hash), ("gf256", gf256),
        ("sort", sort), ("chase", chase), ("padding", padding), ("chacha", chacha), ("calls", calls),
    ]
    private static let length = 4096
    private static let identity = Helper(number: 5, name: "identity", parameters: [.scalar]) { call in call[1] }

    static func main() throws {
        let cpu = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "v4"
        let bytes = try build(cpu: cpu)
        let object = try Object(elf: bytes)
        let options = Module.Options(windows: [length])
        let module = try Module(object, helpers: [identity], options: options)
        let interpreted = try Module(
            object, helpers: [identity], options: Module.Options(windows: [length], engine: .interpreter))
        print("workload      native ns     eBPF ns   ratio    interpreter")
        if let path = ProcessInfo.processInfo.environment["DUMP"] {
            try Data(module.machineCode).write(to: URL(filePath: path))
        }
        var logarithms: [Double] = []
        var interpreterTime: (nanoseconds: Double, fuel: Double) = (0, 0)
        let wanted = Set(CommandLine.arguments.dropFirst(2))
        for (name, native) in natives where wanted.isEmpty || wanted.contains(name) {
            let (nativeTime, nativeResult) = timeNative(native)
            let (time, result, _) = try time(module, name)
            let (slow, slowResult, fuel) = try Self.time(interpreted, name)
            guard nativeResult == result, result == slowResult else {
                print("\(name): \(nativeResult) native, \(result) compiled, \(slowResult) interpreted")
                continue
            }
            interpreterTime.nanoseconds += slow
            interpreterTime.fuel += fuel
            logarithms.append(log(time / nativeTime))
            let ratios = String(format: "%6.2f x  %8.1f x", time / nativeTime, slow / nativeTime)
            print(column(name, 10), column(format(nativeTime), -12), column(format(time), -11), ratios)
        }
        let mean = exp(logarithms.reduce(0, +) / Double(logarithms.count))
        print(String(format: "geometric mean %.3f", mean))
        print(
            String(format: "interpreter %.2f ns per instruction", interpreterTime.nanoseconds / interpreterTime.fuel))
        guard wanted.isEmpty else { return }
        let empty = try time(module, "empty").time
        print(String(format: "empty call %.2f ns", empty))
        let helpers = try time(module, "helpers").time
        print(String(format: "helper call %.2f ns as a closure", (helpers - empty) / Double(length)))
        let direct = Helper(number: 5, name: "identity", scalars: 1) { number, _, _, _, _, _ in number }
        let fast = try time(try Module(object, helpers: [direct], options: options), "helpers").time
        print(String(format: "helper call %.2f ns as a C function", (fast - empty) / Double(length)))
        try costs(bytes, object)
    }

    /// The workloads for eBPF, by the toolchain's clang.
    private static func build(cpu: String) throws -> [UInt8] {
        let source = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../EBPFWorkloads/workloads.c")
        let output = FileManager.default.temporaryDirectory.appending(path: "fanion-workloads-\(getpid()).o")
        defer { try? FileManager.default.removeItem(at: output) }
        let compiler = Process()
        compiler.executableURL = clang()
        compiler.arguments = [
            "-target", "bpf", "-mcpu=\(cpu)", "-O2", "-I", source.deletingLastPathComponent().path + "/include",
            "-c", source.path, "-o", output.path,
        ]
        try compiler.run()
        compiler.waitUntilExit()
        return [UInt8](try Data(contentsOf: output))
    }

    /// The clang beside `swift`, which knows every version of the instruction set.
    private static func clang() -> URL {
        let environment = ProcessInfo.processInfo.environment
        if let path = environment["CLANG"] { return URL(filePath: path) }
        let folders = (environment["PATH"] ?? "").split(separator: ":").map { URL(filePath: String($0)) }
        let found = folders.first { FileManager.default.fileExists(atPath: $0.appending(path: "swift").path) }
        return (found ?? URL(filePath: "/usr/bin")).resolvingSymlinksInPath().appending(path: "clang")
    }

    private static let memory: [UInt8] = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ 7) }

    /// The median of several rounds, in nanoseconds per call; `calls` makes as many as it is told.
    private static func median(_ calls: (Int) throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        var count = 1
        while true {
            let once = try clock.measure { try calls(count) }
            if once > .microseconds(150) { break }
            count *= 2
        }
        var rounds: [Double] = []
        for _ in 0..<101 {
            let duration = try clock.measure { try calls(count) }
            rounds.append(nanoseconds(duration) / Double(count))
        }
        return middle(rounds)
    }

    private static func nanoseconds(_ duration: Duration) -> Double {
        Double(duration.components.attoseconds) / 1e9 + Double(duration.components.seconds) * 1e9
    }

    private static func timeNative(_ workload: Workload) -> (Double, UInt64) {
        let copy = UnsafeMutablePointer<u8>.allocate(capacity: length)
        defer { copy.deallocate() }
        copy.initialize(from: memory, count: length)
        let result = workload(copy, u64(length))
        return (median { count in for _ in 0..<count { _ = workload(copy, u64(length)) } }, result)
    }

    private static func time(_ module: Module, _ name: String) throws -> (time: Double, result: UInt64, fuel: Double) {
        guard let program = module.program(named: name) else { return (0, 0, 1) }
        var instance = try Instance(of: module, in: ArenaPool())
        let window = module.layout.windows[0].lowerBound
        instance.write(memory, at: window)
        let result = try instance.call(program, UInt64(window), UInt64(length), fuel: 1 << 40)
        let used = Double((1 << 40) - instance.fuelLeft)
        let time = try median { count in
            for _ in 0..<count { _ = try instance.call(program, UInt64(window), UInt64(length), fuel: 1 << 40) }
        }
        return (time, result, used)
    }

    private static func costs(_ bytes: [UInt8], _ object: Object) throws {
        let load = try median { count in for _ in 0..<count { _ = try Object(elf: bytes) } }
        let interpreter = Module.Options(engine: .interpreter)
        let verify = try median { count in
            for _ in 0..<count { _ = try Module(object, helpers: [identity], options: interpreter) }
        }
        let compile = try median { count in for _ in 0..<count { _ = try Module(object, helpers: [identity]) } }
        let count = object.instructions.count
        print("load \(format(load / 1000)) us, verify \(format(verify / 1000)) us,", terminator: " ")
        print("verify and compile \(format(compile / 1000)) us for \(count) slots")
        for size in [1, 100, 10_000] {
            let text = String(
                repeating: "add r1, r2\nldxdw r3, [r1+8]\njlt r3, r2, +0\nstxw [r10-8], r3\n", count: size / 4)
            let long = Object(instructions: try Assembler.assemble(text + "exit"))
            let slow = try median { count in for _ in 0..<count { _ = try Module(long, options: interpreter) } }
            let fast = try median { count in for _ in 0..<count { _ = try Module(long) } }
            print("\(size) instructions: verify \(format(slow / 1000)) us, compile \(format((fast - slow) / 1000)) us")
        }
        for size in [16 << 10, 64 << 10] {
            let module = try Module(object, helpers: [identity], options: Module.Options(arenaSize: size))
            let pool = ArenaPool()
            let both = try median { count in for _ in 0..<count { _ = try Instance(of: module, in: pool) } }
            print("instance of \(size >> 10) KiB: made and given back \(format(both)) ns")
        }
        let module = try Module(object, helpers: [identity], options: Module.Options(arenaSize: 16 << 10))
        let pool = ArenaPool()
        for temperature in ["cold", "warm"] {
            let (made, called, wiped) = try crowd(module, in: pool, count: 30_000)
            print("30,000 instances of 16 KiB alive, \(temperature) pool:", terminator: " ")
            print("made \(format(made)) ns, called \(format(called)) ns, given back \(format(wiped)) ns each")
        }
    }

    /// Medians of nanoseconds to make one of many instances that live together, to call it the first time, and to give
    /// it back.
    private static func crowd(
        _ module: Module, in pool: ArenaPool, count: Int
    ) throws -> (made: Double, called: Double, wiped: Double) {
        guard let program = module.program(named: "empty") else { return (0, 0, 0) }
        let clock = ContinuousClock()
        let crowd = UnsafeMutablePointer<Instance>.allocate(capacity: count)
        defer { crowd.deallocate() }
        var times: (made: [Double], called: [Double], wiped: [Double]) = ([], [], [])
        for index in 0..<count {
            let start = clock.now
            (crowd + index).initialize(to: try Instance(of: module, in: pool))
            times.made.append(nanoseconds(start.duration(to: clock.now)))
        }
        for index in 0..<count {
            times.called.append(
                nanoseconds(try clock.measure { _ = try crowd[index].call(program, fuel: 1000) }))
        }
        for index in 0..<count {
            times.wiped.append(nanoseconds(clock.measure { (crowd + index).deinitialize(count: 1) }))
        }
        return (middle(times.made), middle(times.called), middle(times.wiped))
    }

    private static func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func format(_ value: Double) -> String { String(format: "%.2f", value) }

    private static func column(_ text: String, _ width: Int) -> String {
        let pad = String(repeating: " ", count: max(0, abs(width) - text.count))
        return width < 0 ? pad + text : text + pad
    }
}
