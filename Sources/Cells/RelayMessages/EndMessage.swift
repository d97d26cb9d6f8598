/// END: the stream is closed, for such a reason (tor-spec §6.3).
package struct EndMessage: RelayMessage {
    package static let command = RelayCommand.end
    /// Why.
    package var reason: EndReason
    /// For EXITPOLICY, the address that was refused.
    package var address: IPAddress?
    /// For how many seconds the client may remember that address.
    package var timeToLive: UInt32

    /// A reason; and the address for EXITPOLICY.
    package init(reason: EndReason, address: IPAddress? = nil, timeToLive: UInt32 = 0) {
        self.reason = reason
        self.address = address
        self.timeToLive = timeToLive
    }

    /// Parses a reason and, for EXITPOLICY, perhaps an address and TTL.
    ///
    /// An empty message means MISC, as in C Tor. tor-spec §6.3 says that a message *begins* with a reason, so more bytes
    /// after other reasons are let be.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        timeToLive = 0
        reason = parser.isAtEnd ? .misc : EndReason(rawValue: try parser.readUInt8("reason"))
        guard reason == .exitPolicy, !parser.isAtEnd else { return }
        switch parser.remaining {
        case 4, 8: address = .v4(try parser.readUInt32("address"))
        case 16, 20: address = .v6(high: try parser.readUInt64("address"), low: try parser.readUInt64("address"))
        default: throw WireError("address of EXITPOLICY", at: 1)
        }
        if !parser.isAtEnd { timeToLive = try parser.readUInt32("TTL") }
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(reason.rawValue)
        guard reason == .exitPolicy, let address else { return }
        bytes += address.bytes
        bytes.append(bigEndian: timeToLive)
    }
}
