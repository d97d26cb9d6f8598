import ArgumentParser
import Glibc

/// `fanion plugin new`: a plugin that builds and passes its own test, to begin from.
struct PluginNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make a folder with a plugin that works, to begin from.")

    @Argument(help: "Its name: small letters, digits and hyphens. The folder is called the same.")
    var name: String

    @Option(help: "Reverse DNS of whoever makes it.")
    var author = "org.example"

    @Option(name: .shortAndLong, help: "The folder to make its folder in.")
    var directory = "."

    func run() throws {
        let isName =
            name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
            && !name.isEmpty && !name.hasPrefix("-") && !name.hasSuffix("-")
        guard isName else {
            throw ValidationError("\"\(name)\" is no name: small letters, digits and hyphens")
        }
        guard (author + "." + name).utf8.count < 64 else {
            throw ValidationError("author and name are too long together")
        }
        let folder = directory == "." ? name : "\(directory)/\(name)"
        guard mkdir(folder, 0o755) == 0 else {
            throw PluginCommandFailure(description: "\(folder): \(String(cString: strerror(errno)))")
        }
        try PluginTools.create(source, at: "\(folder)/\(name).c")
        try PluginTools.create(events, at: "\(folder)/\(name).events")
        try PluginTools.create(readme, at: "\(folder)/README.md")
        try EBPFInput.write(PluginTools.header, to: "\(folder)/fanion.h")
        print("\(folder)/: \(name).c, \(name).events, README.md, fanion.h")
        print("next: fanion plugin test \(folder)/\(name).c")
    }

    private var source: String {
        """
        // \(name): what it does, in one line.
        #include "fanion.h"

        enum { SEEN };

        FANION_PLUGIN(.name = "\(author).\(name)", .version = {0, 1, 0}, .scope = FANION_CIRCUIT,
                      .roles = FANION_CLIENT | FANION_RELAY, .failure = FANION_OPEN, .memory = 16384, .counters = {"seen"});

        // Every variable is this circuit's own.
        static __u64 cells;

        SEC("init") int begin(struct init_ctx *ctx) {
            (void)ctx;
            cells = 0;
            return FANION_READY;
        }

        SEC("cell_received") int received(struct cell_received_ctx *ctx) {
            (void)ctx;
            cells++;
            fanion_count(SEEN, 1);
            return FANION_OBSERVED;
        }

        """
    }

    private var events: String {
        """
        # What happens, and what the plugin should answer. Doors and fields are those of fanion.h.
        attach role=relay -> ready
        cell_received/forward command=3 -> observed
        cell_received/backward command=3 -> observed
        counter seen -> 2

        """
    }

    private var readme: String {
        """
        # \(name)

        What it does, for whom, and what it costs.

            fanion plugin build \(name).c
            fanion plugin test \(name).o \(name).events

        | counter | what |
        | --- | --- |
        | `seen` | cells that came in |

        """
    }
}
