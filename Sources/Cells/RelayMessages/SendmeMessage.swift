/// SENDME: so many DATA have arrived, and the last of them had this tag (tor-spec §7.3, §7.4).
package enum SendmeMessage: RelayMessage {
    package static let command = RelayCommand.sendme

    /// Version 0, and every SENDME of a stream: proves nothing.
    case v0
    /// Version 1: the tag of the cell that made the sender acknowledge, 20 bytes with tor1 or 16 with CGO.
    case v1(tag: [UInt8])

    /// Parses nothing; or version, length, tag.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        // tor-spec §7.3: "If the message is empty, version 0 is assumed".
        guard !parser.isAtEnd else {
            self = .v0
            return
        }
        switch try parser.readUInt8("version") {
        case 0:
            // The body of version 0 is ignored (tor-spec §7.3).
            self = .v0
        case 1:
            let length = Int(try parser.readUInt16("tag length"))
            guard length == 20 || length == 16 else { throw WireError("tag length", at: 1) }
            self = .v1(tag: try parser.readBytes(length, "tag"))
            try parser.finish()
        default:
            throw WireError("SENDME version", at: 0)
        }
    }

    /// Appends the message.
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .v0: break
        case .v1(let tag):
            bytes.append(1)
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: tag.count))
            bytes += tag
        }
    }
}
