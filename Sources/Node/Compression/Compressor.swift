/// Compresses a document piece by piece.
package struct Compressor: ~Copyable {
    private let codec: CompressionCodec

    /// Starts a stream.
    package init(_ method: CompressionMethod, level: CompressionLevel) throws(CompressionError) {
        codec = try CompressionCodec(method, .compress(level))
    }

    /// Compresses the next piece and appends what comes out.
    ///
    /// - Parameter isLast: the document ends with this piece; nothing may follow.
    package mutating func compress(
        _ bytes: RawSpan, isLast: Bool, into output: inout [UInt8]
    ) throws(CompressionError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: CompressionLimits.chunk, alignment: 16)
        defer { buffer.deallocate() }
        try bytes.withUnsafeBytes { (input) throws(CompressionError) in
            var rest = input
            while true {
                let step = try codec.process(rest, into: buffer, isLast: isLast)
                output.append(contentsOf: buffer[..<step.produced])
                rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
                if step.hasEnded || (!isLast && rest.isEmpty && step.produced < buffer.count) { break }
            }
        }
    }

    /// A whole document at once.
    package static func compress(
        _ bytes: [UInt8], _ method: CompressionMethod, level: CompressionLevel = .best
    ) throws(CompressionError) -> [UInt8] {
        guard method != .identity else { return bytes }
        var compressor = try Compressor(method, level: level)
        var output: [UInt8] = []
        try compressor.compress(bytes.span.bytes, isLast: true, into: &output)
        return output
    }
}
