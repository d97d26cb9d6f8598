import ArgumentParser
import CPluginSDK
import EBPF
import Glibc
import Hooks
import PluginHost

/// Why a command of `fanion plugin` gives up; the text is for the person at the terminal.
struct PluginCommandFailure: Error, CustomStringConvertible {
    /// What went wrong, and what to do.
    var description: String
}

/// A plugin's file as an argument.
struct PluginArgument: ParsableArguments {
    /// Where it is.
    @Argument(help: "A plugin: an object file, or a C file, which is built first.")
    var plugin: String

    /// The file, read and checked as far as that needs no policy.
    func load() throws -> PluginFile {
        let bytes = plugin.hasSuffix(".c") ? try PluginTools.build(plugin) : try EBPFInput.file(plugin)
        do {
            return try PluginFile(bytes: bytes)
        } catch {
            throw PluginCommandFailure(description: "\(plugin): \(error)")
        }
    }

    /// The same, verified and compiled with all that it asks for.
    func verify(engine: Module.Engine = .automatic, isStrict: Bool = false, grant: Grant = Grant()) throws -> Plugin {
        do {
            return try Plugin(load(), grant: grant, engine: engine, isStrict: isStrict)
        } catch let error as PluginError {
            throw PluginCommandFailure(description: "\(plugin): \(error)")
        }
    }
}

/// What the commands share: the compiler, files and folders.
enum PluginTools {
    /// The text of `fanion.h` that belongs to this program.
    static var header: [UInt8] {
        // Safe: the array has so many bytes, and is never written.
        Array(UnsafeBufferPointer(start: fanion_sdk_header_start(), count: fanion_sdk_header_size))
    }

    /// Compilers to try, in order: the one that is asked for, that of the Swift toolchain, any other.
    private static var compilers: [String] {
        if let wanted = getenv("FANION_BPF_CLANG") { return [String(cString: wanted)] }
        return ["/opt/swift/usr/bin/clang", "/usr/bin/clang", "clang"]
    }

    /// Compiles a C file against our header; the object's bytes.
    static func build(_ source: String) throws -> [UInt8] {
        let folder = try temporaryFolder()
        defer {
            unlink(folder + "/fanion.h")
            unlink(folder + "/plugin.o")
            rmdir(folder)
        }
        try EBPFInput.write(header, to: folder + "/fanion.h")
        let object = folder + "/plugin.o"
        let arguments = [
            "--target=bpf", "-mcpu=v3", "-O2", "-Wall", "-I", folder, "-c", source, "-o", object,
        ]
        for compiler in compilers {
            guard let status = try spawn(compiler, arguments) else { continue }
            guard status == 0 else {
                throw PluginCommandFailure(description: "\(source): \(compiler) could not build it")
            }
            return try EBPFInput.file(object)
        }
        throw PluginCommandFailure(
            description: "no clang with the BPF target: install one (apt install clang), or name it in FANION_BPF_CLANG"
        )
    }

    private static func temporaryFolder() throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/fanion-plugin-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PluginCommandFailure(description: "\(base): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Runs a program to its end; nil if there is none of that name.
    private static func spawn(_ program: String, _ arguments: [String]) throws -> Int32? {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process = pid_t()
        let failure = posix_spawnp(&process, program, nil, nil, words, environ)
        if failure == ENOENT { return nil }
        guard failure == 0 else {
            throw PluginCommandFailure(description: "\(program): \(String(cString: strerror(failure)))")
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        return status
    }

    /// A file of text; an error if it is there already.
    static func create(_ text: String, at path: String) throws {
        guard access(path, F_OK) != 0 else {
            throw PluginCommandFailure(description: "\(path) is there already: move it away, or take another name")
        }
        try EBPFInput.write(Array(text.utf8), to: path)
    }

    /// A file of text.
    static func text(_ path: String) throws -> String { String(decoding: try EBPFInput.file(path), as: UTF8.self) }

    /// A file's name without folder and last extension.
    static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }

    /// The objects in a folder, by name.
    static func objects(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else {
            throw PluginCommandFailure(description: "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                // Safe: a name in a directory ends with a zero.
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".o") { names.append(name) }
        }
        return names.sorted()
    }

    /// What a plugin is, in lines.
    static func describe(_ file: PluginFile) -> String {
        let metadata = file.metadata
        let roles = [(PluginRoles.client, "client"), (.relay, "relay")].filter { metadata.roles.contains($0.0) }.map(
            \.1)
        let none = ["none"]
        func list(_ names: [String]) -> String { (names.isEmpty ? none : names).joined(separator: " ") }
        var lines = [
            "name          \(metadata.name)", "version       \(metadata.version)",
            "identity      \(file.identityText())",
            "scope         \(metadata.scope == .circuit ? "circuit" : "host")", "roles         \(list(roles))",
            "failure       \(metadata.failure == .open ? "open: the built-in carries on" : "closed: the circuit is destroyed")",
            "capabilities  \(list(metadata.capabilities.list))", "memory        \(metadata.memory) bytes an instance",
        ]
        if metadata.capabilities.contains(.padding) {
            lines.append(
                "padding       \(metadata.paddingPerSecond) a second, \(metadata.paddingPercent) per hundred real cells"
            )
        }
        lines.append("counters      \(list(metadata.counters))")
        lines.append("size          \(file.size) bytes, \(file.object.instructions.count) instructions")
        lines += file.placings.map { "program       \($0.function) at \($0.point)" }
        return lines.joined(separator: "\n")
    }
}
