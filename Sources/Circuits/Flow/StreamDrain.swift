/// How fast a stream's reader takes what comes, and when the other end must hear of it: XOFF and XON (proposal 324 §9).
///
///     keeping up --the reader is behind by more than the limit, for longer than the grace--> stopped (XOFF is sent)
///     stopped --the reader has caught up--> keeping up (XON is sent, with how fast it was)
///
/// Under congestion control streams have no windows; this is all that keeps a slow reader's bytes from piling up here. Between
/// the two an XON goes whenever the reader's pace has changed much, and, once it keeps up again, twice the rate for each
/// `cc_xon_rate` cells, so that a sender is not held to a pace of long ago. Decides only; not for the other end's XOFF and XON.
package struct StreamDrain: Equatable, Sendable {
    /// What to send.
    package enum Action: Equatable, Sendable {
        /// Nothing.
        case none
        /// XOFF.
        case sendXoff
        /// XON, with a rate in 1000 bytes per second; 0: none is known.
        case sendXon(rate: UInt32)
        /// Destroy the circuit: the other end does not stop.
        case destroyCircuit
    }

    private let limit: UInt64
    private let rateBytes: UInt64
    private let changePercent: UInt64
    private let average: UInt64
    /// Whether the reader is behind.
    private var isBehind = false
    /// Bytes that came while it was, or while it was not, since the last look.
    private var bytes: UInt64 = 0
    /// When it fell behind, in microseconds.
    private var behindSince: UInt64 = 0
    /// When it was first behind by more than the limit; nil: it is not.
    private var overSince: UInt64?
    /// Whether XOFF was sent and no XON since.
    private(set) var isStopped = false
    /// How fast the reader is, averaged; 0: not known.
    private var rate: UInt64 = 0
    /// What the last XON said.
    private var toldRate: UInt64 = 0

    /// A new stream's.
    package init(_ parameters: CongestionParameters, isExit: Bool) {
        limit = UInt64(isExit ? parameters.xoffExit : parameters.xoffClient) * EndpointSpec.xoffCellBytes
        rateBytes = UInt64(parameters.xonRate) * EndpointSpec.xonCellBytes
        changePercent = UInt64(min(99, parameters.xonChangePercent))
        average = UInt64(max(2, parameters.xonAverage))
    }

    /// Bytes have come and were given to the reader.
    ///
    /// - Parameters:
    ///   - now: microseconds.
    ///   - isOpen: whether XOFF may be sent: nothing overtakes CONNECTED.
    package mutating func receive(_ count: Int, now: UInt64, isOpen: Bool = true) -> Action {
        bytes += UInt64(max(0, count))
        guard isBehind else { return keepUp() }
        guard bytes > limit else { return .none }
        guard bytes <= limit + EndpointLimits.unstoppedBytes else { return .destroyCircuit }
        guard isOpen, !isStopped else { return .none }
        guard let since = overSince else {
            overSince = now
            return .none
        }
        guard now > since + EndpointSpec.xoffGrace else { return .none }
        overSince = nil
        isStopped = true
        // What was measured so far was wrong, or it would not have come to this.
        rate = 0
        return .sendXoff
    }

    /// The reader cannot take more for now.
    package mutating func fallBehind(now: UInt64) {
        guard !isBehind else { return }
        isBehind = true
        behindSince = now
        bytes = 0
        overSince = nil
    }

    /// The reader has taken what there was.
    package mutating func catchUp(now: UInt64) -> Action {
        guard isBehind else { return .none }
        isBehind = false
        overSince = nil
        if bytes > rateBytes, now > behindSince {
            // 1000 bytes a second are a byte a millisecond. What is above the largest rate counts as that.
            let sample = min(max(1, min(bytes, 1 << 50) * 1000 / (now - behindSince)), EndpointSpec.greatestXonRate)
            rate = rate == 0 ? sample : (2 * sample + (average - 1) * rate) / (average + 1)
        }
        bytes = 0
        guard isStopped else { return tellIfChanged() }
        isStopped = false
        toldRate = rate
        return .sendXon(rate: UInt32(truncatingIfNeeded: rate))
    }

    private mutating func keepUp() -> Action {
        guard bytes >= rateBytes else { return .none }
        bytes = 0
        guard toldRate > 0 else { return .none }
        rate = min(EndpointSpec.greatestXonRate, 2 * rate)
        return tellIfChanged()
    }

    private mutating func tellIfChanged() -> Action {
        guard toldRate > 0 else { return .none }
        let isMore = rate * 100 > (100 + changePercent) * toldRate
        let isLess = rate * 100 < (100 - changePercent) * toldRate
        guard isMore || isLess else { return .none }
        toldRate = rate
        return .sendXon(rate: UInt32(truncatingIfNeeded: rate))
    }
}
