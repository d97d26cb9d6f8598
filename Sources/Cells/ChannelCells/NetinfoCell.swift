/// NETINFO: the sender's time, how it sees the receiver's address, and its own (tor-spec §4.5).
package struct NetinfoCell: FixedCellBody {
    package static let command = CellCommand.netinfo
    /// Seconds since 1970, or zero from a client that will not say.
    package var timestamp: UInt32
    /// The receiver's address as the sender sees it; nil if of a type or length that we do not know.
    package var otherAddress: IPAddress?
    /// The sender's own addresses; those of unknown types are left out.
    package var ownAddresses: [IPAddress]

    /// Time and addresses.
    package init(timestamp: UInt32, otherAddress: IPAddress?, ownAddresses: [IPAddress]) {
        self.timestamp = timestamp
        self.otherAddress = otherAddress
        self.ownAddresses = ownAddresses
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        timestamp = try parser.readUInt32("time")
        otherAddress = try Self.parseAddress(&parser)
        let count = try parser.readUInt8("number of addresses")
        ownAddresses = []
        for _ in 0..<count {
            // tor-spec §4.5: unknown address types MUST be ignored.
            if let address = try Self.parseAddress(&parser) { ownAddresses.append(address) }
        }
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(bigEndian: timestamp)
        Self.encode(otherAddress ?? .v4(0), into: &bytes)
        bytes.append(UInt8(truncatingIfNeeded: ownAddresses.count))
        for address in ownAddresses { Self.encode(address, into: &bytes) }
    }

    private static func parseAddress(_ parser: inout ByteParser) throws(WireError) -> IPAddress? {
        let type = try parser.readUInt8("address type")
        let length = Int(try parser.readUInt8("address length"))
        let value = try parser.readBytes(length, "address")
        switch (type, length) {
        case (4, 4), (6, 16): return IPAddress(bytes: value)
        default: return nil
        }
    }

    private static func encode(_ address: IPAddress, into bytes: inout [UInt8]) {
        let value = address.bytes
        bytes.append(address.isV4 ? 4 : 6)
        bytes.append(UInt8(truncatingIfNeeded: value.count))
        bytes += value
    }
}
