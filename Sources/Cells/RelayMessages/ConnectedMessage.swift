/// CONNECTED: the stream is open, to such an address (tor-spec §6.2).
package struct ConnectedMessage: RelayMessage {
    package static let command = RelayCommand.connected
    /// Where the stream went; nil if the relay does not say, as for its directory.
    package var address: IPAddress?
    /// For how many seconds the client may remember that address.
    package var timeToLive: UInt32

    /// An address, or none.
    package init(address: IPAddress? = nil, timeToLive: UInt32 = 0) {
        self.address = address
        self.timeToLive = timeToLive
    }

    /// Parses nothing; or IPv4 and TTL; or four zeros, a 6, IPv6 and TTL. C Tor takes an address without TTL as well.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        timeToLive = 0
        guard !parser.isAtEnd else { return }
        let first = try parser.readUInt32("IPv4 address")
        if first != 0 {
            address = .v4(first)
        } else {
            guard try parser.readUInt8("address type") == 6 else { throw WireError("address type", at: 4) }
            address = .v6(high: try parser.readUInt64("IPv6 address"), low: try parser.readUInt64("IPv6 address"))
        }
        if !parser.isAtEnd { timeToLive = try parser.readUInt32("TTL") }
        try parser.finish()
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        guard let address else { return }
        if address.isV6 { bytes += [0, 0, 0, 0, 6] }
        bytes += address.bytes
        bytes.append(bigEndian: timeToLive)
    }
}
