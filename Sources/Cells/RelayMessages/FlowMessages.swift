/// XOFF: send no more of this stream until XON (proposal 324 §9.1).
package struct XoffMessage: RelayMessage, Hashable {
    package static let command = RelayCommand.xoff

    /// The message; it says nothing more.
    package init() {}

    /// Parses a version, which must be 0; whatever follows is a later version's.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        guard try parser.readUInt8("version") == 0 else { throw WireError("XOFF version", at: 0) }
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) { bytes.append(0) }
}

/// XON: send this stream again, about so fast (proposal 324 §9.2).
package struct XonMessage: RelayMessage, Hashable {
    package static let command = RelayCommand.xon

    /// How fast its reader takes bytes, in 1000 bytes per second; 0: as fast as may be.
    package let rate: UInt32

    /// The message.
    package init(rate: UInt32) { self.rate = rate }

    /// Parses a version, which must be 0, and the rate.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        guard try parser.readUInt8("version") == 0 else { throw WireError("XON version", at: 0) }
        rate = try parser.readUInt32("rate")
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(0)
        bytes.append(bigEndian: rate)
    }
}
