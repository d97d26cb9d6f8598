/// One run of a compression library, in either direction: the one face that the three of them get.
enum CompressionCodec: ~Copyable {
    /// Bytes as they are.
    case identity
    /// zlib.
    case zlib(ZlibCodec)
    /// libzstd.
    case zstd(ZstdCodec)
    /// liblzma.
    case lzma(LZMACodec)

    /// Starts a run.
    init(_ method: CompressionMethod, _ direction: Direction) throws(CompressionError) {
        switch method {
        case .identity: self = .identity
        case .deflate: self = .zlib(try ZlibCodec(direction, gzip: false))
        case .gzip: self = .zlib(try ZlibCodec(direction, gzip: true))
        case .zstd: self = .zstd(try ZstdCodec(direction))
        case .lzma: self = .lzma(try LZMACodec(direction))
        }
    }

    /// Which way.
    enum Direction {
        /// From a document to compressed bytes.
        case compress(CompressionLevel)
        /// From compressed bytes to a document.
        case decompress
    }

    /// What was done in one step.
    struct Step {
        /// How many bytes were taken from the front of the input.
        var consumed: Int
        /// How many bytes were written to the front of the output.
        var produced: Int
        /// Whether the compressed stream has ended.
        var hasEnded: Bool
    }

    /// Takes from `input` and writes to `output` until one of them is used up, or the stream ends.
    ///
    /// - Parameter isLast: nothing follows `input`.
    func process(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(CompressionError) -> Step {
        // The libraries' state is behind a pointer, so that using it borrows.
        switch self {
        case .identity:
            let count = min(input.count, output.count)
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
            return Step(consumed: count, produced: count, hasEnded: isLast && count == input.count)
        case .zlib(let codec): return try codec.process(input, into: output, isLast: isLast)
        case .zstd(let codec): return try codec.process(input, into: output, isLast: isLast)
        case .lzma(let codec): return try codec.process(input, into: output, isLast: isLast)
        }
    }
}
