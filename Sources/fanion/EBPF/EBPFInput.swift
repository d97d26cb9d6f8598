import ArgumentParser
import EBPF
import Glibc

/// Why a command of `fanion ebpf` gives up; the text is for the person at the terminal.
struct EBPFFailure: Error, CustomStringConvertible {
    /// What went wrong.
    var description: String
}

/// Which engine runs the code, as a flag.
enum EBPFEngine: String, EnumerableFlag {
    case jit, interpret

    static func help(for value: EBPFEngine) -> ArgumentHelp? {
        value == .jit ? "Demand the compiler: an error where there is none." : "Use the interpreter."
    }
}

extension Module.Engine {
    /// The engine that a flag, or no flag, asks for.
    init(_ flag: EBPFEngine?) {
        switch flag {
        case .jit?: self = .compiler
        case .interpret?: self = .interpreter
        case nil: self = .automatic
        }
    }
}

/// The object file that a command works on, and what is granted to it.
struct EBPFObjectFile: ParsableArguments {
    /// Where it is.
    @Argument(help: "An ELF object for BPF, or a file of bare instructions; - is standard input.")
    var object: String

    /// Helpers that the verifier lets programs call.
    @Option(
        name: .customLong("helper"),
        help: "Grant the helper of this number; all answer with their first argument. Number 5 is always there.")
    var helperNumbers: [Int32] = []

    /// The object, by whichever loader fits its first bytes.
    func load() throws -> Object { try EBPFInput.object(try EBPFInput.file(object)) }

    /// What is granted.
    var helpers: [Helper] {
        Set(helperNumbers.filter { $0 >= 0 } + [EBPFInput.identity.number]).sorted().map { number in
            Helper(number: number, name: "identity", scalars: 5) { first, _, _, _, _, _ in first }
        }
    }
}

/// What the commands share: bytes from files, objects from bytes, modules that are large enough.
enum EBPFInput {
    /// Answers with its first argument: the one helper that is always granted.
    static let identity = Helper(number: 5, name: "identity", scalars: 1) { first, _, _, _, _, _ in first }
    /// More than any test needs and less than a day.
    static let ampleFuel: UInt64 = 1 << 40

    /// All bytes of a file, or of standard input.
    static func file(_ path: String) throws -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw EBPFFailure(description: "\(path): \(String(cString: strerror(errno)))") }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var result: [UInt8] = []
        let size = 64 << 10
        while true {
            var count = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, used in
                repeat { count = read(descriptor, buffer.baseAddress, size) } while count < 0 && errno == EINTR
                used = max(count, 0)
            }
            guard count >= 0 else { throw EBPFFailure(description: "\(path): \(String(cString: strerror(errno)))") }
            if count == 0 { return result }
            result += chunk
        }
    }

    /// Makes a file of some bytes.
    static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw EBPFFailure(description: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw EBPFFailure(description: "\(path): \(String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    /// Bytes from hex digits, with or without spaces between the bytes.
    static func hex(_ text: some Collection<UInt8>) throws -> [UInt8] {
        var digits: [UInt8] = []
        for character in text {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(character - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(character - UInt8(ascii: "A") + 10)
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): continue
            default: throw EBPFFailure(description: "not hex: \(Character(UnicodeScalar(character)))")
            }
        }
        guard digits.count % 2 == 0 else { throw EBPFFailure(description: "an odd number of hex digits") }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// An ELF object by its first four bytes, else bare instructions.
    static func object(_ bytes: [UInt8]) throws -> Object {
        bytes.starts(with: [0x7f] + Array("ELF".utf8)) ? try Object(elf: bytes) : try Object(bytecode: bytes)
    }

    /// A module whose arena is at least `size` and large enough for the object's data and one window.
    static func module(
        _ object: Object, helpers: [Helper], window: Int, size: Int = 64 << 10, isStrict: Bool = false,
        engine: Module.Engine
    ) throws(VerifyError) -> Module {
        var options = Module.Options(arenaSize: size, windows: [window], isStrict: isStrict, engine: engine)
        while true {
            do throws(VerifyError) {
                return try Module(object, helpers: helpers, options: options)
            } catch {
                guard case .arenaTooSmall = error.reason, options.arenaSize < 1 << 20 else { throw error }
                options.arenaSize *= 2
            }
        }
    }

    /// The program of this name or section, or the first.
    static func program(_ name: String?, in module: Module) throws -> Program {
        if let name {
            guard let program = module.program(named: name) else {
                let names = module.programs.map(\.name).joined(separator: ", ")
                throw EBPFFailure(description: "no program \(name); there are: \(names)")
            }
            return program
        }
        guard let first = module.programs.first else {
            throw EBPFFailure(description: "no program: the object has no global function")
        }
        return first
    }

    /// A fault in full: where, why and the registers.
    static func describe(_ fault: Fault) -> String {
        let registers = fault.registers.enumerated().map { "  r\($0.offset) = 0x\(String($0.element, radix: 16))" }
        return "\(fault)\n\(registers.joined(separator: "\n"))"
    }
}
