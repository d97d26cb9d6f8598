/// The number of a stream on one circuit: two bytes, chosen by the client (tor-spec §6.2). Zero is the circuit itself.
@usableFromInline
package struct StreamID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number as it stands in a relay message's header.
    public let rawValue: UInt16

    /// Takes the number from a relay message's header.
    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// No stream: the message is about the circuit.
    @inlinable package static var zero: StreamID { StreamID(rawValue: 0) }

    /// The number in decimal.
    public var description: String { "\(rawValue)" }
}
