internal import CLZMA

/// LZMA "alone".
struct LZMACodec: ~Copyable {
    private let stream: UnsafeMutablePointer<lzma_stream>

    init(_ direction: CompressionCodec.Direction) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        // LZMA_STREAM_INIT is all zeros.
        stream.initialize(to: lzma_stream())
        let result: lzma_ret
        switch direction {
        case .compress(let level):
            let preset: UInt32 =
                switch level {
                case .best: 6
                case .low: 2
                }
            var options = lzma_options_lzma()
            // Safe: the options are read within the calls; the stream lives until `deinit`.
            result =
                lzma_lzma_preset(&options, preset) == 0 ? lzma_alone_encoder(stream, &options) : LZMA_OPTIONS_ERROR
        case .decompress:
            // Safe: as above.
            result = lzma_alone_decoder(stream, CompressionLimits.lzmaMemory)
        }
        guard result == LZMA_OK else { throw .outOfMemory }
    }

    deinit {
        // Safe: the stream was initialised, and is freed once.
        lzma_end(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func process(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(CompressionError) -> CompressionCodec.Step {
        // Safe: the pointers are used within this call only, and the library stays within their sizes.
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = input.count
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = output.count
        let result = lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
        let step = CompressionCodec.Step(
            consumed: input.count - stream.pointee.avail_in, produced: output.count - stream.pointee.avail_out,
            hasEnded: result == LZMA_STREAM_END)
        switch result {
        // No progress was possible: more input or room is needed.
        case LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR: return step
        case LZMA_MEM_ERROR, LZMA_MEMLIMIT_ERROR: throw .outOfMemory
        default: throw .corrupt
        }
    }
}
