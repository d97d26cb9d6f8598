import Logging

/// Log lines as C Tor writes them: `Nov 24 22:00:00.000 [notice] text key=value`.
struct TorLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let outputs: LogOutputs
    private var ownLevel: Logger.Level?

    /// A handler; labels do not show.
    init(label: String, outputs: LogOutputs) {
        self.outputs = outputs
    }

    /// What somebody listens to, unless it was set.
    var logLevel: Logger.Level {
        get { ownLevel ?? outputs.level }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        let suffix = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        // A line is a line, whatever a peer put into it.
        let text = String((event.message.description + suffix).map { $0.isNewline ? " " : $0 })
        outputs.write(text, LogOutputs.severity(of: event.level))
    }
}
