/// One direction of one hop, of whichever kind the circuit handshake chose.
///
/// A set that is known, so an enum: a second kind (CGO, with tags of 16 bytes and the cell command in its tweak) is a
/// second case. That is why every operation takes the cell command, which tor1 ignores. Works in place on a relay cell's
/// 509 bytes; never allocates.
package enum OnionLayer: ~Copyable, Sendable {
    /// AES-128 in counter mode with a running SHA-1, for v0 relay cells.
    case tor1(Tor1Layer)

    /// Finishes a relay message made at this end: authenticates it to the hop at the other end, and encrypts it.
    ///
    /// - Parameters:
    ///   - command: the cell command it will travel under, RELAY (3) or RELAY_EARLY (9).
    ///   - body: the cell's 509 bytes.
    /// - Returns: the message's tag, which a SENDME may have to quote.
    package mutating func originate(command: UInt8, _ body: inout MutableRawSpan) -> OnionTag {
        switch consume self {
        case .tor1(var layer):
            let tag = layer.originate(&body)
            self = .tor1(layer)
            return tag
        }
    }

    /// Peels this layer off and looks whether the message is meant for this end.
    ///
    /// - Parameters:
    ///   - command: the cell command it arrived under.
    ///   - body: the cell's 509 bytes; peeled in any case.
    /// - Returns: the message's tag if it was recognised here; nil if it must go on to the next hop or layer.
    package mutating func receive(command: UInt8, _ body: inout MutableRawSpan) -> OnionTag? {
        switch consume self {
        case .tor1(var layer):
            let tag = layer.receive(&body)
            self = .tor1(layer)
            return tag
        }
    }

    /// Adds this layer to a message that another hop made, or that is meant for a hop further on.
    package mutating func crypt(command: UInt8, _ body: inout MutableRawSpan) {
        switch consume self {
        case .tor1(var layer):
            layer.crypt(&body)
            self = .tor1(layer)
        }
    }
}
