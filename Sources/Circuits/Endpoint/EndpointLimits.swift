/// What we chose for streams, with the reasons.
package enum EndpointLimits {
    /// Streams of one circuit, half-closed ones included. Far more than any client opens; it bounds the slots that a client
    /// can make an exit hold (130 bytes each), and stays below the 65,535 stream IDs that there are.
    package static let streams = 16_384
    /// Between this many DATA cells and twice as many, one has room for random bytes; as C Tor, so that each window of 100
    /// holds at least one.
    package static let cellsBetweenRandomness = 50
    /// Bytes beyond XOFF's limit that a stream may bring while its reader is behind: far more than any honest window holds. C Tor
    /// leaves this to what watches its memory.
    static let unstoppedBytes: UInt64 = 16 << 20
    /// SENDMEs that may be awaited from one hop: two million cells under way, where a thousand would fill any path.
    static let awaitedAcknowledgements = 65_536
}
