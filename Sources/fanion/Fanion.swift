import ArgumentParser

@main
struct Fanion: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fanion", abstract: "An onion-routing relay, client and directory authority.",
        subcommands: [GencertCommand.self, EBPFCommand.self])
}
