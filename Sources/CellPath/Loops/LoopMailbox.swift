internal import NIOConcurrencyHelpers
internal import NIOCore

/// The way from one loop to another: one queue of batches, first in, first out.
///
/// The sender posts once per read burst; the receiver is woken only if it is not awake already. Spent batches return to the
/// sender, so that a steady flow allocates nothing.
final class LoopMailbox: Sendable {
    private struct Contents {
        var posted: [LoopBatch] = []
        var spare: [LoopBatch] = []
        var isReceiverAwake = false
    }

    // NIO's lock, which the thread sanitizer understands in its slow path too.
    private let contents = NIOLockedValueBox(Contents())

    init() {}

    /// A batch to fill.
    func takeSpare() -> LoopBatch {
        contents.withLockedValue { $0.spare.popLast() } ?? LoopBatch()
    }

    /// Sends a batch; true if the receiver must be woken.
    func post(_ batch: LoopBatch) -> Bool {
        contents.withLockedValue { contents in
            contents.posted.append(batch)
            if contents.isReceiverAwake { return false }
            contents.isReceiverAwake = true
            return true
        }
    }

    /// Takes all that was sent, into `batches`, and lets the receiver be woken again.
    func receive(into batches: inout [LoopBatch]) {
        contents.withLockedValue { contents in
            swap(&contents.posted, &batches)
            contents.isReceiverAwake = false
        }
    }

    /// Gives read batches back; a few are kept.
    func giveBack(_ batches: inout [LoopBatch]) {
        contents.withLockedValue { contents in
            var next = 0
            while next < batches.count, contents.spare.count < CellPathLimits.spareBatches {
                batches[next].clear()
                contents.spare.append(batches[next])
                next += 1
            }
        }
        batches.removeAll(keepingCapacity: true)
    }
}

/// All the ways between a node's loops.
final class LoopExchange: Sendable {
    /// The loops, by number.
    let loops: [any EventLoop]
    private let mailboxes: [LoopMailbox]

    init(loops: [any EventLoop]) {
        self.loops = loops
        mailboxes = (0..<(loops.count * loops.count)).map { _ in LoopMailbox() }
    }

    /// From one loop to another.
    func mailbox(from sender: Int, to receiver: Int) -> LoopMailbox {
        mailboxes[sender * loops.count + receiver]
    }
}
