public import Cells

/// What becomes of a fixed cell on an open channel: the whole of Reception for the cells that matter.
@frozen
@usableFromInline
package enum Reception: Hashable, Sendable {
    /// It belongs to a circuit.
    case circuit
    /// It asks for other padding; only with link protocol 5.
    case paddingNegotiate
    /// It is padding, comes too late or is unknown: forget it (tor-spec §3: unknown commands are ignored).
    case ignore

    /// Looks at the command of a fixed cell.
    @inlinable
    package init(_ command: CellCommand) {
        let number = command.rawValue
        if number < 64, Self.circuitCommands >> UInt64(number) & 1 == 1 {
            self = .circuit
        } else {
            self = number == 12 ? .paddingNegotiate : .ignore
        }
    }

    /// CREATE (1) to CREATED_FAST (6), RELAY_EARLY (9), CREATE2 (10) and CREATED2 (11), one bit each.
    @usableFromInline static var circuitCommands: UInt64 {
        @inlinable get { 0b1110_0111_1110 }
    }
}
