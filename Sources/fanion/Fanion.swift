import ArgumentParser

/// The subcommands that are not nodes: they take ArgumentParser's options, everything else takes `tor`'s.
struct Fanion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanion", abstract: "An onion-routing relay, client and directory authority.",
        discussion: """
            fanion -f TORRC                     be what the torrc says
            fanion relay|client|authority ...   the same, and insist that the torrc says so
            fanion -f TORRC --verify-config     check the torrc
            fanion -f TORRC --list-fingerprint [rsa|ed25519]
            fanion -f TORRC --keygen            make a relay's keys
            fanion --hash-password PASSWORD     for HashedControlPassword
            fanion --list-torrc-options         every option that has an effect

            Options of the torrc can be given as words too, as with tor: --SocksPort 9150, --+Log "info stdout". There are
            also --defaults-torrc FILE, --ignore-missing-torrc, --allow-missing-torrc, --hush and --quiet.
            """,
        subcommands: [GencertCommand.self, EBPFCommand.self, PluginCommand.self])
}

/// Where the process begins: a subcommand, or a node.
@main
enum EntryPoint {
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        let commands = Fanion.configuration.subcommands.map { $0._commandName } + ["help", "--help", "-h"]
        guard let first = words.first, commands.contains(first) else { return await NodeCommand.main(words) }
        await Fanion.main(words)
    }
}
