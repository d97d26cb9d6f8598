internal import EBPF

/// What a plugin asked for from within a call; done when the call is over, in order, before its verdict.
package enum PluginRequest: Equatable, Sendable {
    /// A message to the plugin's other half at a hop; the plugin by identity.
    case message(plugin: [UInt8], hop: UInt32, command: UInt16, bytes: [UInt8])
    /// Padding cells to a hop. Their budget is taken already.
    case padding(hop: UInt32, cells: UInt32)
    /// A message of Tor's, to be treated as if it had come from a hop.
    case deliver(hop: UInt32, command: UInt8, stream: UInt16, bytes: [UInt8])
    /// The circuit's end.
    case closeCircuit
}

/// What the host keeps about one circuit's flow, for `flow_get` and `flow_set`.
package struct FlowVariables: Equatable, Sendable {
    /// Bytes packaged into one DATA.
    package var dataLimit: UInt32 = 498
    /// DATA cells for one SENDME.
    package var ackInterval: UInt32 = 100
    /// Cells that wait to leave towards the exit.
    package var queueForward: UInt32 = 0
    /// Cells that wait to leave towards the client.
    package var queueBackward: UInt32 = 0

    /// The defaults.
    package init() {}
}

/// An instance's place on the host's side: what its helpers read and write. Programs never see it.
struct InstanceDesk {
    /// The loop's clock for this call, in microseconds.
    var now: UInt64 = 0
    /// The plugin's counters on this loop, and how many; the host's own are behind them.
    let counters: UnsafeMutablePointer<UInt64>
    let counterCount: Int
    /// The loop's host, which outlives every instance.
    let host: Unmanaged<PluginHost>
    let identity: [UInt8]
    let name: String
    let capabilities: Capabilities
    var heap: ArenaHeap
    /// When timers run out; `.max`: not.
    var timers = InlineArray<8, UInt64>(repeating: .max)
    /// The earliest of them.
    var nextTimer = UInt64.max
    var requests: [PluginRequest] = []
    /// Whether a call has left anything below to be looked at.
    var hasNews = false
    var wantsDetach = false
    var suggestedClass: UInt8 = 0
    /// What was exceeded in this call.
    var overrun: PluginFailure?
    /// While `init` runs in an upgrade: the older version's memory.
    var oldMemory: [UInt8]?
    var flow = FlowVariables()
    /// Messages and deliveries of the circuit that wait already.
    var waiting = 0
    /// The only hop that it may send to; `Attendant.anyHop`: all.
    let onlyHop: UInt32
    var messages: RateMeter
    var padding: PaddingMeter

    init(
        plugin: Plugin, counters: UnsafeMutablePointer<UInt64>, host: Unmanaged<PluginHost>,
        onlyHop: UInt32 = Attendant.anyHop
    ) {
        self.onlyHop = onlyHop
        self.counters = counters
        counterCount = plugin.metadata.counters.count
        self.host = host
        identity = plugin.file.identity
        name = plugin.metadata.name
        capabilities = plugin.metadata.capabilities
        heap = ArenaHeap(plugin.module.layout.heap)
        messages = RateMeter(perSecond: plugin.grant.budget.messagesPerSecond)
        padding = PaddingMeter(
            perSecond: plugin.metadata.paddingPerSecond, percent: plugin.metadata.paddingPercent)
    }

    /// Whether it may send to a hop.
    func reaches(_ hop: UInt64) -> Bool { onlyHop == Attendant.anyHop || UInt64(onlyHop) == hop }

    mutating func setTimer(_ timer: Int, to deadline: UInt64) {
        hasNews = true
        timers[timer] = deadline
        nextTimer = .max
        for index in timers.indices { nextTimer = min(nextTimer, timers[index]) }
    }

    /// Takes a timer that has run out.
    mutating func takeTimer(now: UInt64) -> (timer: Int, deadline: UInt64)? {
        guard nextTimer <= now else { return nil }
        for index in timers.indices where timers[index] == nextTimer {
            let deadline = nextTimer
            setTimer(index, to: .max)
            return (index, deadline)
        }
        return nil
    }

    /// Adds to one of the host's own counters about the plugin.
    @inline(__always)
    func count(_ statistic: PluginStatistic, _ amount: UInt64) {
        // Wraps after centuries.
        counters[CounterBlock.firstStatistic + statistic.rawValue] &+= amount
    }

    /// Notes what was exceeded.
    mutating func fail(_ failure: PluginFailure) {
        overrun = failure
        hasNews = true
    }

    /// Puts a request at the end.
    mutating func ask(_ request: PluginRequest) {
        requests.append(request)
        hasNews = true
    }

    /// Whether one more message may wait; exceeding the rate is a failure.
    mutating func admitMessage() -> Bool {
        guard requests.count + waiting < PluginLimits.queuedMessages else { return false }
        guard messages.take(1, now: now) else {
            fail(.messageBudget)
            return false
        }
        return true
    }
}
