/// DATA: bytes of a stream (tor-spec §6.2). For tests and slow paths; the hot path copies straight into the cell.
package struct DataMessage: RelayMessage {
    package static let command = RelayCommand.data
    /// At most 498 of them.
    package var bytes: [UInt8]

    /// Takes the bytes.
    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Takes all there is.
    package init(data: RawSpan) throws(WireError) {
        bytes = Array(copying: data)
    }

    /// Appends the bytes.
    package func encode(into bytes: inout [UInt8]) {
        bytes += self.bytes
    }
}

/// DROP: padding between the ends of a circuit (tor-spec §7.2). Says nothing.
package struct DropMessage: RelayMessage {
    package static let command = RelayCommand.drop

    /// Nothing to say.
    package init() {}

    /// Takes anything.
    package init(data: RawSpan) throws(WireError) {}

    /// Appends nothing.
    package func encode(into bytes: inout [UInt8]) {}
}
