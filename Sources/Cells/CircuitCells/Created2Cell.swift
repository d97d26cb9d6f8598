/// CREATED2: the relay's half of a circuit handshake (tor-spec §5.1).
package struct Created2Cell: FixedCellBody {
    package static let command = CellCommand.created2
    /// At most 507 bytes.
    package var handshakeData: [UInt8]

    /// A handshake's answer.
    package init(handshakeData: [UInt8]) {
        self.handshakeData = handshakeData
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        let length = Int(try parser.readUInt16("handshake length"))
        handshakeData = try parser.readBytes(length, "handshake")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: handshakeData.count))
        bytes += handshakeData
    }
}
