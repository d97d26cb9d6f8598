import Configuration
import Glibc
import Node

/// Where the configuration comes from; read once at the start and again at every reload.
struct ConfigurationSource: Sendable {
    /// The torrc's path; nil if there is none, or it is standard input.
    let torrcPath: String?
    /// How much is logged when the torrc does not say.
    let quietness: CommandLineArguments.Quietness
    private let arguments: CommandLineArguments
    private let standardInput: [UInt8]?

    /// Takes the words of the command line, and standard input if `-f -` asks for it.
    init(_ arguments: CommandLineArguments) {
        self.arguments = arguments
        quietness = arguments.quietness
        if arguments.torrcPath == "-" {
            standardInput = Self.readStandardInput()
            torrcPath = nil
        } else {
            standardInput = nil
            torrcPath = arguments.torrcPath ?? Self.defaultPaths.first { access($0, R_OK) == 0 }
        }
    }

    /// Where a torrc is looked for when none is named.
    private static var defaultPaths: [String] {
        ["/etc/fanion/torrc"] + (home.map { [$0 + "/.fanion/torrc"] } ?? [])
    }

    /// Reads and checks all of it.
    func read() throws -> Settings {
        try Settings(
            defaults: try defaults(), torrc: try torrc(), commandLine: arguments.options,
            include: { pattern throws(IncludeFailure) in try IncludeFiles.read(pattern) },
            environment: ConfigurationEnvironment(home: Self.home, totalMemory: Self.totalMemory))
    }

    private func torrc() throws -> TorrcFile? {
        if let standardInput { return TorrcFile(path: "(stdin)", bytes: standardInput) }
        guard let torrcPath else { return nil }
        let mayBeMissing = arguments.ignoresMissingTorrc || arguments.allowsMissingTorrc
        guard let bytes = try SecureFiles.read(torrcPath) else {
            guard mayBeMissing else { throw CommandFailure("unable to open configuration file \"\(torrcPath)\"") }
            return nil
        }
        return TorrcFile(path: torrcPath, bytes: bytes)
    }

    private func defaults() throws -> TorrcFile? {
        guard let path = arguments.defaultsPath, let bytes = try SecureFiles.read(path) else { return nil }
        return TorrcFile(path: path, bytes: bytes)
    }

    private static func readStandardInput() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0, bytes.count < 16 << 20 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static var home: String? {
        if let path = getenv("HOME") { return String(cString: path) }
        guard let entry = getpwuid(getuid()), let path = entry.pointee.pw_dir else { return nil }
        return String(cString: path)
    }

    private static var totalMemory: Int? {
        let (pages, size) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return pages > 0 && size > 0 ? pages * size : nil
    }
}
