import Cells
import Configuration
import Glibc
import Node
import PluginHost
import Trust

/// Files about trust, as the commands read and write them.
enum TrustFiles {
    /// A secret key; nobody else may be able to read its file.
    static func key(_ path: String, _ kind: VerifierKey.Kind) throws -> SigningKey {
        guard let line = try SecureFiles.read(path, limit: 4096, secretFor: .owner) else {
            throw PluginCommandFailure(description: "\(path): there is no such key; --new-key NAME makes one")
        }
        let key = try naming(path) { try SigningKey(line: line) }
        guard key.verifier.kind == kind else {
            let words = kind == .note ? "a witness's key, which signs only checkpoints" : "no witness's key"
            throw PluginCommandFailure(description: "\(path): this is \(words); make another with --new-key")
        }
        return key
    }

    /// Makes a key, in a file that was not there.
    static func makeKey(_ path: String, name: String, _ kind: VerifierKey.Kind) throws -> SigningKey {
        guard access(path, F_OK) != 0 else {
            throw PluginCommandFailure(description: "\(path) is there already: take another name for the new key")
        }
        guard let (key, line) = SigningKey.make(name: name, kind: kind) else {
            throw PluginCommandFailure(description: "\"\(name)\" cannot be a key's name: no spaces and no plus")
        }
        try SecureFiles.write(line, to: path)
        return key
    }

    /// The evidence beside a plugin: the same name with `.evidence`.
    static func evidencePath(_ plugin: String) -> String {
        (plugin.hasSuffix(".o") || plugin.hasSuffix(".c") ? String(plugin.dropLast(2)) : plugin) + ".evidence"
    }

    /// What is beside a plugin; nothing if there is none.
    static func evidence(_ plugin: String) throws -> Evidence {
        let path = evidencePath(plugin)
        guard let bytes = try SecureFiles.read(path, limit: TrustLimits.evidenceBytes) else { return Evidence() }
        return try naming(path) { try Evidence(bytes: bytes) }
    }

    /// Writes evidence beside a plugin.
    static func write(_ evidence: Evidence, beside plugin: String) throws -> String {
        guard let bytes = evidence.bytes else {
            throw PluginCommandFailure(
                description:
                    "\(plugin): that would be more evidence than anybody takes (\(TrustLimits.evidenceBytes) bytes)")
        }
        let path = evidencePath(plugin)
        try SecureFiles.write(bytes, to: path, for: .everybody)
        return path
    }

    /// An identity: 64 hexadecimal digits, or that of a file.
    static func identity(_ text: String) throws -> [UInt8] {
        if text.utf8.count == 64, let bytes = Base16.decode(text) { return bytes }
        let bytes = try EBPFInput.file(text)
        do {
            return try PluginFile(bytes: bytes).identity
        } catch {
            throw PluginCommandFailure(description: "\(text): \(error)")
        }
    }

    /// Runs `body`; what goes wrong is told with the file's name.
    static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as TrustError {
            throw PluginCommandFailure(description: "\(path): \(error)")
        }
    }
}

/// A log's folder, which a web server serves as it is.
struct LogFolder {
    let path: String

    /// The newest checkpoint and all entries, checked against each other; nil if there is no log.
    func load() throws -> (checkpoint: Checkpoint, log: PublishedLog)? {
        guard let bytes = try SecureFiles.read("\(path)/\(TilePath.checkpoint)", limit: TrustLimits.noteBytes) else {
            return nil
        }
        let checkpoint = try TrustFiles.naming("\(path)/\(TilePath.checkpoint)") { try Checkpoint(bytes: bytes) }
        guard checkpoint.size <= TrustLimits.logEntries else {
            throw PluginCommandFailure(description: "\(path): more than \(TrustLimits.logEntries) entries")
        }
        var entries: [[UInt8]] = []
        for bundle in TilePath.bundles(from: 0, to: checkpoint.size) {
            let file = "\(path)/\(bundle)"
            guard let bytes = try SecureFiles.read(file, limit: TrustLimits.bundleBytes) else {
                throw PluginCommandFailure(description: "\(file) is missing: the log is not whole")
            }
            entries += try TrustFiles.naming(file) { try EntryBundle.read(bytes, count: bundle.count) }
        }
        return (checkpoint, try TrustFiles.naming(path) { try PublishedLog(checkpoint, entries: entries) })
    }

    /// The log, which must be there, and be this key's.
    func load(for key: VerifierKey) throws -> PublishedLog {
        guard let (checkpoint, log) = try load() else {
            throw PluginCommandFailure(description: "\(path): there is no log; fanion plugin log init makes one")
        }
        guard checkpoint.isSigned(by: key) else {
            throw PluginCommandFailure(
                description: "\(path): the checkpoint is not signed by this key, which is that of \(key.name)")
        }
        return log
    }

    /// Writes what is new, and the checkpoint last.
    func publish(_ log: PublishedLog, _ key: SigningKey) throws {
        for file in try TrustFiles.naming(path, { try log.newFiles() }) { try write(file.bytes, to: file.path) }
        let checkpoint = try TrustFiles.naming(path) { try log.checkpoint(signedBy: key, at: Self.now) }
        try write(checkpoint.note.bytes, to: TilePath.checkpoint)
        print("\(path): \(log.tree.size) entries, root \(Base64.encode(checkpoint.root.bytes))")
    }

    /// Writes a public file, and the folders that lead to it.
    func write(_ bytes: [UInt8], to name: String) throws {
        var folder = path
        for part in [""] + name.split(separator: "/").dropLast().map(String.init) {
            if !part.isEmpty { folder += "/\(part)" }
            guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
                throw PluginCommandFailure(description: "\(folder): \(String(cString: strerror(errno)))")
            }
        }
        try SecureFiles.write(bytes, to: "\(path)/\(name)", for: .everybody)
    }

    static var now: WallTime { WallTime(seconds: Int64(time(nil))) }
}
