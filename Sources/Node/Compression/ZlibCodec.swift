internal import CZlib

/// zlib and gzip. The stream is on the heap because zlib remembers its address.
struct ZlibCodec: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>
    private let isCompressor: Bool

    init(_ direction: CompressionCodec.Direction, gzip: Bool) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let format: Int32 = gzip ? 16 : 0
        let size = Int32(MemoryLayout<z_stream>.size)
        let result: Int32
        switch direction {
        case .compress(let level):
            isCompressor = true
            // C Tor's windows and memory levels: small ones for what is made for one client.
            let (bits, memory): (Int32, Int32) =
                switch level {
                case .best: (15, 9)
                case .low: (11, 6)
                }
            // Safe: the stream is initialised, and freed by `deinit` only.
            result = deflateInit2_(
                stream, Z_BEST_COMPRESSION, Z_DEFLATED, format + bits, memory, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
        case .decompress:
            isCompressor = false
            // Safe: as above.
            result = inflateInit2_(stream, format + 15, ZLIB_VERSION, size)
        }
        guard result == Z_OK else { throw .outOfMemory }
    }

    deinit {
        // Safe: the stream was initialised, or zlib finds no state in it and does nothing.
        if isCompressor { deflateEnd(stream) } else { inflateEnd(stream) }
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func process(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(CompressionError) -> CompressionCodec.Step {
        let inputCount = min(input.count, Int(UInt32.max))
        let outputCount = min(output.count, Int(UInt32.max))
        let isWhole = isLast && inputCount == input.count
        // Safe: zlib only reads through `next_in`, and both pointers are used within this call only.
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(outputCount)
        let result =
            isCompressor
            ? CZlib.deflate(stream, isWhole ? Z_FINISH : Z_NO_FLUSH) : CZlib.inflate(stream, Z_NO_FLUSH)
        let step = CompressionCodec.Step(
            consumed: inputCount - Int(stream.pointee.avail_in), produced: outputCount - Int(stream.pointee.avail_out),
            hasEnded: result == Z_STREAM_END)
        switch result {
        // No progress was possible: more input or room is needed.
        case Z_OK, Z_STREAM_END, Z_BUF_ERROR: return step
        case Z_MEM_ERROR: throw .outOfMemory
        default: throw .corrupt
        }
    }
}
