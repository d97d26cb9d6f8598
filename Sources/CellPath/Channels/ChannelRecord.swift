internal import Cells
internal import Channels
internal import Circuits

/// A circuit in a channel's scheduler: which, and of which life.
struct ScheduledCircuit: BitwiseCopyable, Sendable {
    let reference: CircuitReference
    let generation: UInt32
}

/// An open channel, as its loop's corridor keeps it: the key cabinet, and what waits to be sent.
struct ChannelRecord: ~Copyable {
    /// The connection.
    let driver: ChannelDriver
    /// Circuit IDs on it.
    var table = CircuitTable()
    /// DESTROYs and the channel's own cells: they go before others.
    var control = CircuitQueue()
    /// Who may send next.
    var scheduler = CircuitScheduler<ScheduledCircuit>()
    /// Whether it is on the corridor's list of channels to dispatch.
    var isTouched = false
    /// When it last had a circuit.
    var lastUsed: ContinuousClock.Instant
    /// When something was last sent.
    var lastSent: ContinuousClock.Instant
    /// When a cell last came.
    var lastReceived: ContinuousClock.Instant
    /// When it must be padded.
    var padding: ChannelPadding
    /// Whether a timer will look whether it must.
    var isPaddingDue = false
    /// Whether we are a relay and the peer has proved to be one.
    let isBetweenRelays: Bool
    /// How long it stays without circuits.
    let idleTime: Duration

    init(
        driver: ChannelDriver, peer: OpenChannel, isBetweenRelays: Bool, idleTime: Duration,
        now: ContinuousClock.Instant
    ) {
        self.driver = driver
        padding = ChannelPadding(peer)
        self.isBetweenRelays = isBetweenRelays
        self.idleTime = idleTime
        lastUsed = now
        lastSent = now
        lastReceived = now
    }

    /// When a cell last went either way.
    var lastTransfer: ContinuousClock.Instant { max(lastSent, lastReceived) }

    /// Whether anything waits.
    var hasWaiting: Bool { !control.isEmpty || !scheduler.isEmpty }
}
