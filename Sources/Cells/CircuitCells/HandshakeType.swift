/// Which circuit handshake CREATE2 and EXTEND2 carry (tor-spec §5.1).
package struct HandshakeType: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    package let rawValue: UInt16

    /// Takes any number.
    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// The first of all, gone.
    package static let tap = HandshakeType(rawValue: 0)
    /// CREATE_FAST in a CREATE2: not allowed.
    package static let fast = HandshakeType(rawValue: 1)
    /// ntor.
    package static let ntor = HandshakeType(rawValue: 2)
    /// ntor-v3.
    package static let ntorV3 = HandshakeType(rawValue: 3)
}
