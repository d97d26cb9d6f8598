internal import NIOCore

/// Numbers of our own choice, or C Tor's where the specification is silent, each with its reason.
package enum CellPathLimits {
    /// Batches kept between two loops: enough for a burst in flight and one being filled, 130 KiB each.
    static let spareBatches = 4
    /// Cells of one circuit that may wait for one channel: C Tor's default of `circ_max_cell_queue_size`.
    package static let circuitQueue = 50_000
    /// Cells that streams may put into a circuit's queue: C Tor's default of `cellq_high`.
    package static let streamQueueHigh = 256
    /// Below this, streams whose circuit's queue was full may send again: `cellq_low`.
    package static let streamQueueLow = 10
    /// Cells that one circuit sends before another is looked at, if others wait: a quarter of a record.
    static let quantum = 8
    /// RELAY_EARLY cells of a circuit. tor-spec §5.6: "no more than 8".
    static let relayEarly = 8
    /// How often a channel picks random circuit IDs before it gives up: C Tor's MAX_CIRCID_ATTEMPTS.
    static let circuitIDAttempts = 64
    /// How long a CREATE2 may wait for a worker: C Tor's default of `MaxOnionQueueDelay`.
    package static let onionQueueDelay = Duration.milliseconds(1_750)
    /// A channel that has been silent for so long sends a padding cell: C Tor's `KeepalivePeriod`.
    package static let keepalive = Duration.seconds(300)
    /// How often idle channels are looked for, and those that must be padded before the next look.
    static let channelTick = TimeAmount.seconds(1)
    /// Padding that is due sooner gets a timer of its own: a tick, and what it may be late by, as in C Tor.
    static let paddingHorizon = Duration.milliseconds(1_100)
    /// Closing circuits for want of memory goes on down to this part of the total: C Tor's.
    static let memoryRelief = 0.9
    /// How long a circuit's plugins wait between two looks at their timers, in microseconds: looking costs a few, so this is
    /// less than one part in a hundred of a core.
    static let doorClockPause: UInt64 = 500
}
