import Foundation
import Testing

@testable import Configuration

@Suite struct OptionTableTests {
    @Test func `names are found without regard to case, by other spellings and by their beginning`() throws {
        #expect(OptionTable.find("orport")?.rule.name == "ORPort")
        #expect(OptionTable.find("EntryNode")?.rule.name == "EntryNodes")
        #expect(OptionTable.find("__SocksPort")?.rule.name == "SocksPort")
        #expect(OptionTable.find("l") == nil || OptionTable.find("l")?.rule.name != "Log")
        #expect(OptionTable.find("l", onCommandLine: true)?.rule.name == "Log")
        let match = try #require(OptionTable.find("ExitPolicyRejectP"))
        #expect(match.rule.name == "ExitPolicyRejectPrivate" && match.isAbbreviated)
        #expect(OptionTable.find("") == nil)
        #expect(OptionTable.find("NoSuchOption") == nil)
    }

    @Test func `every spelling and testing default names an option`() {
        let names = Set(OptionTable.rules.map(\.name))
        for (spelling, name) in OptionTable.spellings where OptionTable.find(name)?.rule.standing != .obsolete {
            #expect(names.contains(name), "\(spelling)")
        }
        for name in OptionTable.testingNetworkDefaults.keys { #expect(names.contains(name)) }
    }

    /// Every name that `tor --list-torrc-options` of 0.4.9.11 prints (and those that the installed one prints).
    @Test func `every option of C Tor is known`() throws {
        let tor = URL(fileURLWithPath: "/usr/bin/tor")
        guard FileManager.default.isExecutableFile(atPath: tor.path) else { return }
        let process = Process()
        let output = Pipe()
        process.executableURL = tor
        process.arguments = ["--list-torrc-options"]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let names = text.split(separator: "\n").filter { !$0.contains(" ") }
        #expect(names.count > 300)
        for name in names {
            let match = OptionTable.find(String(name))
            #expect(match != nil && match?.isAbbreviated == false, "\(name)")
        }
    }

    @Test func `the page about the torrc is made from the table`() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/torrc.md")
        if ProcessInfo.processInfo.environment["WRITE_DOCS"] != nil {
            try Self.page.write(to: page, atomically: true, encoding: .utf8)
        }
        let written = try String(contentsOf: page, encoding: .utf8)
        #expect(written == Self.page, "run WRITE_DOCS=1 swift test --filter OptionTableTests")
    }

    private static var page: String {
        var supported = ""
        var ignored = ""
        var refused = ""
        var obsolete: [String] = []
        for rule in OptionTable.rules {
            switch rule.standing {
            case .supported(let kind, let value):
                let testing = OptionTable.testingNetworkDefaults[rule.name] ?? ""
                supported += "| `\(rule.name)` | \(kind.rawValue) | \(value) | \(testing) |\n"
            case .ignored(let reason): ignored += "| `\(rule.name)` | \(reason) |\n"
            case .refused(let reason, let harmless):
                refused += "| `\(rule.name)` | \(harmless.joined(separator: ", ")) | \(reason) |\n"
            case .obsolete: obsolete.append("`\(rule.name)`")
            }
        }
        let spellings = OptionTable.spellings.map { "| `\($0.spelling)` | `\($0.name)` |\n" }.joined()
        return """
            # The torrc

            Fanion reads C Tor's configuration files: the same syntax, the same option names, the same defaults. This page
            is made from `Sources/Configuration/OptionTable.swift`; a test compares the two.

            An unknown option or a bad value is an error that names file, line and reason. Names do not care about case,
            and the beginning of a name is understood with a warning.

            ## Options that work

            Kinds: *flag* is 0 or 1; *autoFlag* 0, 1 or auto; *count* a whole number; *memory* bytes with a unit (`75 KB`,
            `8 MBits`); *interval* seconds with a unit (`10 minutes`); *milliseconds* likewise (`100 msec`); *commaList*
            items between commas; *lines* may be given several times. `DataDirectory` is `~/.fanion` unless given.
            The last column is what `TestingTorNetwork 1` changes a default to.

            | option | kind | default | in a testing network |
            | --- | --- | --- | --- |
            \(supported)
            ## Options that are ignored

            They are C Tor's, they do nothing here, and that does no harm. Each is warned about once.

            | option | why that is harmless |
            | --- | --- |
            \(ignored)
            ## Options that are refused

            They are C Tor's, and leaving them out would weaken anonymity or safety, so they are errors, except with a
            value that asks for what happens anyway.

            | option | values that are fine | why ignoring it would do harm |
            | --- | --- | --- |
            \(refused)
            ## Other spellings

            | spelling | option |
            | --- | --- |
            \(spellings)
            ## Obsolete options

            C Tor skips these with a warning, and so does Fanion: \(obsolete.joined(separator: ", ")).

            """
    }
}
