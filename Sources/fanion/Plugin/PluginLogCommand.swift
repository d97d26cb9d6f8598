import ArgumentParser
import Cells
import Node
import Trust

/// `fanion plugin log`: a transparency log of plugins, as static files.
struct PluginLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Keep a public log of plugins, or check one.",
        discussion: """
            A log is a folder of files that any web server serves: C2SP's tlog-tiles. Whoever names it in a torrc (PluginLog) reads all
            of it, takes only what is in it, and notices if it ever shows two histories. docs/plugin-trust.md says more.
            """,
        subcommands: [
            Init.self, Add.self, Recommend.self, Revoke.self, Prove.self, Check.self, Cosign.self,
        ])

    /// The folder.
    struct Folder: ParsableArguments {
        @Argument(help: "The log's folder.")
        var folder: String

        var log: LogFolder { LogFolder(path: folder) }
    }

    /// The key that signs the log.
    struct Key: ParsableArguments {
        @Option(help: "The file of the log's secret key; not in its folder.")
        var key: String

        func load() throws -> SigningKey { try TrustFiles.key(key, .note) }
    }

    /// `fanion plugin log init`.
    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a log with nothing in it, and its key.")
        @OptionGroup var folder: Folder
        @OptionGroup var key: Key
        @Option(help: "The log's name, such as log.example.org/plugins: usually its URL without http://.")
        var origin: String

        func run() throws {
            guard try folder.log.load() == nil else {
                throw PluginCommandFailure(description: "\(folder.folder): there is a log already")
            }
            let signer = try TrustFiles.makeKey(key.key, name: origin, .note)
            try folder.log.publish(PublishedLog(), signer)
            print("\(key.key): the log's key; keep it secret, out of the folder, and keep a copy")
            print("for a torrc: PluginLog NAME \(signer.verifier.text) http://\(origin)/")
            print(
                "next: fanion plugin log revoke, even with nothing to revoke: without a fresh list nobody takes anything"
            )
        }
    }

    /// `fanion plugin log add`.
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add plugins.")
        @OptionGroup var key: Key
        @OptionGroup var folder: Folder
        @Argument(help: "Object files, or identities.")
        var plugins: [String]

        func run() throws {
            let signer = try key.load()
            var log = try folder.log.load(for: signer.verifier)
            for plugin in plugins {
                let identity = try TrustFiles.identity(plugin)
                if let place = log.place(of: identity) {
                    print("\(plugin): is entry \(place) already")
                    continue
                }
                log.append(PluginSignature.message(identity))
                print("\(plugin): entry \(log.tree.size - 1)")
            }
            try folder.log.publish(log, signer)
        }
    }

    /// `fanion plugin log recommend`.
    struct Recommend: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a recommended set.",
            discussion: "It is in force where the consensus parameter fanion-plugin-epoch is its number.")
        @OptionGroup var key: Key
        @OptionGroup var folder: Folder
        @Argument(help: "The set's number: one that was never used.")
        var number: UInt32
        @Argument(help: "SLOT=PLUGIN each: a slot from 0 to 255, an object file or identity.")
        var slots: [String]

        func run() throws {
            let signer = try key.load()
            var log = try folder.log.load(for: signer.verifier)
            var identities: [UInt8: [UInt8]] = [:]
            for text in slots {
                let parts = text.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, let slot = UInt8(parts[0]), identities[slot] == nil else {
                    throw ValidationError("\"\(text)\" is no SLOT=PLUGIN with a slot of its own")
                }
                identities[slot] = try TrustFiles.identity(String(parts[1]))
            }
            let isUsed = log.entries.contains {
                if case .set(let set) = LogEntry($0, log: signer.verifier) { set.number == number } else { false }
            }
            guard number > 0, !isUsed else {
                throw PluginCommandFailure(
                    description: "set \(number) is there already: sets never change, take another number")
            }
            let set = RecommendedSet(origin: signer.verifier.name, number: number, slots: identities)
            try log.append(list: set.text, signedBy: signer, at: LogFolder.now)
            try folder.log.publish(log, signer)
        }
    }

    /// `fanion plugin log revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a list of revocations, for good.",
            discussion:
                "Do it regularly, also with nothing to revoke: nodes take nothing new once the newest list is too old.")
        @OptionGroup var key: Key
        @OptionGroup var folder: Folder
        @Argument(help: "Object files, or identities.")
        var plugins: [String] = []

        func run() throws {
            let signer = try key.load()
            var log = try folder.log.load(for: signer.verifier)
            let list = RevocationList(
                origin: signer.verifier.name, time: LogFolder.now, identities: try plugins.map(TrustFiles.identity))
            try log.append(list: list.text, signedBy: signer, at: LogFolder.now)
            try folder.log.publish(log, signer)
        }
    }

    /// `fanion plugin log prove`.
    struct Prove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the proof that the log holds a plugin beside its file.",
            discussion: "To be done again when the checkpoint has grown too old for those who ask.")
        @OptionGroup var folder: Folder
        @Argument(help: "Object files.")
        var plugins: [String]

        func run() throws {
            guard let (checkpoint, log) = try folder.log.load() else {
                throw PluginCommandFailure(description: "\(folder.folder): there is no log")
            }
            for plugin in plugins {
                let identity = try TrustFiles.identity(plugin)
                guard let index = log.place(of: identity),
                    let proof = log.tree.inclusionProof(of: index, size: checkpoint.size)
                else {
                    throw PluginCommandFailure(description: "\(plugin): not in the log; fanion plugin log add adds it")
                }
                var evidence = try TrustFiles.evidence(plugin)
                evidence.logs.removeAll { $0.origin == checkpoint.origin }
                evidence.logs.append(
                    Evidence.Logged(
                        origin: checkpoint.origin, index: index, proof: proof, checkpoint: checkpoint.note.bytes))
                let path = try TrustFiles.write(evidence, beside: plugin)
                print("\(path): entry \(index) of \(checkpoint.size) in \(checkpoint.origin)")
            }
        }
    }

    /// `fanion plugin log check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check that a log is whole, and that it continues an older checkpoint.")
        @OptionGroup var folder: Folder
        @Option(help: "The log's public key, NAME+ID+KEY.")
        var vkey: String?
        @Option(help: "A file with an older checkpoint.")
        var since: String?

        func run() throws {
            guard let (checkpoint, log) = try folder.log.load() else {
                throw PluginCommandFailure(description: "\(folder.folder): there is no log")
            }
            if let vkey {
                let key = try TrustFiles.naming("--vkey") { try VerifierKey(vkey: vkey) }
                guard checkpoint.isSigned(by: key) else {
                    throw PluginCommandFailure(
                        description: "\(folder.folder): the checkpoint is not signed by \(key.name)")
                }
            }
            for tile in TilePath.tiles(to: checkpoint.size) {
                let file = "\(folder.folder)/\(tile)"
                guard try SecureFiles.read(file) == log.tree.contents(of: tile) else {
                    throw PluginCommandFailure(description: "\(file) is missing or does not fit the entries")
                }
            }
            print(
                "\(checkpoint.origin): \(checkpoint.size) entries, whole\(vkey == nil ? "; signature not checked" : "")"
            )
            guard let since else { return }
            let old = try TrustFiles.naming(since) { try Checkpoint(bytes: EBPFInput.file(since)) }
            try LogFolder.checkConsistency(from: old, to: checkpoint, log)
            print("continues the checkpoint of \(old.size) entries in \(since)")
        }
    }

    /// `fanion plugin log cosign`.
    struct Cosign: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "As a witness: cosign the checkpoint, if it continues the last one that you cosigned.",
            discussion: """
                First make a key:  fanion plugin log cosign --key w.key --new-key witness.example.org/w FOLDER
                What was cosigned last is kept beside the key, in w.key.seen.
                """)
        @OptionGroup var folder: Folder
        @Option(help: "The file of the witness's secret key.")
        var key: String
        @Option(help: "Make the key first, with this name.")
        var newKey: String?

        func run() throws {
            if let newKey {
                let made = try TrustFiles.makeKey(key, name: newKey, .cosignature)
                print("\(key): a new witness's key; for a torrc: PluginWitness NAME \(made.verifier.text)")
            }
            let witness = try TrustFiles.key(key, .cosignature)
            guard let (found, log) = try folder.log.load() else {
                throw PluginCommandFailure(description: "\(folder.folder): there is no log")
            }
            var checkpoint = found
            let seen = key + ".seen"
            if let bytes = try SecureFiles.read(seen) {
                let old = try TrustFiles.naming(seen) { try Checkpoint(bytes: bytes) }
                try LogFolder.checkConsistency(from: old, to: checkpoint, log)
            }
            // Remembered before it is said.
            try SecureFiles.write(checkpoint.note.bytes, to: seen)
            checkpoint.note.signatures.removeAll { $0.name == witness.verifier.name && $0.id == witness.verifier.id }
            checkpoint.note.signatures.append(witness.sign(checkpoint.note.text, at: LogFolder.now))
            try folder.log.write(checkpoint.note.bytes, to: TilePath.checkpoint)
            print("\(witness.verifier.name) has seen \(checkpoint.size) entries of \(checkpoint.origin)")
        }
    }
}

extension LogFolder {
    /// Fails unless one checkpoint continues the other.
    static func checkConsistency(from old: Checkpoint, to new: Checkpoint, _ log: PublishedLog) throws {
        guard old.origin == new.origin else {
            throw PluginCommandFailure(description: "the older checkpoint is of another log, \(old.origin)")
        }
        guard old.size <= new.size else {
            throw PluginCommandFailure(
                description:
                    "the log has \(new.size) entries, and had \(old.size): it is an old copy, or another history")
        }
        guard let proof = log.tree.consistencyProof(from: old.size, to: new.size),
            MerkleProof.isConsistent(from: old.size, old.root, to: new.size, new.root, proof: proof)
        else {
            throw PluginCommandFailure(
                description:
                    "the log does not continue the older checkpoint: it has two histories. Keep both, and tell others")
        }
    }
}
