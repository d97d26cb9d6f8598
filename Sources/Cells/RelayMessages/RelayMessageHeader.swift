/// The front of a relay message, once its cell has been recognised (tor-spec §6.1).
@usableFromInline
package struct RelayMessageHeader: Hashable, Sendable {
    /// What the message is for.
    @usableFromInline package var command: RelayCommand
    /// Which stream it belongs to; zero if the circuit, or if its format has none for such a command.
    @usableFromInline package var streamID: StreamID
    /// Where in the cell's body the message's own bytes begin.
    @usableFromInline package var dataOffset: Int
    /// How many there are.
    @usableFromInline package var length: Int

    /// All the fields.
    @inlinable
    package init(command: RelayCommand, streamID: StreamID, dataOffset: Int, length: Int) {
        self.command = command
        self.streamID = streamID
        self.dataOffset = dataOffset
        self.length = length
    }

    /// Where in the cell's body the message's own bytes lie.
    @inlinable package var dataRange: Range<Int> { dataOffset..<(dataOffset + length) }
}
