import Dispatch
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded

/// An event loop that runs when it is told to, on the main thread, and whose time stands still: what happens on it happens in
/// the same order each time.
///
/// Differs from `EmbeddedEventLoop` in that other threads, such as those that answer CREATE2, may hand in work.
final class TraceLoop: EventLoop, @unchecked Sendable {
    // Safe: the lock guards what others touch; the rest is the main thread's.
    let inner = EmbeddedEventLoop()
    private let handedIn = NIOLockedValueBox<[@Sendable () -> Void]>([])
    private let thread = pthread_self()

    var inEventLoop: Bool { pthread_equal(thread, pthread_self()) != 0 }

    /// Does all that is to be done now.
    func turn() {
        for task in handedIn.withLockedValue({ tasks in
            defer { tasks = [] }
            return tasks
        }) { task() }
        inner.run()
    }

    func execute(_ task: @escaping @Sendable () -> Void) {
        if inEventLoop {
            inner.execute(task)
        } else {
            handedIn.withLockedValue { $0.append(task) }
        }
    }

    func submit<Result>(_ task: @escaping @Sendable () throws -> Result) -> EventLoopFuture<Result> {
        let promise = makePromise(of: Result.self)
        execute { promise.assumeIsolated().completeWith(Swift.Result { try task() }) }
        return promise.futureResult
    }

    func scheduleTask<Result>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> Result
    ) -> Scheduled<Result> {
        inner.scheduleTask(deadline: deadline, task)
    }

    func scheduleTask<Result>(
        in time: TimeAmount, _ task: @escaping @Sendable () throws -> Result
    ) -> Scheduled<Result> {
        inner.scheduleTask(in: time, task)
    }

    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        callback(nil)
    }
}
