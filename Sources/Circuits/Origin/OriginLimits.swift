/// What we chose for circuits that start here, with the reasons.
package enum OriginLimits {
    /// Hops of one circuit: as many as RELAY_EARLY cells allow (tor-spec §5.6), where the first hop costs none and one of
    /// the eight may be withheld.
    package static let hops = 8
    /// RELAY_EARLY cells of one circuit (tor-spec §5.6).
    package static let relayEarlyCells = 8
}
