internal import Cells
internal import Circuits
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import OnionCrypto
internal import PluginHost
internal import Synchronization

/// The annex: a few threads that answer CREATE2, the costly part of making a circuit.
///
/// The queue is bounded by time: a job that would wait longer than `MaxOnionQueueDelay` is refused at once, and one that
/// did is dropped unanswered. Results go back to each loop in batches.
package final class HandshakeWorkers: Sendable {
    /// A CREATE2 to answer.
    struct Job: Sendable {
        let circuit: SlabHandle
        let loop: Int
        let create: Create2Cell
        let keys: OnionKeySnapshot
        /// What this node runs for peers.
        let plugins: PluginShelf?
        /// Our `cc_sendme_inc`, if congestion control is granted to who asks for it.
        let congestion: UInt8?
        let since: ContinuousClock.Instant
    }

    /// What came of it.
    struct Result: ~Copyable, Sendable {
        let circuit: SlabHandle
        let outcome: Outcome
    }

    /// An answer for the client, or none.
    enum Outcome: ~Copyable, Sendable {
        /// CREATED2 and the keys; what the client asked of plugins, if it speaks of them; and DATA cells for one SENDME, if
        /// congestion control is settled.
        case answered(HandshakeReply, HandshakePlugins?, congestion: UInt8?)
        /// It names keys that are not ours, or is malformed.
        case failed
        /// It waited too long.
        case late
    }

    private struct Load {
        var queued = 0
        /// How long a handshake takes, as seen of late.
        var cost = Duration.microseconds(200)
    }

    /// The results for one loop, which fetches them all at once.
    private final class Outbox: Sendable {
        let results = NIOLockedValueBox<[ResultBox]>([])
    }

    /// A result on its way; taken out once.
    final class ResultBox: Sendable {
        private let result: Mutex<Result?>
        init(_ result: consuming Result) { self.result = Mutex(result) }
        func take() -> Result? { result.withLock { $0.take() } }
    }

    private let pool: NIOThreadPool
    private let threadCount: Int
    private let maximumDelay: Duration
    private let load = NIOLockedValueBox(Load())
    private let outboxes: [Outbox]
    private let loops: [any EventLoop]

    init(loops: [any EventLoop], threadCount: Int, maximumDelay: Duration) {
        self.loops = loops
        self.threadCount = max(1, threadCount)
        self.maximumDelay = maximumDelay
        outboxes = loops.map { _ in Outbox() }
        pool = NIOThreadPool(numberOfThreads: max(1, threadCount))
        pool.start()
    }

    /// Queues a job; false if there is too much to do already.
    ///
    /// - Parameter deliver: Runs on the job's loop when there are results to fetch.
    func submit(_ job: Job, deliver: @escaping @Sendable () -> Void) -> Bool {
        let isAccepted = load.withLockedValue { load in
            guard load.cost * (load.queued / threadCount) <= maximumDelay else { return false }
            load.queued += 1
            return true
        }
        guard isAccepted else { return false }
        pool.submit { [self] state in
            guard case .active = state else { return }
            let started = ContinuousClock.now
            let outcome = started - job.since > maximumDelay ? Outcome.late : Self.answer(job)
            let took = ContinuousClock.now - started
            load.withLockedValue { load in
                load.queued -= 1
                load.cost = (load.cost * 15 + took) / 16
            }
            let box = ResultBox(Result(circuit: job.circuit, outcome: outcome))
            let isFirst = outboxes[job.loop].results.withLockedValue { results in
                results.append(box)
                return results.count == 1
            }
            if isFirst { loops[job.loop].execute(deliver) }
        }
        return true
    }

    /// Runs something else that takes milliseconds; who asks for it bounds how much of it there is.
    func run(_ body: @escaping @Sendable () -> Void) {
        pool.submit { state in
            if case .active = state { body() }
        }
    }

    /// Takes what is there for a loop.
    func results(for loop: Int) -> [ResultBox] {
        outboxes[loop].results.withLockedValue { results in
            let taken = results
            results.removeAll(keepingCapacity: true)
            return taken
        }
    }

    /// Ends the threads; jobs that wait are dropped.
    package func shutDown() {
        pool.shutdownGracefully { _ in }
    }

    private static func answer(_ job: Job) -> Outcome {
        let data = job.create.handshakeData
        do throws(CryptoError) {
            switch job.create.handshakeType {
            case .ntor:
                return .answered(try NtorHandshake.respond(to: data.span.bytes, keys: job.keys), nil, congestion: nil)
            case .ntorV3:
                let server = try NtorV3Handshake.Server(data.span.bytes, keys: job.keys)
                // Extensions that we do not know are ignored (proposal 332); those of Relay=5 are not listed by us, so
                // nobody sends them.
                var answers: [HandshakeExtension] = []
                let asksCongestion = server.extensions.contains { $0.type == EndpointSpec.congestionControlRequest }
                let congestion = asksCongestion ? job.congestion : nil
                if let congestion {
                    answers.append(HandshakeExtension(type: EndpointSpec.congestionControlResponse, body: [congestion]))
                }
                var plugins: HandshakePlugins?
                if let shelf = job.plugins {
                    do throws(WireError) {
                        plugins = try HandshakePlugins(server.extensions, shelf)
                    } catch {
                        return .failed
                    }
                }
                if let plugins { answers.append(plugins.answer) }
                return .answered(try server.respond(extensions: answers), plugins, congestion: congestion)
            default:
                return .failed
            }
        } catch {
            return .failed
        }
    }
}
