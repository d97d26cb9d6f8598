package import Cells

/// The padding of one channel: when it has been silent for so long that PADDING must be sent (padding-spec §2).
///
/// Routers on the way write a record of a connection that has been idle for some ten seconds; padding sees to it that a
/// client's channel never is. Both sides draw a time of silence each, and whoever's is shorter sends. A client may ask
/// for less, or for none, with PADDING_NEGOTIATE. A value that the corridor keeps for each channel: it is told what the
/// channel is used for, and asked once a second when the next padding is due. Not for circuits.
package struct ChannelPadding: Sendable {
    /// What a channel is used for: C Tor's three steps, of which none is ever taken back.
    package enum Usage: UInt8, Comparable, Sendable {
        /// Nothing, or circuits of one hop, which fetch documents.
        case oneHop
        /// Circuits of several hops.
        case circuits
        /// Such circuits that carry something.
        case traffic

        /// In the order of the steps.
        package static func < (left: Usage, right: Usage) -> Bool { left.rawValue < right.rawValue }
    }

    /// What the channel is used for.
    package private(set) var usage = Usage.oneHop
    /// Whether both sides know of padding and the peer has not asked us to stop.
    private var isEnabled: Bool
    /// Milliseconds, as negotiated; zero if nothing was.
    private var low = 0
    private var high = 0
    /// The channel's last transfer for which `due` was drawn.
    private var basis: ContinuousClock.Instant?
    private var due: ContinuousClock.Instant?

    /// The padding of a channel that has just been opened.
    package init(_ channel: OpenChannel) {
        isEnabled = channel.negotiatesPadding
    }

    /// Goes by the operator's wish from now on.
    ///
    /// - Returns: What to tell the peer, if anything.
    package mutating func opened(_ settings: ChannelPaddingSettings) -> PaddingNegotiateCell? {
        guard isEnabled || settings.connectionPadding == true else { return nil }
        switch settings.wish {
        case .padding:
            return nil
        case .none:
            isEnabled = false
            return PaddingNegotiateCell(.stop)
        case .less:
            low = settings.reducedSilence.lowerBound
            high = settings.reducedSilence.upperBound
            // We go on padding, rarely; the peer stops.
            return isEnabled ? PaddingNegotiateCell(.stop) : nil
        }
    }

    /// The peer has told its wish. Only relays listen: no relay must be able to stop a client's padding (padding-spec §2.2).
    ///
    /// - Returns: Whether it was heard.
    package mutating func receive(_ cell: PaddingNegotiateCell, _ settings: ChannelPaddingSettings) -> Bool {
        guard settings.isRelay else { return false }
        isEnabled = cell.paddingCommand == .start
        // Never more often than the network wants.
        low = max(settings.silence.lowerBound, Int(cell.lowTimeout))
        high = max(low, Int(cell.highTimeout))
        due = nil
        return true
    }

    /// A cell has passed that says what the channel is used for.
    @inline(__always)
    package mutating func note(_ usage: Usage) {
        if usage > self.usage { self.usage = usage }
    }

    /// When padding is to be sent, should nothing else have passed by then; nil if none is to be.
    ///
    /// - Parameters:
    ///   - lastTransfer: When a cell last went either way.
    ///   - isBetweenRelays: Whether the peer has proved to be a relay and we are one.
    package mutating func deadline(
        lastTransfer: ContinuousClock.Instant, isBetweenRelays: Bool, _ settings: ChannelPaddingSettings,
        using random: inout some RandomNumberGenerator
    ) -> ContinuousClock.Instant? {
        guard usage == .traffic || (usage == .circuits && settings.padsBeforeUsage),
            isEnabled || settings.connectionPadding == true, !isBetweenRelays || settings.padsRelays
        else { return nil }
        if let due, basis == lastTransfer { return due }
        guard let silence = silence(settings, using: &random) else { return nil }
        basis = lastTransfer
        due = lastTransfer + .milliseconds(silence)
        return due
    }

    /// A time of silence, in milliseconds; nil if the network does not want padding.
    private func silence(
        _ settings: ChannelPaddingSettings, using random: inout some RandomNumberGenerator
    ) -> Int? {
        var (low, high) = (settings.silence.lowerBound, settings.silence.upperBound)
        guard low != 0 || high != 0 else { return nil }
        if self.low != 0, self.high != 0 {
            low = max(low, self.low)
            high = max(high, self.high)
        }
        guard low < high else { return low }
        // padding-spec §2.2: the larger of two, since the other side draws as well and the shorter silence counts.
        return max(Int.random(in: low..<high, using: &random), Int.random(in: low..<high, using: &random))
    }
}

extension ChannelPaddingSettings {
    /// How many seconds a channel stays without circuits, by chance, so that it tells nothing (padding-spec §2.3).
    package func idleTime(isBetweenRelays: Bool, using random: inout some RandomNumberGenerator) -> Int {
        let time =
            isBetweenRelays
            ? relayIdleTime * 3 / 4 + Int.random(in: 0..<max(1, relayIdleTime / 2), using: &random)
            : 180 + Int.random(in: 0..<90, using: &random)
        return halvesIdleTime ? time / 2 : time
    }
}
