import Configuration
import Control
import Glibc
import Logging
import Node
import ServiceLifecycle
import UnixSignals

/// The life of a node's process: prepare, run, reload, end.
struct NodeProcess {
    private let source: ConfigurationSource
    private let settings: Settings

    /// A process for settings that are valid.
    init(source: ConfigurationSource, settings: Settings) {
        self.source = source
        self.settings = settings
    }

    /// Runs until the node is told to end.
    func run() async throws {
        let outputs = LogOutputs()
        try outputs.open(settings.node, source.quietness)
        LoggingSystem.bootstrap { TorLogHandler(label: $0, outputs: outputs) }
        let logger = Logger(label: "fanion")
        logger.notice("Fanion \(Version.text) starts")
        for warning in settings.warnings { logger.warning("\(warning)") }
        if settings.node.runsAsDaemon {
            logger.warning("RunAsDaemon is ignored: a service manager, or setsid and &, do it better")
        }
        do {
            try ProcessSetup.apply(settings.node)
            try NodeCommand.prepareFolders(settings)
            let lock = try await DataDirectoryLock(settings.node.dataDirectory)
            if let path = settings.node.pidFile { try ProcessSetup.writePidFile(path) }
            defer { if let path = settings.node.pidFile { try? SecureFiles.remove(path) } }
            try await serve(logger, outputs)
            _ = consume lock
            logger.notice("ended")
        } catch {
            logger.error("\(error)")
            throw error
        }
    }

    private func serve(_ logger: Logger, _ outputs: LogOutputs) async throws {
        let (signals, continuation) = AsyncStream.makeStream(of: ControlSignal.self)
        // Before anything is there that a signal could interrupt: what comes during the start waits.
        let trapped = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1, .sigusr2)
        let listener = Task {
            for await signal in trapped {
                switch signal {
                case .sigterm: continuation.yield(.halt)
                case .sigint: continuation.yield(.shutdown)
                case .sighup: continuation.yield(.reload)
                case .sigusr1: continuation.yield(.dump)
                default: continuation.yield(.debug)
                }
            }
        }
        defer { listener.cancel() }
        let node = try await makeNode(
            NodeStart(settings: settings, torrcPath: source.torrcPath, logger: logger) { continuation.yield($0) })
        let steward = NodeSteward(
            node: node, settings: settings, source: source, outputs: outputs, logger: logger, signals: signals,
            continuation: continuation)
        // The group's own reports would only repeat what the node says.
        var quiet = logger
        quiet.logLevel = .error
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: node, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: steward, successTerminationBehavior: .gracefullyShutdownGroup),
                ], logger: quiet))
        try await group.run()
    }
}

/// Has the node follow the system's signals and controllers' wishes.
struct NodeSteward: Service {
    let node: any NodeRunner
    let settings: Settings
    let source: ConfigurationSource
    let outputs: LogOutputs
    let logger: Logger
    let signals: AsyncStream<ControlSignal>
    let continuation: AsyncStream<ControlSignal>.Continuation

    func run() async throws {
        var current = settings
        var isEnding = false
        for await signal in signals.cancelOnGracefulShutdown() {
            switch signal {
            case .halt:
                logger.notice("told to end: ending now")
                return
            case .shutdown:
                let wait = current.node.shutdownWait
                guard current.relay.isRelay, wait > .zero, !isEnding else {
                    logger.notice("told to end: ending now")
                    return
                }
                isEnding = true
                logger.notice("takes nothing new, and ends in \(wait.components.seconds) s; once more to end now")
                await node.stopAccepting()
                Task {
                    try? await Task.sleep(for: wait)
                    continuation.yield(.halt)
                }
            case .reload: current = await reload(from: current)
            default: await node.receive(signal)
            }
        }
    }

    /// Reads the configuration again; keeps the old one if the new one will not do.
    private func reload(from old: Settings) async -> Settings {
        outputs.reopen()
        guard old.node.reloadsOnHangup else {
            logger.notice("the torrc is not read again: __ReloadTorrcOnSIGHUP is 0")
            return old
        }
        do {
            let new = try source.read()
            try new.checkTransition(from: old)
            try outputs.open(new.node, source.quietness)
            try await node.reload(new)
            logger.notice("the configuration was read again")
            for warning in new.warnings where !old.warnings.contains(warning) { logger.warning("\(warning)") }
            return new
        } catch {
            logger.warning("the configuration stays as it was: \(error)")
            return old
        }
    }
}
