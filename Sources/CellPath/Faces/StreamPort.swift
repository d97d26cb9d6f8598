package import Cells
package import NIOCore

/// Our end of a stream, as whoever carries its bytes sees it: an exit socket, a SOCKS connection, a directory request.
///
/// The circuit's side of a stream is here, the world's side is a `StreamOwner`. Confined to the event loop of the
/// circuit's endpoint. Nothing needs flushing: what a read burst caused goes out when the burst ends, anything else at the
/// end of the loop's tick. Not for DATA cells as such: bytes are packaged and windows kept behind this face.
package protocol StreamPort: AnyObject {
    /// Process-wide, from birth.
    var id: UInt64 { get }
    /// The process-wide ID of the circuit that carries it.
    var circuit: UInt64 { get }
    /// The only loop to call it on.
    var eventLoop: any EventLoop { get }
    /// At a relay, the address that the circuit comes from, and whether it starts there; nil at a client.
    var clientward: (address: IPAddress, isFirstHop: Bool)? { get }
    /// How many bytes `send` would take now: what the windows and the circuit's queue leave. 0 once the stream has ended.
    var sendableBytes: Int { get }
    /// True while the owner cannot pass on what it gets: the stream is not acknowledged until this is false again, so
    /// that the peer's window runs out. What is under way still arrives: at most 500 cells of 498 bytes.
    var isBacklogged: Bool { get set }

    /// Packages bytes into DATA, at most `sendableBytes` of them.
    ///
    /// - Returns: how many were taken, from the front. `StreamOwner.streamMaySend` says when more can be.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int
    /// Answers BEGIN or BEGIN_DIR; at a relay only.
    func sendConnected(_ message: ConnectedMessage)
    /// Answers RESOLVE; at a relay only. The stream has ended after it, and nothing follows.
    func sendResolved(_ message: ResolvedMessage)
    /// Ends the stream from this side; the owner hears nothing more. A second call does nothing.
    func end(_ message: EndMessage)
}

/// The world's side of a stream. Called on the port's loop.
package protocol StreamOwner: AnyObject {
    /// CONNECTED came; at a client only, once.
    func streamConnected(_ message: ConnectedMessage)
    /// RESOLVED came; at a client only. The stream has ended, and nothing follows.
    func streamResolved(_ message: ResolvedMessage)
    /// DATA came: the bytes of one read burst together.
    func streamReceived(_ bytes: ByteBuffer)
    /// `sendableBytes` is above 0 again after `send` took less than it was given.
    func streamMaySend()
    /// The peer ended the stream, or its circuit is gone (reason DESTROY). Nothing follows; comes at most once, and not
    /// after `StreamPort.end`.
    func streamEnded(_ message: EndMessage)
}

/// What a client asks of a stream's other end.
package enum StreamRequest: Sendable {
    /// A connection to an address.
    case begin(BeginMessage)
    /// A connection to that relay's directory.
    case beginDirectory
    /// The address of a name, or the name of an address.
    case resolve(ResolveMessage)
}

/// Who takes streams that clients open at this relay. One per event loop; called on it.
package protocol StreamAcceptor: AnyObject {
    /// A client asks for a stream.
    ///
    /// - Parameters:
    ///   - request: what it asks for, well formed.
    ///   - port: our end of the stream.
    ///   - isFirstHop: whether the circuit starts at the peer: a client that uses us as its only hop (an exit refuses that).
    /// - Returns: the stream's owner, which the port holds until the stream has ended; nil if `port` was ended already.
    func accept(_ request: StreamRequest, port: any StreamPort, isFirstHop: Bool) -> (any StreamOwner)?
}
