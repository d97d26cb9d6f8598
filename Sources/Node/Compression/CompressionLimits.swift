/// How much compressed bytes may grow. C Tor draws the same lines.
package enum CompressionLimits {
    /// Below this many bytes any growth is taken.
    package static let bombThreshold = 5 << 20
    /// Above, a document may grow to this many times its compressed length; no document comes near it.
    package static let bombFactor = 25
    /// Memory for decoding LZMA: what makes the method "x-tor-lzma".
    package static let lzmaMemory: UInt64 = 16 << 20
    /// Zstandard frames with a larger window are refused: 2^23 bytes.
    package static let zstdWindowLog: Int32 = 23
    /// Bytes that are made at a time.
    static let chunk = 16 << 10
}
