/// What the network and the operator say of padding on channels, and of how long idle channels stay (padding-spec §2).
package struct ChannelPaddingSettings: Hashable, Sendable {
    /// Milliseconds of silence before padding: `nf_ito_low` to `nf_ito_high`. Padding is off if both are zero.
    package var silence: ClosedRange<Int> = 1_500...9_500
    /// The same where a client wants less padding: `nf_ito_low_reduced` to `nf_ito_high_reduced`.
    package var reducedSilence: ClosedRange<Int> = 9_000...14_000
    /// `nf_pad_before_usage`: a channel is padded as soon as it has carried a circuit of several hops.
    package var padsBeforeUsage = true
    /// `nf_pad_relays`: channels between relays are padded too.
    package var padsRelays = false
    /// `nf_conntimeout_relays`, in seconds: about how long an idle channel between relays stays.
    package var relayIdleTime = 3_600
    /// Whether this node is a relay, which obeys its peers' wishes and pads for them.
    package var isRelay = false
    /// `ConnectionPadding`; nil is auto: pad where the peer knows about it.
    package var connectionPadding: Bool?
    /// `ReducedConnectionPadding`.
    package var isReduced = false
    /// Whether `ReducedConnectionPadding` halves the time that an idle channel stays: not if the user has set a time.
    package var halvesIdleTime = false

    /// C Tor's defaults.
    package init() {}

    /// What a client tells its peer on a new channel, and goes by itself.
    enum Wish {
        case padding, less, none
    }

    var wish: Wish {
        if connectionPadding == false { return .none }
        return isReduced ? .less : .padding
    }
}
