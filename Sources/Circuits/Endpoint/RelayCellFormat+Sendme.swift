package import Cells
package import OnionCrypto

extension RelayCellFormat {
    /// Lays out a circuit's SENDME, without allocating.
    ///
    /// - Parameters:
    ///   - tag: of the cell that called for it.
    ///   - version: which version to send; the consensus may still ask for 0, which quotes nothing.
    ///   - body: the cell's 509 bytes.
    ///   - random: for the padding.
    package func encodeCircuitSendme(
        quoting tag: OnionTag, version: UInt8, into body: inout MutableRawSpan,
        using random: inout some RandomNumberGenerator
    ) {
        guard version == 1 else {
            encodeHeader(.sendme, streamID: .zero, length: 0, into: &body, using: &random)
            return
        }
        let bytes = tag.bytes
        encodeHeader(.sendme, streamID: .zero, length: 3 + bytes.byteCount, into: &body, using: &random)
        var offset = dataOffset(of: .sendme)
        body.storeBytes(of: version, toByteOffset: offset, as: UInt8.self)
        body.storeBytes(of: UInt16(bytes.byteCount).bigEndian, toByteOffset: offset + 1, as: UInt16.self)
        offset += 3
        for index in 0..<bytes.byteCount {
            // Safe: below the span's count, and any bits are a byte.
            body.storeBytes(
                of: bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self), toByteOffset: offset + index,
                as: UInt8.self)
        }
    }

    /// Lays out a stream's SENDME, which says nothing more.
    package func encodeStreamSendme(
        _ stream: StreamID, into body: inout MutableRawSpan, using random: inout some RandomNumberGenerator
    ) {
        encodeHeader(.sendme, streamID: stream, length: 0, into: &body, using: &random)
    }
}
