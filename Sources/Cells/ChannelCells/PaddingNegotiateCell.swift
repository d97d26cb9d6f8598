/// PADDING_NEGOTIATE: what padding the sender wants on this channel (padding-spec §2.2).
package struct PaddingNegotiateCell: FixedCellBody {
    package static let command = CellCommand.paddingNegotiate

    /// Off or on.
    package enum Command: UInt8, Sendable {
        /// Pad no more.
        case stop = 1
        /// Pad, after such a time of silence.
        case start = 2
    }

    /// Off or on.
    package var paddingCommand: Command
    /// The shortest silence before a padding cell, in milliseconds.
    package var lowTimeout: UInt16
    /// The longest silence before a padding cell, in milliseconds.
    package var highTimeout: UInt16

    /// Off or on, and the timeouts.
    package init(_ command: Command, lowTimeout: UInt16 = 0, highTimeout: UInt16 = 0) {
        paddingCommand = command
        self.lowTimeout = lowTimeout
        self.highTimeout = highTimeout
    }

    /// Parses a body.
    package init(body: RawSpan) throws(WireError) {
        var parser = ByteParser(body)
        guard try parser.readUInt8("version") == 0 else { throw WireError("version of PADDING_NEGOTIATE", at: 0) }
        guard let command = Command(rawValue: try parser.readUInt8("padding command")) else {
            throw WireError("padding command", at: 1)
        }
        paddingCommand = command
        lowTimeout = try parser.readUInt16("low timeout")
        highTimeout = try parser.readUInt16("high timeout")
    }

    /// Appends the body.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(0)
        bytes.append(paddingCommand.rawValue)
        bytes.append(bigEndian: lowTimeout)
        bytes.append(bigEndian: highTimeout)
    }
}
