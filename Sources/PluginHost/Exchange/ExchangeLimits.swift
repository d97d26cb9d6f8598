/// What we chose for the exchange of plugins, with the reasons. Sizes on the wire are `PluginWire`'s.
package enum ExchangeLimits {
    /// How long an offer may be open, and a transfer take: a slow circuit moves 256 KiB in that time.
    package static let patience = Duration.seconds(30)
    /// How often an attachment's counters may be asked for.
    package static let questionInterval = Duration.seconds(1)
    /// Bytes of accepted code that a relay keeps.
    package static let cacheBytes = 32 << 20
    /// Bytes that may be half received, over all circuits of a node: 32 of the largest transfers.
    package static let receivingBytes = 8 << 20
    /// Files that may wait to be compiled.
    package static let compiling = 8
}
