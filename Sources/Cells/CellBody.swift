/// The body of a fixed-length cell as a value. What follows it in the 509 bytes is padding: zeros from us, ignored from
/// others.
package protocol FixedCellBody: Sendable, Equatable {
    /// The command of cells with such a body.
    static var command: CellCommand { get }
    /// Parses the 509 bytes.
    init(body: RawSpan) throws(WireError)
    /// Appends the meaningful bytes, without padding.
    func encode(into bytes: inout [UInt8])
}

extension FixedCellBody {
    /// Writes command and body into a cell; its circuit ID stays.
    package func encode(into cell: inout Cell) {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        cell.command = Self.command
        cell.setBody(bytes)
    }

    /// A whole cell as it stands on the wire, for those that are too rare to need a pool.
    package func wire(circuitID: CircuitID) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(CellsSpec.cellLength)
        bytes.append(bigEndian: circuitID.rawValue)
        bytes.append(Self.command.rawValue)
        encode(into: &bytes)
        precondition(bytes.count <= CellsSpec.cellLength)
        bytes += [UInt8](repeating: 0, count: CellsSpec.cellLength - bytes.count)
        return bytes
    }
}

/// The body of a variable-length cell as a value. A parser takes the whole body or fails.
package protocol VariableCellBody: Sendable, Equatable {
    /// The command of cells with such a body.
    static var command: CellCommand { get }
    /// Parses the whole body.
    init(body: RawSpan) throws(WireError)
    /// Appends the body.
    func encode(into bytes: inout [UInt8])
}

extension VariableCellBody {
    /// A whole cell as it stands on the wire, with a circuit ID of zero: four bytes of it, or two in a VERSIONS.
    package func wire() -> [UInt8] {
        var body: [UInt8] = []
        encode(into: &body)
        // tor-spec §4.1: the circuit ID of VERSIONS always has two bytes.
        var bytes = [UInt8](repeating: 0, count: Self.command == .versions ? 2 : 4)
        bytes.append(Self.command.rawValue)
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: body.count))
        bytes += body
        return bytes
    }
}
