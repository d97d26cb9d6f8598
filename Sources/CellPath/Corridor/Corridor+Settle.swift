internal import Cells
internal import DequeModule
internal import NIOCore

/// The second beat: owners hear what happened, other loops get their cells, channels send.
extension Corridor {
    /// A read burst begins.
    func beginBurst() {
        isInBurst = true
        readClock()
    }

    /// A read burst has ended.
    func endBurst() {
        isInBurst = false
        settle()
    }

    /// Settles at the end of this tick of the loop, unless a burst or a settling under way will do it sooner.
    func settleSoon() {
        guard !isInBurst, !isSettling, !isSettleDue else { return }
        isSettleDue = true
        readClock()
        eventLoop.assumeIsolated().execute { [self] in
            guard isSettleDue else { return }
            settle()
        }
    }

    /// Does all that is noted.
    func settle() {
        guard !isSettling, !isInBurst else { return }
        isSettling = true
        isSettleDue = false
        repeat {
            while let driver = lostDrivers.popLast() { forget(driver) }
            while let stream = touchedStreams.popFirst() { stream.tellOwner() }
            while let origin = touchedOrigins.popFirst() { origin.tellOwner() }
            postBatches()
            while let channel = touchedChannels.popLast() {
                channels.pointer(channel).pointee.isTouched = false
                dispatch(channel)
            }
        } while !touchedStreams.isEmpty || !touchedOrigins.isEmpty || !lostDrivers.isEmpty
        postBatches()
        isSettling = false
        if isMemoryShort { relieveMemory() }
    }
}
