import ArgumentParser
import Cells
import Configuration
import Control
import Glibc
import Node
import OnionCrypto

/// `fanion relay|client|authority`, or just `fanion`, with the words that `tor` takes.
enum NodeCommand {
    /// Which role the first word insists on.
    enum Role: String {
        case relay, client, authority
    }

    /// Does it, and ends the process.
    static func main(_ words: [String]) async {
        do {
            try await run(words)
            exit(0)
        } catch {
            FileDescriptor.standardError.write("fanion: \(error)\n")
            exit(1)
        }
    }

    private static func run(_ words: [String]) async throws {
        let role = words.first.flatMap { Role(rawValue: $0) }
        let arguments = try CommandLineArguments(Array(role == nil ? words[...] : words.dropFirst()))
        switch arguments.command {
        case .help: return await Fanion.main(["--help"])
        case .version: return print("Fanion version \(Version.text).")
        case .listOptions:
            let names = OptionTable.rules.filter { if case .supported = $0.standing { true } else { false } }.map(
                \.name)
            return print(names.sorted().joined(separator: "\n"))
        case .hashPassword(let password):
            return print(HashedPassword.hashing(Array(password.utf8), salt: SystemRandom.bytes(8)).text)
        case .run, .verifyConfiguration, .listFingerprint, .keygen: break
        }
        let source = ConfigurationSource(arguments)
        let settings = try source.read()
        try check(settings, is: role)
        switch arguments.command {
        case .verifyConfiguration:
            warn(of: settings, arguments.quietness)
            print("Configuration was valid")
        case .listFingerprint(let kind):
            warn(of: settings, arguments.quietness)
            try prepareFolders(settings)
            print(try KeyCommands.listFingerprint(settings, kind: kind, now: .now))
        case .keygen:
            warn(of: settings, arguments.quietness)
            try prepareFolders(settings)
            for line in try KeyCommands.keygen(settings, now: .now) { print(line) }
        default: try await NodeProcess(source: source, settings: settings).run()
        }
    }

    private static func check(_ settings: Settings, is role: Role?) throws {
        switch role {
        case .relay where !settings.relay.isRelay: throw CommandFailure("a relay needs an ORPort in its torrc")
        case .client where settings.relay.isRelay: throw CommandFailure("the torrc has an ORPort: that is a relay")
        case .authority where !settings.authority.isAuthority:
            throw CommandFailure("an authority needs AuthoritativeDirectory 1 in its torrc")
        default: break
        }
    }

    private static func warn(of settings: Settings, _ quietness: CommandLineArguments.Quietness) {
        guard quietness < .quiet else { return }
        for warning in settings.warnings { FileDescriptor.standardError.write("[warn] \(warning)\n") }
    }

    /// Makes the folders that a node writes to, private.
    static func prepareFolders(_ settings: Settings) throws(FileError) {
        let node = settings.node
        let folders = [
            (node.dataDirectory, node.dataDirectoryGroupReadable), (node.keyDirectory, node.keyDirectoryGroupReadable),
            (node.cacheDirectory, node.cacheDirectoryGroupReadable),
        ]
        for (folder, isGroupReadable) in folders {
            try SecureFiles.makeFolder(folder, for: isGroupReadable ? .group : .owner)
        }
    }
}

extension WallTime {
    /// The clock on the wall.
    static var now: WallTime { WallTime(seconds: Int64(time(nil))) }
}
