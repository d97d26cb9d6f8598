/// Decompresses a body piece by piece, within bounds.
///
/// A body may be several compressed streams one behind the other. The check against bombs counts all of them together:
/// otherwise many that each stay below the threshold would pass.
package struct Decompressor: ~Copyable {
    private let method: CompressionMethod
    private let limit: Int
    private var codec: CompressionCodec
    /// Whether bytes of the present stream have come and its end has not.
    private var isInside = false
    private var consumed = 0
    private var produced = 0

    /// Starts on a body that may grow to `limit` bytes.
    package init(_ method: CompressionMethod, limit: Int) throws(CompressionError) {
        self.method = method
        self.limit = limit
        codec = try CompressionCodec(method, .decompress)
    }

    /// Decompresses the next piece and appends what comes out.
    package mutating func receive(_ bytes: RawSpan, into output: inout [UInt8]) throws(CompressionError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: CompressionLimits.chunk, alignment: 16)
        defer { buffer.deallocate() }
        try bytes.withUnsafeBytes { (input) throws(CompressionError) in
            var rest = input
            while true {
                if !rest.isEmpty { isInside = true }
                guard isInside else { return }
                let step = try codec.process(rest, into: buffer, isLast: false)
                rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
                consumed += step.consumed
                produced += step.produced
                guard produced <= limit else { throw .tooLong }
                guard produced < CompressionLimits.bombThreshold || produced / CompressionLimits.bombFactor <= consumed
                else { throw .bomb }
                output.append(contentsOf: buffer[..<step.produced])
                if step.hasEnded {
                    isInside = false
                    codec = try CompressionCodec(method, .decompress)
                } else if step.produced < buffer.count {
                    // With room left, what was not taken now never will be.
                    if rest.isEmpty { return }
                    guard step.consumed > 0 else { throw .corrupt }
                }
            }
        }
    }

    /// The body has ended.
    package consuming func finish() throws(CompressionError) {
        guard !isInside || method == .identity else { throw .truncated }
    }

    /// A whole body at once.
    ///
    /// - Parameter allowsPartial: take what comes out of a body that was cut off.
    package static func decompress(
        _ bytes: [UInt8], _ method: CompressionMethod, limit: Int, allowsPartial: Bool = false
    ) throws(CompressionError) -> [UInt8] {
        guard method != .identity else {
            guard bytes.count <= limit else { throw .tooLong }
            return bytes
        }
        var decompressor = try Decompressor(method, limit: limit)
        var output: [UInt8] = []
        try decompressor.receive(bytes.span.bytes, into: &output)
        if !allowsPartial { try decompressor.finish() }
        return output
    }
}
