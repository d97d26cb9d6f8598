import Testing

@testable import Configuration

@Suite struct CommandLineArgumentsTests {
    @Test func `program options and torrc options are told apart`() throws {
        let arguments = try CommandLineArguments([
            "-f", "my torrc", "--defaults-torrc", "d", "--ignore-missing-torrc", "--hush", "--ORPort", "9001",
            "SocksPort", "0", "-Log", "info stdout", "--+ExitPolicy", "accept *:*", "--/DirPort",
        ])
        #expect(arguments.torrcPath == "my torrc" && arguments.defaultsPath == "d" && arguments.ignoresMissingTorrc)
        #expect(arguments.command == .run && arguments.quietness == .hush)
        #expect(arguments.options.map(\.key) == ["ORPort", "SocksPort", "Log", "ExitPolicy", "DirPort"])
        #expect(arguments.options.map(\.value) == ["9001", "0", "info stdout", "accept *:*", ""])
        #expect(arguments.options.map(\.command) == [.set, .set, .set, .append, .clear])
    }

    @Test func `commands are understood`() throws {
        #expect(try CommandLineArguments(["--verify-config"]).command == .verifyConfiguration)
        #expect(try CommandLineArguments(["--list-fingerprint"]).command == .listFingerprint(""))
        #expect(try CommandLineArguments(["--list-fingerprint", "ed25519"]).command == .listFingerprint("ed25519"))
        let both = try CommandLineArguments(["--list-fingerprint", "--DataDirectory", "x"])
        #expect(both.command == .listFingerprint("") && both.options.count == 1)
        #expect(try CommandLineArguments(["--keygen", "--quiet"]).command == .keygen)
        #expect(try CommandLineArguments(["--hash-password", "x"]).command == .hashPassword("x"))
        #expect(try CommandLineArguments(["--quiet", "--hush"]).quietness == .quiet)
    }

    @Test(arguments: [["-f"], ["--ORPort"], ["-f", "a", "-f", "b"], ["--newpass"], ["--defaults-torrc"]])
    func `what is missing is an error`(words: [String]) {
        #expect(throws: ConfigurationError.self) { try CommandLineArguments(words) }
    }
}
