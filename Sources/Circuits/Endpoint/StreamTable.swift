package import Cells

/// The streams of one circuit: slots that are used again, found by stream ID or by handle, and the lines of those that wait.
///
/// Of two lines the first is for who has been called and then found nothing left, the second for all others; so who has just
/// been served comes last even if everybody is called at once and one of them takes all there is.
///
/// Allocates when a stream opens and there is no free slot, never per message. An empty table owns nothing.
package struct StreamTable: ~Copyable {
    private struct Slot {
        var stream: StreamMachine?
        /// Of the stream that is here, or of the next one.
        var generation: UInt32 = 0
        /// The next free slot; or the next and previous in line. -1: none.
        var next: Int32 = -1
        var previous: Int32 = -1
        /// Which line it stands in; -1: none.
        var line: Int8 = -1
        /// Whether it has been called from a line and has sent nothing since.
        var isUnserved = false
    }

    private struct Line {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    private var slots: [Slot] = []
    private var index = StreamIndex()
    private var firstFree: Int32 = -1
    private var lines: (Line, Line) = (Line(), Line())
    /// Streams that are there, half-closed ones included.
    package private(set) var count = 0
    /// Of those, the ones that we have ended.
    package private(set) var halfClosedCount = 0
    /// Streams that wait to send.
    package private(set) var waitingCount = 0

    /// No streams.
    package init() {}

    // MARK: Finding

    /// The slot of a stream.
    package func slot(of id: StreamID) -> Int? {
        index.slot(of: id)
    }

    /// The slot of a handle, if its stream is still there and not ended.
    package func slot(of handle: StreamHandle) -> Int? {
        let slot = Int(handle.slot)
        guard slots.indices.contains(slot), slots[slot].generation == handle.generation, slots[slot].stream != nil
        else { return nil }
        return slot
    }

    /// The handle of the stream in a slot.
    package func handle(at slot: Int) -> StreamHandle {
        StreamHandle(slot: Int32(slot), generation: slots[slot].generation)
    }

    /// The stream in a slot, if there is one.
    package subscript(slot: Int) -> StreamMachine? { slots[slot].stream }

    /// Tells the stream in a slot that DATA has come.
    mutating func receiveData(
        _ slot: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> StreamMachine.Verdict {
        slots[slot].stream?.receiveData(by: &decider) ?? .unexpected
    }

    /// Tells it that a SENDME has come.
    mutating func receiveSendme(
        _ slot: Int, by decider: inout some FlowDecider & ~Copyable
    ) -> StreamMachine.Verdict {
        slots[slot].stream?.receiveSendme(by: &decider) ?? .unexpected
    }

    /// Tells it that XOFF has come.
    mutating func receiveXoff(_ slot: Int) -> StreamMachine.Verdict {
        slots[slot].stream?.receiveXoff() ?? .unexpected
    }

    /// Tells it that XON has come.
    mutating func receiveXon(_ slot: Int) -> StreamMachine.Verdict {
        slots[slot].stream?.receiveXon() ?? .unexpected
    }

    /// Tells it that CONNECTED has come.
    mutating func receiveConnected(_ slot: Int) -> StreamMachine.Verdict {
        slots[slot].stream?.receiveConnected() ?? .unexpected
    }

    /// Tells it that we say CONNECTED.
    mutating func sendConnected(_ slot: Int) -> Bool {
        slots[slot].stream?.sendConnected() ?? false
    }

    /// Tells it that we package DATA.
    mutating func sendData(_ slot: Int) {
        slots[slot].isUnserved = false
        slots[slot].stream?.sendData()
    }

    /// Asks it how many SENDMEs to send.
    mutating func acknowledge(_ slot: Int, by decider: inout some FlowDecider & ~Copyable) -> Int? {
        slots[slot].stream == nil ? 0 : slots[slot].stream?.acknowledge(by: &decider)
    }

    /// Asks it how many DATA cells it would send if the circuit let it.
    mutating func sendableCells(_ slot: Int, by decider: inout some FlowDecider & ~Copyable) -> Int {
        slots[slot].stream?.sendableCells(by: &decider) ?? 0
    }

    /// Tells all that something has happened that may change how much may go.
    mutating func askAgain() {
        for slot in slots.indices { slots[slot].stream?.askAgain() }
    }

    // MARK: Coming and going

    /// Adds a stream whose ID is not in use; nil if there are too many.
    package mutating func insert(_ stream: StreamMachine) -> StreamHandle? {
        guard count < EndpointLimits.streams, index.slot(of: stream.id) == nil else { return nil }
        let slot: Int
        if firstFree >= 0 {
            slot = Int(firstFree)
            firstFree = slots[slot].next
            slots[slot].next = -1
        } else {
            slot = slots.count
            slots.append(Slot())
        }
        slots[slot].stream = stream
        index.insert(stream.id, slot: slot)
        count += 1
        return handle(at: slot)
    }

    /// A stream is gone: its slot and ID are free, its handle is stale.
    package mutating func remove(_ slot: Int) {
        guard let stream = slots[slot].stream else { return }
        stopWaiting(slot)
        if stream.isHalfClosed { halfClosedCount -= 1 }
        index.remove(stream.id)
        slots[slot].stream = nil
        slots[slot].isUnserved = false
        // Wraps after four thousand million streams in one slot; nobody keeps a handle that long.
        slots[slot].generation &+= 1
        slots[slot].next = firstFree
        firstFree = Int32(slot)
        count -= 1
    }

    /// We have sent END at a client: its handle is stale, its ID stays taken.
    package mutating func halfClose(_ slot: Int) {
        guard let stream = slots[slot].stream, !stream.isHalfClosed else { return }
        stopWaiting(slot)
        slots[slot].stream?.sendEnd()
        slots[slot].generation &+= 1
        halfClosedCount += 1
    }

    // MARK: The lines

    /// Whether a stream stands in line.
    package func isWaiting(_ slot: Int) -> Bool {
        slots[slot].line >= 0
    }

    /// Puts a stream at the end of its line, unless it stands there.
    package mutating func wait(_ slot: Int) {
        guard slots[slot].stream != nil, slots[slot].line < 0 else { return }
        if slots[slot].isUnserved {
            Self.append(slot, 0, &lines.0, &slots)
        } else {
            Self.append(slot, 1, &lines.1, &slots)
        }
        waitingCount += 1
    }

    /// Takes a stream out of its line.
    package mutating func stopWaiting(_ slot: Int) {
        guard slots[slot].line >= 0 else { return }
        if slots[slot].line == 0 { Self.take(slot, &lines.0, &slots) } else { Self.take(slot, &lines.1, &slots) }
        waitingCount -= 1
    }

    /// Calls a stream: takes it out of its line.
    package mutating func call(_ slot: Int) {
        stopWaiting(slot)
        slots[slot].isUnserved = true
    }

    /// Calls the first in line that is at `hop` and may send as far as its own window goes.
    package mutating func callNext(hop: Int, by decider: inout some FlowDecider & ~Copyable) -> Int? {
        guard let slot = first(hop, lines.0.first, &decider) ?? first(hop, lines.1.first, &decider) else {
            return nil
        }
        call(slot)
        return slot
    }

    private mutating func first(_ hop: Int, _ start: Int32, _ decider: inout some FlowDecider & ~Copyable) -> Int? {
        var slot = start
        while slot >= 0 {
            if let stream = slots[Int(slot)].stream, Int(stream.hop) == hop,
                sendableCells(Int(slot), by: &decider) > 0
            {
                return Int(slot)
            }
            slot = slots[Int(slot)].next
        }
        return nil
    }

    private static func append(_ slot: Int, _ number: Int8, _ line: inout Line, _ slots: inout [Slot]) {
        slots[slot].line = number
        slots[slot].next = -1
        slots[slot].previous = line.last
        if line.last >= 0 { slots[Int(line.last)].next = Int32(slot) } else { line.first = Int32(slot) }
        line.last = Int32(slot)
    }

    private static func take(_ slot: Int, _ line: inout Line, _ slots: inout [Slot]) {
        let (next, previous) = (slots[slot].next, slots[slot].previous)
        if previous >= 0 { slots[Int(previous)].next = next } else { line.first = next }
        if next >= 0 { slots[Int(next)].previous = previous } else { line.last = previous }
        slots[slot].line = -1
        slots[slot].next = -1
        slots[slot].previous = -1
    }
}
