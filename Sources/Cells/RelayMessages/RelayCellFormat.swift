/// How a hop lays out relay messages in cell bodies: the codec that every relay message goes through.
@usableFromInline
package enum RelayCellFormat: Hashable, Sendable {
    /// command(1) recognized(2) stream(2) digest(4) length(2) data, for tor1 (tor-spec §6.1).
    case v0

    /// How many bytes a message of `command` holds at most.
    @inlinable
    package func maximumLength(of command: RelayCommand) -> Int {
        switch self {
        case .v0: CellsSpec.relayDataLength
        }
    }

    /// Where a message's own bytes begin in the cell's body.
    @inlinable
    package func dataOffset(of command: RelayCommand) -> Int {
        switch self {
        case .v0: CellsSpec.relayHeaderLength
        }
    }

    /// Reads the header of a recognised cell's body.
    @inlinable
    package func decodeHeader(_ body: RawSpan) throws(WireError) -> RelayMessageHeader {
        precondition(body.byteCount == CellsSpec.bodyLength)
        switch self {
        case .v0:
            // Safe: the body's length has just been checked, and any bits are integers.
            let length = Int(UInt16(bigEndian: body.unsafeLoadUnaligned(fromByteOffset: 9, as: UInt16.self)))
            guard length <= CellsSpec.relayDataLength else { throw WireError("relay message length", at: 9) }
            return RelayMessageHeader(
                command: RelayCommand(rawValue: body.unsafeLoad(fromByteOffset: 0, as: UInt8.self)),
                streamID: StreamID(
                    rawValue: UInt16(bigEndian: body.unsafeLoadUnaligned(fromByteOffset: 3, as: UInt16.self))),
                dataOffset: CellsSpec.relayHeaderLength, length: length)
        }
    }

    /// Lays out a message's header, for `length` bytes that the caller has put, or will put, at `dataOffset`, and pads
    /// what follows them.
    ///
    /// Recognized and digest become zero, as the onion layer wants them.
    @inlinable
    package func encodeHeader(
        _ command: RelayCommand, streamID: StreamID, length: Int, into body: inout MutableRawSpan,
        using random: inout some RandomNumberGenerator
    ) {
        precondition(body.byteCount == CellsSpec.bodyLength && length <= maximumLength(of: command))
        switch self {
        case .v0:
            body.storeBytes(of: command.rawValue, toByteOffset: 0, as: UInt8.self)
            body.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
            body.storeBytes(of: streamID.rawValue.bigEndian, toByteOffset: 3, as: UInt16.self)
            body.storeBytes(of: 0, toByteOffset: 5, as: UInt32.self)
            body.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 9, as: UInt16.self)
        }
        Self.pad(&body, from: dataOffset(of: command) + length, using: &random)
    }

    /// Lays out a whole message.
    @inlinable
    package func encode(
        _ command: RelayCommand, streamID: StreamID, data: RawSpan, into body: inout MutableRawSpan,
        using random: inout some RandomNumberGenerator
    ) {
        encodeHeader(command, streamID: streamID, length: data.byteCount, into: &body, using: &random)
        let start = dataOffset(of: command)
        unsafe body.withUnsafeMutableBytes { destination in
            unsafe data.withUnsafeBytes { source in
                // Safe: `encodeHeader` has checked that it fits.
                if let from = source.baseAddress, let base = destination.baseAddress {
                    (base + start).copyMemory(from: from, byteCount: source.count)
                }
            }
        }
    }

    /// Lays out a message that is a value.
    package func encode(
        _ message: some RelayMessage, streamID: StreamID, into body: inout MutableRawSpan,
        using random: inout some RandomNumberGenerator
    ) {
        var bytes: [UInt8] = []
        message.encode(into: &bytes)
        encode(type(of: message).command, streamID: streamID, data: bytes.span.bytes, into: &body, using: &random)
    }

    /// tor-spec §6.1: four zero bytes after the message, then random ones, so that a hop cannot fake SENDME digests.
    @inlinable
    static func pad(_ body: inout MutableRawSpan, from start: Int, using random: inout some RandomNumberGenerator) {
        var offset = start
        let zeros = min(start + CellsSpec.relayPaddingZeros, CellsSpec.bodyLength)
        while offset < zeros {
            body.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
            offset += 1
        }
        while offset + 8 <= CellsSpec.bodyLength {
            body.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        guard offset < CellsSpec.bodyLength else { return }
        var rest = random.next()
        while offset < CellsSpec.bodyLength {
            body.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: offset, as: UInt8.self)
            rest >>= 8
            offset += 1
        }
    }
}

/// The bytes of a relay message as a value. A parser takes all of them or fails.
package protocol RelayMessage: Sendable, Equatable {
    /// The command of such messages.
    static var command: RelayCommand { get }
    /// Parses a message's own bytes, without its header.
    init(data: RawSpan) throws(WireError)
    /// Appends a message's own bytes, without its header.
    func encode(into bytes: inout [UInt8])
}
