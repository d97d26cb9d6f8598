internal import CellPath
internal import Channels
internal import Configuration
internal import Directory

extension ChannelPaddingSettings {
    /// What a consensus and a torrc say, with C Tor's bounds (padding-spec §3.4).
    init(_ parameters: ConsensusParameters, _ settings: Settings) {
        self.init()
        silence = Self.silence(parameters, "nf_ito_low", "nf_ito_high", defaults: silence)
        reducedSilence = Self.silence(
            parameters, "nf_ito_low_reduced", "nf_ito_high_reduced", defaults: reducedSilence)
        padsBeforeUsage = parameters.value("nf_pad_before_usage", default: 1, in: 0...1) == 1
        padsRelays = parameters.value("nf_pad_relays", default: 0, in: 0...1) == 1
        relayIdleTime = Int(parameters.value("nf_conntimeout_relays", default: 3_600, in: 60...604_800))
        isRelay = settings.relay.isRelay
        connectionPadding = settings.client.connectionPadding
        isReduced = settings.client.reducesConnectionPadding
        halvesIdleTime = isReduced && settings.client.circuitsAvailableTimeout == nil
    }

    private static func silence(
        _ parameters: ConsensusParameters, _ low: String, _ high: String, defaults: ClosedRange<Int>
    ) -> ClosedRange<Int> {
        let low = parameters.value(low, default: Int32(clamping: defaults.lowerBound), in: 0...60_000)
        let high = parameters.value(high, default: Int32(clamping: defaults.upperBound), in: low...60_000)
        return Int(low)...Int(high)
    }
}

extension CircuitPaddingSettings {
    /// What a consensus and a torrc say, with C Tor's bounds.
    init(_ parameters: ConsensusParameters, _ settings: Settings) {
        self.init()
        isAllowed =
            settings.relay.padsCircuits && parameters.value("circpad_padding_disabled", default: 0, in: 0...1) == 0
        queueLimit = UInt32(
            clamping: parameters.value("circpad_max_circ_queued_cells", default: 1_000, in: 0...50_000))
        freeCells = Int(parameters.value("circpad_global_allowed_cells", default: 0, in: 0...65_534))
        percentLimit = Int(parameters.value("circpad_global_max_padding_pct", default: 0, in: 0...100))
    }
}
