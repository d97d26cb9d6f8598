internal import NIOCore

/// Numbers of our own choice, each with its reason.
enum RelayLimits {
    /// One read of an exit socket: one burst fills many cells.
    static let readLength = 65_536
    /// Bytes that may wait for an exit socket before its stream is no longer acknowledged; and when it is again.
    static let writeBufferHigh = 262_144
    /// See `writeBufferHigh`.
    static let writeBufferLow = 65_536
    /// How long a host may take to answer; clients give up sooner, and then the attempt ends.
    static let connectTime = TimeAmount.seconds(60)
    /// How long the last bytes of a stream that its client ended may take to leave.
    static let lingerTime = TimeAmount.seconds(60)
    /// Questions that may be with name servers at a time; more fail at once, so that a flood costs no memory.
    static let outstandingQuestions = 4_096
    /// Streams that may wait for an answer at a time.
    static let waitingStreams = 65_536
    /// Answers that are kept: about 8 MiB.
    static let cachedAnswers = 32_768
    /// Longest host name that is asked for (RFC 1035 §2.3.4).
    static let hostNameLength = 253
}
