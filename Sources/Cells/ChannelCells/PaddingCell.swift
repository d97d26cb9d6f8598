/// PADDING: a cell that means nothing (tor-spec §7.2).
package struct PaddingCell: FixedCellBody {
    package static let command = CellCommand.padding

    /// Nothing to say.
    package init() {}

    /// Takes anything.
    package init(body: RawSpan) throws(WireError) {}

    /// Appends nothing.
    package func encode(into bytes: inout [UInt8]) {}
}

/// VPADDING: the same in any length (tor-spec §7.2).
package struct VPaddingCell: VariableCellBody {
    package static let command = CellCommand.vpadding
    /// How many bytes.
    package var length: UInt16

    /// Padding of a length.
    package init(length: UInt16) {
        self.length = length
    }

    /// Takes anything.
    package init(body: RawSpan) throws(WireError) {
        length = UInt16(clamping: body.byteCount)
    }

    /// Appends zeros.
    package func encode(into bytes: inout [UInt8]) {
        bytes += [UInt8](repeating: 0, count: Int(length))
    }
}
