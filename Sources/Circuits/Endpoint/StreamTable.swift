package import Cells

/// The streams of one circuit: slots that are used again, found by stream ID or by handle, and a line of those that wait.
///
/// Allocates when a stream opens and there is no free slot, never per message. An empty table owns nothing.
package struct StreamTable: ~Copyable {
    private struct Slot {
        var stream: StreamMachine?
        /// Of the stream that is here, or of the next one.
        var generation: UInt32 = 0
        /// The next free slot; or the next and previous of the line. -1: none.
        var next: Int32 = -1
        var previous: Int32 = -1
        var isWaiting = false
    }

    private var slots: [Slot] = []
    private var index = StreamIndex()
    private var firstFree: Int32 = -1
    private var firstWaiting: Int32 = -1
    private var lastWaiting: Int32 = -1
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

    /// The stream in a slot, if there is one; to be changed in place, never to be replaced.
    package private(set) subscript(slot: Int) -> StreamMachine? {
        get { slots[slot].stream }
        _modify { yield &slots[slot].stream }
    }

    /// Tells the stream in a slot that DATA has come.
    mutating func receiveData(_ slot: Int) -> StreamMachine.Verdict {
        self[slot]?.receiveData() ?? .unexpected
    }

    /// Tells it that a SENDME has come.
    mutating func receiveSendme(_ slot: Int) -> StreamMachine.Verdict {
        self[slot]?.receiveSendme() ?? .unexpected
    }

    /// Tells it that CONNECTED has come.
    mutating func receiveConnected(_ slot: Int) -> StreamMachine.Verdict {
        self[slot]?.receiveConnected() ?? .unexpected
    }

    /// Tells it that we say CONNECTED.
    mutating func sendConnected(_ slot: Int) -> Bool {
        self[slot]?.sendConnected() ?? false
    }

    /// Tells it that we package DATA.
    mutating func sendData(_ slot: Int) {
        self[slot]?.sendData()
    }

    /// Asks it how many SENDMEs to send.
    mutating func acknowledge(_ slot: Int) -> Int {
        self[slot]?.acknowledge() ?? 0
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

    // MARK: The line

    /// Whether a stream stands in line.
    package func isWaiting(_ slot: Int) -> Bool {
        slots[slot].isWaiting
    }

    /// Puts a stream at the end of the line, unless it stands there.
    package mutating func wait(_ slot: Int) {
        guard slots[slot].stream != nil, !slots[slot].isWaiting else { return }
        slots[slot].isWaiting = true
        slots[slot].next = -1
        slots[slot].previous = lastWaiting
        if lastWaiting >= 0 { slots[Int(lastWaiting)].next = Int32(slot) } else { firstWaiting = Int32(slot) }
        lastWaiting = Int32(slot)
        waitingCount += 1
    }

    /// Takes a stream out of the line.
    ///
    /// - Returns: whether it stood there.
    @discardableResult
    package mutating func stopWaiting(_ slot: Int) -> Bool {
        guard slots[slot].isWaiting else { return false }
        let (next, previous) = (slots[slot].next, slots[slot].previous)
        if previous >= 0 { slots[Int(previous)].next = next } else { firstWaiting = next }
        if next >= 0 { slots[Int(next)].previous = previous } else { lastWaiting = previous }
        slots[slot].isWaiting = false
        slots[slot].next = -1
        slots[slot].previous = -1
        waitingCount -= 1
        return true
    }

    /// Takes the first in the line out that is at `hop` and may send as far as its own window goes.
    package mutating func nextWaiting(hop: Int) -> Int? {
        var slot = firstWaiting
        while slot >= 0 {
            if let stream = slots[Int(slot)].stream, Int(stream.hop) == hop, stream.sendableCells > 0 {
                stopWaiting(Int(slot))
                return Int(slot)
            }
            slot = slots[Int(slot)].next
        }
        return nil
    }
}
