internal import CZstd

/// Zstandard.
struct ZstdCodec: ~Copyable {
    private let stream: OpaquePointer
    private let isCompressor: Bool

    init(_ direction: CompressionCodec.Direction) throws(CompressionError) {
        let made: OpaquePointer?
        switch direction {
        case .compress(let level):
            isCompressor = true
            made = ZSTD_createCCtx()
            let preset: Int32 =
                switch level {
                case .best: 9
                case .low: 1
                }
            // Safe: the context was just made. A level that is out of bounds is clamped, so this cannot fail.
            if let made { ZSTD_CCtx_setParameter(made, ZSTD_c_compressionLevel, preset) }
        case .decompress:
            isCompressor = false
            made = ZSTD_createDCtx()
            // Safe: the context was just made, and the bound is a legal one.
            if let made { ZSTD_DCtx_setParameter(made, ZSTD_d_windowLogMax, CompressionLimits.zstdWindowLog) }
        }
        guard let made else { throw .outOfMemory }
        stream = made
    }

    deinit {
        // Safe: made by the matching function, and freed once.
        if isCompressor { ZSTD_freeCCtx(stream) } else { ZSTD_freeDCtx(stream) }
    }

    func process(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
    ) throws(CompressionError) -> CompressionCodec.Step {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        // Safe: both buffers live through the call, and the library stays within their sizes.
        let result =
            isCompressor
            ? ZSTD_compressStream2(stream, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
            : ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(result) == 0 else { throw .corrupt }
        // 0: compressor and decompressor alike have nothing left inside.
        let hasEnded = result == 0 && (isCompressor ? isLast && source.pos == source.size : source.pos > 0)
        return CompressionCodec.Step(consumed: source.pos, produced: target.pos, hasEnded: hasEnded)
    }
}
