package import Cells
package import OnionCrypto

/// What a client asks of a relay when it opens a stream.
package enum StreamOpening: Equatable, Sendable {
    /// A connection to an address.
    case begin(BeginMessage)
    /// A connection to the relay's directory.
    case beginDirectory
    /// A name, or an address, to look up.
    case resolve(ResolveMessage)
}

/// Which kind of stream a client opens.
package enum StreamKind: Equatable, Sendable {
    /// BEGIN or BEGIN_DIR: CONNECTED is to come.
    case connection
    /// RESOLVE: RESOLVED is to come.
    case resolve
}

/// What a relay answers to a stream that does not come about.
package enum StreamRefusal: Equatable, Sendable {
    /// To BEGIN or BEGIN_DIR.
    case end(EndMessage)
    /// To RESOLVE.
    case resolved(ResolvedMessage)
}

/// Why a message was not taken, for counters and the debug log.
package enum IgnoreReason: Equatable, Sendable {
    /// It crossed our END; legal.
    case late
    /// Nothing of ours bears that stream ID, at that hop.
    case unknownStream
    /// A stream's message without a stream ID.
    case noStream
    /// The stream's state does not allow it.
    case streamState
    /// BEGIN or RESOLVE with an ID that is in use.
    case streamInUse
    /// Not for this end of a circuit.
    case wrongEnd
    /// EXTEND2 that did not come in RELAY_EARLY.
    case notEarly
    /// XOFF or XON that cannot be read.
    case malformed
    /// A command that we do not know, or do not speak yet.
    case unknownCommand
}

/// What the driver must do with a recognised relay message.
package enum ReceiveMessageAction: Equatable, Sendable {
    /// Nothing: it is noted.
    case none
    /// Hand the message's bytes, which may be none, to the stream's owner; then ask `acknowledge`.
    case deliverData(StreamHandle)
    /// Tell the stream's owner; bytes may be packaged now.
    case streamConnected(StreamHandle, ConnectedMessage)
    /// Tell the stream's owner; the stream is gone.
    case streamResolved(StreamHandle, ResolvedMessage)
    /// Tell the stream's owner; the stream is gone, and nothing is to be sent.
    case streamEnded(StreamHandle, EndMessage)
    /// Send END, and tell the stream's owner; the handle is stale already. Comes with a malformed CONNECTED.
    case failStream(StreamHandle, StreamID, sending: EndMessage, telling: EndMessage)
    /// Tell the stream's owner, who waits, that it may send again.
    case streamMaySend(StreamHandle)
    /// XON has come: tell the stream's owner, if it waits and may send, and pace it at so many 1000 bytes per second; 0 and what
    /// is above `StreamPace`'s bounds are no pace.
    case streamPaced(StreamHandle, rate: UInt32, maySend: Bool)
    /// The circuit may send DATA to this hop again: ask `nextWaiting` for whom to tell.
    case circuitMaySend(hop: Int)
    /// A client opens a stream here: find an owner, or end it.
    case openStream(StreamHandle, StreamID, StreamOpening)
    /// Answer this at once; there is no stream.
    case refuseStream(StreamID, StreamRefusal)
    /// Extend the circuit, unless that has been done: then TORPROTOCOL.
    case extend(Extend2Message)
    /// The new hop's answer, for `OriginCircuitMachine.receiveExtended2`.
    case extended(Extended2Message)
    /// Cut what lies beyond us and answer TRUNCATED(REQUESTED). The reason is for the DESTROY; if there is none although
    /// there is a next hop: TORPROTOCOL.
    case truncate(DestroyReason?)
    /// The circuit was cut: close it, as C Tor does.
    case truncated(DestroyReason)
    /// A message by which the circuit's ends exchange plugins.
    case plugin(RelayCommand)
    /// Padding from the other end.
    case drop
    /// Nothing; the reason is for a counter.
    case ignore(IgnoreReason)
    /// Destroy the circuit. (A client's DESTROY says NONE whatever the reason: tor-spec §5.4.)
    case destroyCircuit(DestroyReason)
}

/// A recognised relay message, judged.
package struct ReceivedMessage: Equatable, Sendable {
    /// What to do with it.
    package var action: ReceiveMessageAction
    /// If not nil: send a circuit's SENDME to the hop, quoting this tag.
    package var sendmeDue: OnionTag?
}
