/// TRUNCATED: the circuit ends at this hop now, for such a reason (tor-spec §5.4).
package struct TruncatedMessage: RelayMessage {
    package static let command = RelayCommand.truncated
    /// Why.
    package var reason: DestroyReason

    /// A reason.
    package init(reason: DestroyReason) {
        self.reason = reason
    }

    /// Parses a reason; none at all counts as NONE, as in C Tor.
    package init(data: RawSpan) throws(WireError) {
        var parser = ByteParser(data)
        reason = parser.isAtEnd ? .none : DestroyReason(rawValue: try parser.readUInt8("reason"))
        try parser.finish()
    }

    /// Appends the reason.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(reason.rawValue)
    }
}

/// TRUNCATE: cut the circuit after this hop (tor-spec §5.4). Says nothing that matters.
package struct TruncateMessage: RelayMessage {
    package static let command = RelayCommand.truncate

    /// Nothing to say.
    package init() {}

    /// Takes anything: C Tor sends a reason here, which nobody reads.
    package init(data: RawSpan) throws(WireError) {}

    /// Appends nothing.
    package func encode(into bytes: inout [UInt8]) {}
}
