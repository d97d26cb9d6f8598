package import Configuration
package import Logging
internal import OnionCrypto
internal import Synchronization
package import Trust

/// Keeps the judge of other people's plugins informed: reads logs from disk at the start and from their servers from then on.
///
/// Safe to call from anywhere.
package final class PluginTrustRole: Sendable {
    private struct Follower {
        let source: PluginTrustSettings.LogSource
        let task: Task<Void, Never>
        let wake: AsyncStream<Void>.Continuation
    }

    private struct State {
        var settings: PluginTrustSettings
        var followers: [Follower] = []
        var transport: (any LogTransport)?
        var listener: (@Sendable () -> Void)?
    }

    /// The judge.
    package let judge = TrustJudge()
    private let files: LogFiles
    private let logger: Logger
    private let state: Mutex<State>

    /// A role that follows nothing yet: the policy and what the disk has are in force.
    package init(settings: PluginTrustSettings, dataDirectory: String, logger: Logger) {
        files = LogFiles(dataDirectory: dataDirectory)
        self.logger = logger
        state = Mutex(State(settings: settings))
        load(settings)
        judge.onEvent { [weak self] event in self?.hear(event) }
    }

    /// Has `listener` hear when a log has been read on, or another recommended set is in force.
    package func onReading(_ listener: @escaping @Sendable () -> Void) { state.withLock { $0.listener = listener } }

    /// Begins to read logs.
    package func start(over transport: any LogTransport) {
        state.withLock { $0.transport = transport }
        follow()
    }

    /// Puts another configuration in force.
    package func apply(_ settings: PluginTrustSettings) {
        let isNew = state.withLock { state in
            defer { state.settings = settings }
            return state.settings != settings
        }
        guard isNew else { return }
        load(settings)
        follow()
    }

    /// The consensus's parameters are in force: which recommended set everybody uses.
    package func apply(epoch: Int32) {
        let epoch = UInt32(max(0, epoch))
        guard judge.recommended.epoch != epoch else { return }
        judge.apply(epoch: epoch)
        state.withLock { $0.listener }?()
    }

    /// Ends it.
    package func stop() {
        for follower in state.withLock({ state in
            defer { state.followers = [] }
            return state.followers
        }) {
            follower.wake.finish()
            follower.task.cancel()
        }
    }

    private func load(_ settings: PluginTrustSettings) {
        let known = judge.policy.logs
        judge.apply(settings.policy)
        for log in settings.policy.logs where !known.contains(log) {
            do throws(FileError) {
                let mirror = try files.load(log)
                judge.apply(mirror)
                if mirror.fork != nil { warnOfFork(log) }
            } catch {
                logger.warning("what is known of the log \(log.name) cannot be read: \(error)")
            }
        }
    }

    // MARK: Following

    private func follow() {
        stop()
        let (settings, transport) = state.withLock { ($0.settings, $0.transport) }
        guard let transport else { return }
        let followers = settings.logs.map { source in
            let (stream, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            wake.yield()
            let task = Task { [weak self] in
                var failures = 0
                var timer: Task<Void, Never>?
                for await _ in stream {
                    timer?.cancel()
                    guard let isGood = await self?.read(source, over: transport) else { break }
                    failures = isGood ? 0 : failures + 1
                    let pause = isGood ? settings.interval : Self.pause(after: failures, atMost: settings.interval)
                    // Whatever wakes us meanwhile waits as well: a peer must not make us ask all the time.
                    try? await Task.sleep(for: min(pause, NodeLimits.logSpacing))
                    timer = Task {
                        guard (try? await Task.sleep(for: pause)) != nil else { return }
                        wake.yield()
                    }
                }
                timer?.cancel()
            }
            return Follower(source: source, task: task, wake: wake)
        }
        state.withLock { $0.followers = followers }
    }

    /// Twice as long each time, and never the same for all.
    private static func pause(after failures: Int, atMost interval: Duration) -> Duration {
        var random = SystemRandom()
        let seconds = 5 << min(failures - 1, 12)
        let jitter = Int.random(in: 0...seconds, using: &random)
        return min(interval, .seconds(seconds + jitter))
    }

    /// Reads on in a log.
    ///
    /// - Returns: false if that did not work out, and should be tried again soon.
    private func read(_ source: PluginTrustSettings.LogSource, over transport: any LogTransport) async -> Bool {
        guard let known = judge.mirrors.first(where: { $0.log == source.log }) else { return true }
        let name = source.log.name
        let reading: LogFollower.Reading
        do {
            reading = try await LogFollower(source: source, transport: transport).read(known)
        } catch {
            logger.info("the plugin log \(name) could not be read: \(error)")
            return false
        }
        switch reading.outcome {
        case .advanced, .unchanged, .forked:
            judge.apply(reading.mirror)
            guard known.fork == nil else { return true }
            save(reading)
            if reading.mirror.checkpoint != known.checkpoint { state.withLock { $0.listener }?() }
            if reading.mirror.fork != nil { warnOfFork(source.log) }
            return true
        case .older: return true
        case .mismatch, .refused:
            logger.info("the plugin log \(name) published what does not fit together; it will be read again")
            return false
        }
    }

    private func save(_ reading: LogFollower.Reading) {
        do throws(FileError) {
            try files.save(reading.mirror, entries: reading.entries, from: reading.start)
        } catch {
            logger.warning("what is known of the log \(reading.mirror.log.name) cannot be kept: \(error)")
        }
    }

    private func warnOfFork(_ log: TrustPolicy.Log) {
        logger.error(
            """
            the plugin log \(log.name) has signed two histories and is refused from now on; both checkpoints are in \
            \(files.forkPath(log)): make them public, and take the log out of the torrc
            """)
    }

    /// On whatever thread asked the judge: nothing here may take long.
    private func hear(_ event: TrustJudge.Event) {
        switch event {
        case .isBehind(let name):
            state.withLock { $0.followers.first { $0.source.log.name == name }?.wake }?.yield()
        case .hasForked(let name):
            guard let mirror = judge.mirrors.first(where: { $0.log.name == name }), mirror.fork != nil else { return }
            Task { [self] in
                save(LogFollower.Reading(mirror: mirror, outcome: .forked))
                warnOfFork(mirror.log)
            }
        }
    }
}
