internal import Cells
internal import Channels
internal import NIOCore

/// Padding of channels: what they are used for is noted as cells pass, and once a second it is looked which are silent.
extension Corridor {
    /// Gives a channel that is open its place, and tells the peer what padding we want.
    func insertChannel(_ driver: ChannelDriver, _ peer: OpenChannel) -> SlabHandle {
        let isBetweenRelays = settings.padding.isRelay && peer.isAuthenticated
        var random = self.random
        let idleTime = settings.padding.idleTime(
            isBetweenRelays: isBetweenRelays && peer.isCanonical, using: &random)
        let handle = channels.insert(
            ChannelRecord(
                driver: driver, peer: peer, isBetweenRelays: isBetweenRelays, idleTime: .seconds(idleTime), now: now))
        driver.channel = handle
        if let wish = channels.pointer(handle.slot).pointee.padding.opened(settings.padding) {
            sendOwn(wish, on: handle.slot)
        }
        return handle
    }

    private func sendOwn(_ message: some FixedCellBody, on channel: UInt32) {
        guard var cell = pool.makeCell(circuitID: .zero, command: type(of: message).command) else {
            counters.droppedMemory &+= 1
            return
        }
        message.encode(into: &cell)
        queueControl(cell, on: channel)
    }

    /// PADDING_NEGOTIATE came. C Tor ignores what it cannot read.
    func receivePaddingNegotiate(_ cell: consuming Cell, on channel: UInt32) {
        guard let wish = try? PaddingNegotiateCell(body: cell.bodyBytes),
            channels.pointer(channel).pointee.padding.receive(wish, settings.padding)
        else {
            counters.droppedPadding &+= 1
            return
        }
        counters.recognised &+= 1
    }

    /// A cell of a circuit of several hops passes, away from the client.
    @inline(__always)
    func notePassing(_ command: CellCommand, on channel: UInt32) {
        channels.pointer(channel).pointee.padding.note(command == .relay ? .traffic : .circuits)
    }

    /// A circuit of ours begins on a channel.
    func noteOrigin(hops: Int, _ record: UnsafeMutablePointer<ChannelRecord>) {
        if hops > 1 { record.pointee.padding.note(.circuits) }
    }

    /// A message of ours leaves that is not for building a circuit: the channel carries more than one-hop circuits' fetching.
    func noteMessage(origin slot: UInt32) {
        guard let record = channels.pointer(origins.pointer(slot).pointee.channel),
            record.pointee.padding.usage == .circuits
        else { return }
        record.pointee.padding.note(.traffic)
    }

    /// Sees whether a channel must be padded before the next tick; then a timer will do it.
    func planPadding(on channel: UInt32) {
        let record = channels.pointer(channel)
        guard !record.pointee.isPaddingDue, !record.pointee.hasWaiting, let deadline = paddingDeadline(record) else {
            return
        }
        let left = deadline - now
        guard left < CellPathLimits.paddingHorizon else { return }
        guard left > .zero else { return sendPadding(on: channel) }
        record.pointee.isPaddingDue = true
        let handle = channels.handle(channel)
        let nanoseconds = left.components.attoseconds / 1_000_000_000
        eventLoop.assumeIsolated().scheduleTask(in: .seconds(left.components.seconds) + .nanoseconds(nanoseconds)) {
            [weak self] in self?.paddingTimerFired(handle)
        }
    }

    private func paddingDeadline(_ record: UnsafeMutablePointer<ChannelRecord>) -> ContinuousClock.Instant? {
        var random = self.random
        return record.pointee.padding.deadline(
            lastTransfer: record.pointee.lastTransfer, isBetweenRelays: record.pointee.isBetweenRelays,
            settings.padding, using: &random)
    }

    private func paddingTimerFired(_ handle: SlabHandle) {
        guard let record = channels.pointer(handle) else { return }
        record.pointee.isPaddingDue = false
        readClock()
        // Something has passed meanwhile, or waits: the next tick sees to it.
        guard !record.pointee.hasWaiting, let deadline = paddingDeadline(record), deadline <= now else { return }
        sendPadding(on: handle.slot)
    }

    private func sendPadding(on channel: UInt32) {
        counters.sentPadding &+= 1
        sendOwn(PaddingCell(), on: channel)
    }
}
