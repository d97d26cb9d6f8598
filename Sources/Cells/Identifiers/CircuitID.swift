/// The number of a circuit on one channel: four bytes, chosen by whichever side creates the circuit (tor-spec §5.1.1).
///
/// Means nothing without its channel; which numbers a side may choose is not known here.
@usableFromInline
package struct CircuitID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The number as it stands in a cell's header.
    public let rawValue: UInt32

    /// Takes the number from a cell's header.
    @inlinable
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// No circuit: the cell belongs to its channel.
    @inlinable package static var zero: CircuitID { CircuitID(rawValue: 0) }

    /// True if the bit is set that the side that opened the connection sets in its circuit IDs (tor-spec §5.1.1).
    @inlinable package var hasTopBit: Bool { rawValue & 0x8000_0000 != 0 }

    /// The number in decimal, as C Tor prints it.
    public var description: String { "\(rawValue)" }
}
