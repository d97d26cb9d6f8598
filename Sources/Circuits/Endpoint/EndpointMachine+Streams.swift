package import Cells

extension EndpointMachine {
    /// At a client: opens a stream to a hop. The driver sends BEGIN, BEGIN_DIR or RESOLVE with its ID.
    ///
    /// - Returns: the stream and its ID; nil if there are too many, or there is no such hop.
    package mutating func openStream(_ kind: StreamKind, hop: Int) -> (handle: StreamHandle, id: StreamID)? {
        guard role == .client, (0..<hopCount).contains(hop), let hop = UInt8(exactly: hop), let id = freeStreamID()
        else { return nil }
        let state: StreamMachine.State = kind == .resolve ? .awaitingResolved : .awaitingConnected
        let stream = StreamMachine(id: id, hop: hop, state: state, hasWindows: hasStreamWindows(hop: Int(hop)))
        guard let handle = streams.insert(stream) else { return nil }
        return (handle, id)
    }

    /// At a relay: says CONNECTED; bytes may be packaged now.
    ///
    /// - Returns: the ID to send it with; nil if it is not owed (any more).
    package mutating func sendConnected(_ handle: StreamHandle) -> StreamID? {
        guard let slot = streams.slot(of: handle), streams.sendConnected(slot) else { return nil }
        return streams[slot]?.id
    }

    /// At a relay: says RESOLVED; the stream is gone.
    ///
    /// - Returns: the ID to send it with; nil if it is not owed (any more).
    package mutating func sendResolved(_ handle: StreamHandle) -> StreamID? {
        guard let slot = streams.slot(of: handle), let stream = streams[slot], stream.state == .owesResolved else {
            return nil
        }
        streams.remove(slot)
        return stream.id
    }

    /// Ends a stream from this side; the handle is stale afterwards.
    ///
    /// - Returns: the ID to send END with, and the hop; nil if it has ended already. (A client's END says MISC whatever the
    ///   reason: tor-spec §6.3. A relay that refuses RESOLVE says RESOLVED rather.)
    package mutating func endStream(_ handle: StreamHandle) -> (id: StreamID, hop: Int)? {
        guard let slot = streams.slot(of: handle), let stream = streams[slot] else { return nil }
        if role == .client { streams.halfClose(slot) } else { streams.remove(slot) }
        return (stream.id, Int(stream.hop))
    }

    /// The next stream ID that is neither zero nor in use, nor half-closed.
    private mutating func freeStreamID() -> StreamID? {
        guard streams.count < EndpointLimits.streams else { return nil }
        // Ends, since there are more IDs than streams.
        while true {
            let id = StreamID(rawValue: nextStreamID)
            // Wraps: the IDs are a circle.
            nextStreamID &+= 1
            if id != .zero, streams.slot(of: id) == nil { return id }
        }
    }
}
