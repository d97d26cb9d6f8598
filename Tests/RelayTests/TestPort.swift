import CellPath
import Cells
import NIOCore
import Synchronization

/// A circuit's side of a stream, of which a test decides how much it takes. Confined to its loop but for `log`.
final class TestPort: StreamPort, @unchecked Sendable {
    let clientward: (address: IPAddress, isFirstHop: Bool)? = nil
    /// What the owner did.
    struct Log: Sendable {
        var connected: ConnectedMessage?
        var resolved: ResolvedMessage?
        var ended: EndMessage?
        var received: [UInt8] = []
        var largestSend = 0
        var backlog: [Bool] = []
    }

    let id: UInt64 = 1
    let circuit: UInt64 = 1
    let eventLoop: any EventLoop
    var owner: (any StreamOwner)?
    private let log = Mutex(Log())
    private var window: Int
    private var wasShort = false

    init(_ eventLoop: any EventLoop, window: Int = .max) {
        self.eventLoop = eventLoop
        self.window = window
    }

    var seen: Log { log.withLock { $0 } }
    var sendableBytes: Int { seen.ended == nil ? window : 0 }
    var isBacklogged = false {
        didSet { log.withLock { if $0.backlog.last != isBacklogged { $0.backlog.append(isBacklogged) } } }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, sendableBytes)
        if window != .max { window -= count }
        wasShort = count < bytes.count
        log.withLock {
            $0.received += bytes.prefix(count)
            $0.largestSend = max($0.largestSend, count)
        }
        return count
    }

    /// What a SENDME does.
    func grow(_ count: Int) {
        window += count
        if wasShort {
            wasShort = false
            owner?.streamMaySend()
        }
    }

    func sendConnected(_ message: ConnectedMessage) { log.withLock { $0.connected = message } }

    func sendResolved(_ message: ResolvedMessage) {
        log.withLock { $0.resolved = message }
        owner = nil
    }

    func end(_ message: EndMessage) {
        log.withLock { if $0.ended == nil { $0.ended = message } }
        owner = nil
    }

    /// What END from the client does.
    func endFromClient() {
        let owner = owner
        self.owner = nil
        owner?.streamEnded(EndMessage(reason: .done))
    }

    /// Waits until the log is as it should be.
    func wait(_ what: String = "", until condition: (Log) -> Bool) async throws -> Log {
        for _ in 0..<1_000 {
            let log = seen
            if condition(log) { return log }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Timeout(what: what)
    }

    struct Timeout: Error {
        let what: String
    }
}
