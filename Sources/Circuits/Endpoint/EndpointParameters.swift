/// What an endpoint must be told: values of the consensus and of the torrc.
package struct EndpointParameters: Equatable, Sendable {
    /// `sendme_accept_min_version`; always 0 for a circuit made with CREATE_FAST, as in C Tor.
    package var sendmeAcceptMinVersion: UInt8 = 0
    /// `sendme_emit_min_version`.
    package var sendmeEmitMinVersion: UInt8 = 1
    /// `circwindow`: DATA cells that may be packaged before the first SENDME.
    package var circuitWindow = EndpointSpec.circuitWindowStart
    /// The parameters of congestion control.
    package var congestion = CongestionParameters()
    /// `AllowNonearlyExtend`: whether a relay takes EXTEND2 in RELAY as well.
    package var allowsNonEarlyExtend = false
    /// `PluginStrictCircuits`: whether what C Tor drops destroys the circuit instead.
    package var isStrict = false

    /// The defaults.
    package init() {}
}
