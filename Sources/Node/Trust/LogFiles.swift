package import Trust

/// What is known of logs, on disk: for each its largest checkpoint, all entries up to it, and two checkpoints that contradict each other
/// if it has ever shown them. In `plugin-logs` of the data folder, for nobody else to read.
package struct LogFiles: Sendable {
    private let folder: String

    /// The files in a data folder.
    package init(dataDirectory: String) { folder = dataDirectory + "/plugin-logs" }

    /// Where a log's contradiction is kept, for messages.
    package func forkPath(_ log: TrustPolicy.Log) -> String { path(log, "fork") }

    /// Reads what is known of a log. What does not fit together is not believed: the log is read again from the beginning.
    package func load(_ log: TrustPolicy.Log) throws(FileError) -> LogMirror {
        if let bytes = try SecureFiles.read(path(log, "fork")) {
            let notes = (try? EntryBundle.read(bytes)) ?? []
            return LogMirror(log, fork: LogMirror.Fork(known: notes.first ?? [], other: notes.last ?? []))
        }
        var mirror = LogMirror(log)
        guard let checkpoint = try SecureFiles.read(path(log, "checkpoint")) else { return mirror }
        let entries = try entries(log)
        return mirror.take(checkpoint, entries: entries) == .advanced ? mirror : LogMirror(log)
    }

    /// Keeps what is known now.
    ///
    /// - Parameters:
    ///   - entries: what is new, from number `start` on.
    package func save(_ mirror: LogMirror, entries new: [[UInt8]], from start: UInt64) throws(FileError) {
        try SecureFiles.makeFolder(folder)
        if let fork = mirror.fork {
            guard let bytes = EntryBundle.write([fork.known, fork.other]) else { return }
            try SecureFiles.write(bytes, to: path(mirror.log, "fork"))
            return
        }
        guard let checkpoint = mirror.checkpoint else { return }
        if !new.isEmpty {
            let old = start == 0 ? [] : try entries(mirror.log).prefix(Int(clamping: start))
            guard UInt64(old.count) == start, let bytes = EntryBundle.write(old + new) else {
                throw FileError(path: path(mirror.log, "entries"), reason: "does not hold the entries that it should")
            }
            // Before the checkpoint: entries that it does not count yet do no harm.
            try SecureFiles.write(bytes, to: path(mirror.log, "entries"))
        }
        try SecureFiles.write(checkpoint.note.bytes, to: path(mirror.log, "checkpoint"))
    }

    private func entries(_ log: TrustPolicy.Log) throws(FileError) -> [[UInt8]] {
        let bytes = try SecureFiles.read(path(log, "entries"), limit: NodeLimits.logFile) ?? []
        return (try? EntryBundle.read(bytes)) ?? []
    }

    /// Names of logs are made of letters, digits, hyphen, underscore and dot, and begin with no dot.
    private func path(_ log: TrustPolicy.Log, _ kind: String) -> String { "\(folder)/\(log.name).\(kind)" }
}
