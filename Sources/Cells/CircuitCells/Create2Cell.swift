/// CREATE2: the client's half of a circuit handshake (tor-spec §5.1).
package struct Create2Cell: FixedCellBody {
    package static let command = CellCommand.create2
    /// Which handshake.
    package var handshakeType: HandshakeType
    /// At most 505 bytes.
    package var handshakeData: [UInt8]

    /// A handshake.
    package init(handshakeType: HandshakeType, handshakeData: [UInt8]) {
        self.handshakeType = handshakeType
        self.handshakeData = handshakeData
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        handshakeType = HandshakeType(rawValue: try parser.readUInt16("handshake type"))
        let length = Int(try parser.readUInt16("handshake length"))
        handshakeData = try parser.readBytes(length, "handshake")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: handshakeType.rawValue)
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: handshakeData.count))
        bytes += handshakeData
    }
}
