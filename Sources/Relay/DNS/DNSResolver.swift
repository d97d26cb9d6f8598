internal import Glibc
package import NIOCore
internal import Synchronization

/// Looks up names for exit streams: one per process, used from every event loop.
///
/// A cache and the streams that wait are behind one lock; name servers are asked on a thread of its own (`DNSWorker`).
/// The same question from many streams is asked once. Not for a client's names, which go through circuits.
package final class DNSResolver: Sendable {
    private struct State {
        var cache = DNSCache(capacity: RelayLimits.cachedAnswers)
        var waiting: [DNSQuestion: [EventLoopPromise<DNSAnswer>]] = [:]
        var waitingCount = 0
        var isStopped = false
    }

    private let state = Mutex(State())
    private let inbox: DNSInbox
    private let thread: pthread_t

    /// Starts the thread.
    package init(_ settings: DNSResolverSettings) throws(DNSError) {
        let inbox = try DNSInbox(settings)
        self.inbox = inbox
        let worker = DNSWorkerStart(inbox: inbox)
        var thread = pthread_t()
        // Safe: the thread takes over the reference.
        let argument = Unmanaged.passRetained(worker).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                // Safe: retained above, taken once.
                Unmanaged<DNSWorkerStart>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        guard code == 0 else {
            Unmanaged<DNSWorkerStart>.fromOpaque(argument).release()
            throw DNSError(reason: "no thread: \(String(cString: strerror(code)))")
        }
        self.thread = thread
        inbox.setAnswerReceiver { [weak self] question, answer in self?.finish(question, answer) }
    }

    /// Answers a question, from memory or by asking.
    package func resolve(_ question: DNSQuestion, on loop: any EventLoop) -> EventLoopFuture<DNSAnswer> {
        enum Next {
            case known(DNSAnswer)
            case ask(EventLoopFuture<DNSAnswer>)
            case wait(EventLoopFuture<DNSAnswer>)
        }
        let now = ContinuousClock.now
        let next: Next = state.withLock { state in
            if let answer = state.cache.answer(to: question, now: now) { return .known(answer) }
            let isNew = state.waiting[question] == nil
            guard !state.isStopped, state.waitingCount < RelayLimits.waitingStreams,
                !isNew || state.waiting.count < RelayLimits.outstandingQuestions
            else { return .known(.transientFailure) }
            let promise = loop.makePromise(of: DNSAnswer.self)
            state.waiting[question, default: []].append(promise)
            state.waitingCount += 1
            return isNew ? .ask(promise.futureResult) : .wait(promise.futureResult)
        }
        switch next {
        case .known(let answer): return loop.makeSucceededFuture(answer)
        case .wait(let future): return future
        case .ask(let future):
            inbox.put(question)
            return future
        }
    }

    /// Uses other name servers or rules from now on, and forgets what the old ones said. Reads the file again, too.
    package func configure(_ settings: DNSResolverSettings) {
        inbox.put(settings)
        state.withLock { $0.cache.removeAll() }
    }

    /// Ends the thread and waits for it. Whoever waits for an answer hears of a transient failure.
    package func stop() {
        guard
            state.withLock({ state in
                defer { state.isStopped = true }
                return !state.isStopped
            })
        else { return }
        inbox.stop()
        pthread_join(thread, nil)
        let left = state.withLock { state in
            defer { state.waiting.removeAll() }
            state.waitingCount = 0
            return state.waiting.values.flatMap { $0 }
        }
        for promise in left { promise.succeed(.transientFailure) }
    }

    deinit {
        stop()
    }

    private func finish(_ question: DNSQuestion, _ answer: DNSAnswer) {
        let now = ContinuousClock.now
        let promises = state.withLock { state in
            state.cache.insert(answer, for: question, now: now)
            let promises = state.waiting.removeValue(forKey: question) ?? []
            state.waitingCount -= promises.count
            return promises
        }
        for promise in promises { promise.succeed(answer) }
    }
}

/// Why names cannot be looked up at all.
package struct DNSError: Error, CustomStringConvertible {
    /// What went wrong.
    package let reason: String

    /// For logs and people.
    package var description: String { "name resolution: \(reason)" }
}
