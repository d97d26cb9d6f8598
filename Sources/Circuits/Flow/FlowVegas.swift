package import Hooks

/// Tor's congestion control (proposal 324, TOR_VEGAS), as the answer to the doors' questions.
///
/// A window of cells under way grows or shrinks with the queue that they stand in on their way: what the window is above the
/// path's bandwidth-delay product (BDP), which the ratio of the least round trip to the present one tells. Until the first
/// sign of congestion, slow start adds as much as each SENDME acknowledges, and less above a cap; after that the window
/// changes by a cell for each window's worth of SENDMEs. A channel that takes no more cells here is a sign of congestion too.
///
/// What is counted comes with the questions; only what must be remembered is here. For one hop of one circuit; streams have
/// no windows beside it. Numbers come out as C Tor's do, whose test vectors are this type's too.
package struct FlowVegas: FlowControlPolicy, Equatable, Sendable {
    private let parameters: CongestionParameters
    private let thresholds: CongestionParameters.Thresholds
    private let increment: UInt64
    /// Cells that may be under way. Never above `cc_cwnd_max`.
    package private(set) var window: UInt64
    /// Whether no sign of congestion has been seen yet.
    package private(set) var isInSlowStart = true
    /// Whether the window has been used up of late.
    package private(set) var isFull = false
    /// Whether the channel took no cells at the last look.
    package private(set) var isBlocked = false
    /// Round trips in microseconds: on average, and the least. 0: none has been measured.
    package private(set) var averageRoundTrip: UInt64 = 0
    package private(set) var leastRoundTrip: UInt64 = 0
    /// The path's bandwidth-delay product, in cells.
    package private(set) var product: UInt64 = 0
    /// SENDMEs until the window may change again.
    private var untilUpdate: UInt64 = 1
    /// SENDMEs until a window's worth has come.
    private var untilWindow: UInt64 = 0
    /// Whether the clock was seen to stand still, and has not been seen to go since.
    package private(set) var isClockBroken = false

    /// A circuit at its start.
    ///
    /// - Parameter increment: DATA cells for one SENDME, as the handshake has settled; above zero.
    package init(_ parameters: CongestionParameters, path: CongestionParameters.Path, increment: UInt8) {
        self.parameters = parameters
        thresholds = parameters.thresholds(path)
        self.increment = UInt64(max(1, increment))
        window = UInt64(min(parameters.firstWindow, parameters.greatestWindow))
    }

    /// DATA cells that a SENDME acknowledges.
    package var ackInterval: UInt32 { UInt32(truncatingIfNeeded: increment) }

    package func maySend(_ context: inout MaySendContext) -> Answer<MaySendVerdict> {
        let underWay = underWay(context.packaged, context.acknowledgements)
        return .verdict(MaySendVerdict(cells: UInt32(clamping: window - min(window, underWay))))
    }

    package func ackDue(_ context: inout AckDueContext) -> Answer<AckVerdict> {
        let open = underWay(context.received, context.acknowledgements)
        return .verdict(open >= increment ? .yes : .no(UInt32(truncatingIfNeeded: increment - open - 1)))
    }

    package mutating func onAck(_ context: inout OnAckContext) -> Answer<OnAckVerdict> {
        let underWay = underWay(context.packaged, context.acknowledgements)
        // Nobody acknowledges more than was sent, or its tags would not be there.
        guard underWay >= increment else { return .verdict(.destroyCircuit) }
        acknowledge(
            underWay: underWay, roundTrip: context.roundTrip, isChannelBlocked: context.isBlocked != 0,
            queue: UInt64(context.queue))
        return .verdict(.accepted)
    }

    private func underWay(_ cells: UInt64, _ acknowledgements: UInt64) -> UInt64 {
        // Neither overflows: a cell takes longer than a nanosecond.
        cells - min(cells, acknowledgements &* increment)
    }

    // MARK: A SENDME

    /// A SENDME has come (proposal 324 §3.3).
    ///
    /// - Parameters:
    ///   - underWay: cells packaged and not acknowledged, those that this one is for included.
    ///   - roundTrip: microseconds since the acknowledged cell was packaged; 0 if the clock has not gone on.
    ///   - isChannelBlocked: whether the channel takes no more of our cells now.
    ///   - queue: cells of ours that wait for it.
    package mutating func acknowledge(underWay: UInt64, roundTrip: UInt64, isChannelBlocked: Bool, queue: UInt64) {
        if untilUpdate > 0 { untilUpdate -= 1 }
        if untilWindow > 0 { untilWindow -= 1 }
        // More than an hour is no round trip; and products must fit.
        let measured = noteRoundTrip(min(roundTrip, 0xFFFF_FFFF))
        guard noteProduct(isMeasured: measured, isChannelBlocked, queue) else { return }
        let queued = window - min(window, product)
        if underWay + UInt64(parameters.fullGap) * increment >= window {
            isFull = true
        } else if 100 * underWay < UInt64(parameters.fullLeastPercent) * window {
            isFull = false
        }
        if isInSlowStart {
            startSlowly(queued)
        } else if untilUpdate == 0 {
            follow(queued)
        }
        if untilWindow == 0 { untilWindow = acknowledgementsPerWindow }
        if untilUpdate == 0 { untilUpdate = acknowledgementsPerUpdate }
        let isNewRound =
            parameters.isFullPerWindow
            ? untilWindow == acknowledgementsPerWindow : untilUpdate == acknowledgementsPerUpdate
        if isNewRound { isFull = false }
        window = min(window, UInt64(parameters.greatestWindow))
    }

    /// Proposal 324 §3.3: slow start, limited as RFC 3742 has it.
    private mutating func startSlowly(_ queued: UInt64) {
        if queued < thresholds.gamma, !isBlocked {
            // A window that is not used proves nothing.
            if isFull {
                let step = slowStartStep
                window += step
                let steady = UInt64(parameters.windowIncrement) * UInt64(parameters.windowIncrementRate)
                if step * acknowledgementsPerWindow <= steady { isInSlowStart = false }
            }
        } else {
            window = product + UInt64(thresholds.gamma)
            isInSlowStart = false
        }
        if window >= parameters.slowStartGreatest {
            window = UInt64(parameters.slowStartGreatest)
            isInSlowStart = false
        }
    }

    private var slowStartStep: UInt64 {
        let cap = UInt64(thresholds.slowStartCap)
        guard window > cap else { return (UInt64(parameters.slowStartPercent) * increment + 50) / 100 }
        return max((increment * cap + window) / (2 * window), 1)
    }

    /// After slow start: once a window's worth of SENDMEs.
    private mutating func follow(_ queued: UInt64) {
        let step = UInt64(parameters.windowIncrement)
        if queued > thresholds.delta {
            let target = product + UInt64(thresholds.delta)
            window = target - min(target, step)
        } else if queued > thresholds.beta || isBlocked {
            window -= min(window, step)
        } else if isFull, queued < thresholds.alpha {
            window += step
        }
        window = max(window, UInt64(parameters.leastWindow))
    }

    /// How many SENDMEs come for a window.
    private var acknowledgementsPerWindow: UInt64 { (window + increment / 2) / increment }

    /// How many SENDMEs lie between two changes of the window.
    private var acknowledgementsPerUpdate: UInt64 {
        guard !isInSlowStart else { return 1 }
        let rate = UInt64(parameters.windowIncrementRate) * increment
        return (window + rate / 2) / rate
    }

    // MARK: Estimates

    /// Averages a round trip (proposal 324 §2.1).
    ///
    /// - Returns: whether it was one.
    private mutating func noteRoundTrip(_ roundTrip: UInt64) -> Bool {
        guard !isClockOff(before: averageRoundTrip, now: roundTrip) else { return false }
        let count = averagingCount
        averageRoundTrip =
            averageRoundTrip == 0 ? roundTrip : (2 * roundTrip + (count - 1) * averageRoundTrip) / (count + 1)
        if leastRoundTrip == 0 {
            leastRoundTrip = averageRoundTrip
        } else if window == parameters.leastWindow, !isInSlowStart {
            // A least round trip that was too low would keep the window down for ever.
            let (greater, lesser) = (max(averageRoundTrip, leastRoundTrip), min(averageRoundTrip, leastRoundTrip))
            let percent = UInt64(min(100, parameters.resetPercent))
            leastRoundTrip = percent * greater / 100 + (100 - percent) * lesser / 100
        } else if averageRoundTrip < leastRoundTrip {
            leastRoundTrip = averageRoundTrip
        }
        return true
    }

    private var averagingCount: UInt64 {
        guard !isInSlowStart else { return max(2, UInt64(parameters.averageInSlowStart)) }
        let part = acknowledgementsPerUpdate * UInt64(parameters.averagePercent) / 100
        return max(2, min(part, UInt64(parameters.averageGreatest)))
    }

    /// Proposal 324 §2.1.1: a clock that stands still, or jumps, measures nothing.
    mutating func isClockOff(before: UInt64, now: UInt64) -> Bool {
        guard now > 0 else {
            isClockBroken = true
            return true
        }
        // Only a window's worth of round trips says what is usual.
        guard !isInSlowStart, averageRoundTrip > 0 else { return false }
        if before > now * 5_000 { return isClockBroken }
        if now > before * 5_000 { return true }
        isClockBroken = false
        return false
    }

    /// Estimates the bandwidth-delay product (proposal 324 §3.1.2).
    ///
    /// - Returns: whether anything was learnt.
    private mutating func noteProduct(isMeasured: Bool, _ isChannelBlocked: Bool, _ queue: UInt64) -> Bool {
        guard averageRoundTrip > 0 else {
            // No round trip at all so far: what is under way is all there is to go by.
            let rest = window - min(window, queue)
            product = isChannelBlocked ? max(rest, UInt64(parameters.leastWindow)) : window
            isBlocked = isChannelBlocked
            return isChannelBlocked
        }
        product = window * leastRoundTrip / averageRoundTrip
        if isChannelBlocked != isBlocked {
            isBlocked = isChannelBlocked
            untilUpdate = 0
        }
        return isChannelBlocked || isMeasured
    }
}

extension FlowVegas {
    /// Puts it where a test's vector begins.
    mutating func place(window: UInt64? = nil, isInSlowStart: Bool, averageRoundTrip: UInt64? = nil) {
        if let window { self.window = window }
        self.isInSlowStart = isInSlowStart
        if let averageRoundTrip { self.averageRoundTrip = averageRoundTrip }
    }
}
