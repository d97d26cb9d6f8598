/// DESTROY: the circuit is no more (tor-spec §5.4).
package struct DestroyCell: FixedCellBody {
    package static let command = CellCommand.destroy
    /// Why.
    package var reason: DestroyReason

    /// A reason.
    package init(reason: DestroyReason) {
        self.reason = reason
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        reason = DestroyReason(rawValue: try parser.readUInt8("reason"))
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(reason.rawValue)
    }
}
