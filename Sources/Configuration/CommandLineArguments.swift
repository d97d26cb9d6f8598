/// The words after the program's name, understood as `tor` understands them.
///
/// Options of the program itself (`-f`, `--verify-config`, ...) are told apart from torrc options, which take the form
/// `--Option value`, `--+Option value` or `--/Option`, with one, two or no dashes.
package struct CommandLineArguments: Sendable {
    /// What the program is asked to do.
    package enum Command: Hashable, Sendable {
        /// Be what the torrc says.
        case run
        /// Read the configuration, say whether it is valid, and end.
        case verifyConfiguration
        /// Print the fingerprint of the identity key: `""` or `rsa` for RSA, `ed25519` for Ed25519.
        case listFingerprint(String)
        /// Make the master and signing keys, and end.
        case keygen
        /// Print the hash of a control password.
        case hashPassword(String)
        /// Print the names of all options.
        case listOptions
        /// Print the version.
        case version
        /// Print how to use the program.
        case help
    }

    /// How much is logged when the torrc has no `Log` line.
    package enum Quietness: Int, Comparable, Sendable {
        /// Notices and louder.
        case normal
        /// Warnings and errors (`--hush`).
        case hush
        /// Nothing (`--quiet`).
        case quiet

        package static func < (one: Quietness, other: Quietness) -> Bool { one.rawValue < other.rawValue }
    }

    /// What is to be done.
    package private(set) var command = Command.run
    /// How much is logged when the torrc does not say.
    package private(set) var quietness = Quietness.normal
    /// `-f` or `--torrc-file`; `-` is standard input.
    package private(set) var torrcPath: String?
    /// `--defaults-torrc`.
    package private(set) var defaultsPath: String?
    /// `--ignore-missing-torrc`: a torrc named with `-f` need not exist.
    package private(set) var ignoresMissingTorrc = false
    /// `--allow-missing-torrc`: nor any other.
    package private(set) var allowsMissingTorrc = false
    /// Torrc options, in order.
    package private(set) var options: [TorrcLine] = []

    /// Understands `arguments`, without the program's name.
    package init(_ arguments: [String]) throws(ConfigurationError) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            if try !readProgramOption(word, &rest) { try readTorrcOption(word, &rest) }
        }
    }

    private mutating func readProgramOption(
        _ word: String, _ rest: inout ArraySlice<String>
    ) throws(ConfigurationError) -> Bool {
        switch word {
        case "-f", "--torrc-file":
            guard torrcPath == nil else { throw Self.error("\(word): a second torrc") }
            torrcPath = try Self.value(of: word, &rest)
        case "--defaults-torrc": defaultsPath = try Self.value(of: word, &rest)
        case "--ignore-missing-torrc": ignoresMissingTorrc = true
        case "--allow-missing-torrc": allowsMissingTorrc = true
        case "--verify-config": command = .verifyConfiguration
        case "--list-fingerprint":
            command = .listFingerprint(rest.first.map { $0.hasPrefix("-") } == false ? rest.removeFirst() : "")
        case "--keygen": command = .keygen
        case "--hash-password":
            command = .hashPassword(try Self.value(of: word, &rest))
            quietness = max(quietness, .hush)
        case "--list-torrc-options":
            command = .listOptions
            quietness = max(quietness, .hush)
        case "--version":
            command = .version
            quietness = max(quietness, .hush)
        case "--help", "-h":
            command = .help
            quietness = max(quietness, .hush)
        case "--hush": quietness = max(quietness, .hush)
        case "--quiet": quietness = .quiet
        case "--newpass", "--no-passphrase", "--passphrase-fd", "--key-expiration", "--keygen-family", "--dump-config",
            "--list-modules", "--library-versions", "--list-deprecated-options", "--dbg-dump-subsystem-list",
            "--format",
            "--nt-service", "-nt-service":
            throw Self.error("\(word) is not supported yet")
        default: return false
        }
        return true
    }

    private mutating func readTorrcOption(
        _ word: String, _ rest: inout ArraySlice<String>
    ) throws(ConfigurationError) {
        var name = Substring(word)
        for _ in 0..<2 where name.hasPrefix("-") { name.removeFirst() }
        var command = TorrcLine.Command.set
        if name.hasPrefix("+") {
            name.removeFirst()
            command = .append
        } else if name.hasPrefix("/") {
            name.removeFirst()
            command = .clear
        }
        let value = command == .clear ? "" : try Self.value(of: word, &rest)
        options.append(TorrcLine(key: String(name), value: value, command: command, location: .commandLine))
    }

    private static func value(of word: String, _ rest: inout ArraySlice<String>) throws(ConfigurationError) -> String {
        guard let value = rest.popFirst() else { throw error("\(word) needs a value") }
        return value
    }

    private static func error(_ reason: String) -> ConfigurationError {
        ConfigurationError(location: .commandLine, option: nil, reason: reason)
    }
}
