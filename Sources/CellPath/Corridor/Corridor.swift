package import Cells
package import Channels
internal import Circuits
internal import DequeModule
internal import Hooks
internal import Logging
package import NIOCore
internal import OnionCrypto
internal import PluginHost
package import Transport

/// One event loop's corridor: every cell that its channels bring or carry away passes here, room by room.
///
/// The rooms (reader, circuit table, onion layers, endpoint machines, queues, scheduler, writer) call nobody; this calls them
/// in the order in which a cell walks, `Corridor+Forward` and `Corridor+Backward` for the cells of others,
/// `Corridor+Endpoint` for those that end here. It acts in two beats. While a read burst lasts, cells are received, and what
/// they cause is only noted: channels that have something to send, streams and circuits whose owners have something to hear,
/// cells and messages for other loops. When the burst ends, `settle` tells the owners, hands over to other loops, and
/// dispatches each touched channel, with one flush each. So no owner is called while the corridor holds a cell, and an owner
/// may do anything from within a call. Confined to its loop.
package final class Corridor {
    /// Its number among the node's loops.
    package let index: Int
    /// Its loop.
    package let eventLoop: any EventLoop
    /// What it shares with the others.
    package let environment: CellPathEnvironment
    /// What the configuration says.
    package internal(set) var settings: CellPathSettings
    /// Who takes streams that clients open here; nil at a node that is no relay.
    package var streamAcceptor: (any StreamAcceptor)?
    /// Hears of each channel that opens: what the peer says of our clock and address.
    package var channelOpened: ((OpenChannel) -> Void)?
    /// What it has done.
    package internal(set) var counters = CellPathCounters()

    let transport: TransportLoop
    let pool: CellPool
    let random = LoopRandom()
    var channels = Slab<ChannelRecord>()
    var circuits = Slab<RelayCircuit>()
    var legs = Slab<ExitwardLeg>()
    var origins = Slab<OriginRecord>()
    /// Every connection there is, those in their handshake included.
    var drivers: [ObjectIdentifier: ChannelDriver] = [:]

    /// The time, read once per batch; and in milliseconds for the age of cells.
    var now = ContinuousClock.now
    var coarseNow: UInt32 = 0
    let epoch = ContinuousClock.now
    var clock = EWMAPolicy()
    /// This loop's part of the plugins: memory, counters, time.
    let pluginHost: PluginHost
    /// Who stands at the doors of new circuits.
    var plugins = PluginSet.none
    /// Of those, the ones for circuits under congestion control.
    var congestedPlugins = PluginSet.none
    var doorClock = DoorClock()
    /// What this node brings to other ends of circuits.
    var wishes: [PluginWish] = []
    /// Circuits whose exchange of plugins has a deadline.
    var exchanging: [ExchangeWatch] = []
    /// Messages of that exchange.
    package internal(set) var pluginMessages = PluginMessageCounts()
    /// Counters that were asked for and have not come.
    var questions: Set<Question> = []
    /// How often plugins that this node brings were refused, by name, place and reason.
    package internal(set) var pluginRefusals: [String: Int] = [:]
    /// What came back from circuits that are no more.
    var keptCounters: [PluginCounters] = []
    /// Doors of the loop itself.
    var hostDoors: Doors
    /// Whether a plugin ranks circuits in place of the built-in.
    var isRanked = false

    /// Channels to dispatch.
    var touchedChannels: [UInt32] = []
    /// Streams whose owners have something to hear.
    var touchedStreams: Deque<CircuitStream> = []
    /// Circuits whose owners have something to hear.
    var touchedOrigins: Deque<OriginCircuit> = []
    /// Connections that are gone and still have a channel here: a channel never vanishes while its cells are handled.
    var lostDrivers: [ChannelDriver] = []
    /// What goes to the other loops, by number; nil where nothing does.
    ///
    /// Owned here, and held without a count: each cell that goes over would pay for one.
    var outgoing: [Unmanaged<LoopBatch>?]
    var incoming: [LoopBatch] = []
    var isInBurst = false
    var isSettling = false
    var isSettleDue = false
    private var lastID: UInt64 = 0
    private var isClosed = false
    private var ticker: RepeatedTask?
    var wakeTasks: [@Sendable () -> Void] = []

    /// The corridor of loop `index`; call on that loop.
    package init(index: Int, environment: CellPathEnvironment, settings: CellPathSettings) {
        self.index = index
        self.environment = environment
        self.settings = settings
        eventLoop = environment.loops[index]
        transport = TransportLoop(eventLoop: eventLoop, bandwidth: environment.bandwidth)
        pool = CellPool(budget: environment.memory)
        let (random, logger) = (random, environment.logger)
        pluginHost = PluginHost(
            random: { random.next() },
            log: { logger.info("plugin: \($1)", metadata: ["plugin": "\($0)"]) },
            report: { logger.notice("a plugin was stopped: \($1)", metadata: ["plugin": "\($0)"]) })
        hostDoors = Doors(scope: .host, role: settings.onionKeys == nil ? .client : .all, host: pluginHost)
        outgoing = [Unmanaged<LoopBatch>?](repeating: nil, count: environment.loops.count)
    }

    deinit {
        for batch in outgoing { batch?.release() }
    }

    /// Starts its clock; call once, on its loop. `corridors` finds the corridor of each loop.
    package func start(_ directory: CorridorDirectory) {
        for receiver in environment.loops.indices {
            let sender = index
            wakeTasks.append { directory.corridor(receiver)?.receiveBatches(from: sender) }
        }
        ticker = eventLoop.scheduleRepeatedTask(
            initialDelay: CellPathLimits.channelTick, delay: CellPathLimits.channelTick,
            NIOLoopBound(self, eventLoop: eventLoop).tick)
    }

    /// Puts other settings in place; call on its loop.
    package func apply(_ settings: CellPathSettings) {
        self.settings = settings
    }

    /// Closes everything: circuits with this reason, then channels.
    package func shutDown(_ reason: DestroyReason = .finished) {
        guard !isClosed else { return }
        isClosed = true
        ticker?.cancel()
        for slot in origins.slots { closeOrigin(slot, CircuitEnding(reason: reason, isRemote: false, hopCount: 0)) }
        for slot in circuits.slots { closeCircuit(slot, reason) }
        settle()
        for driver in Array(drivers.values) { driver.close() }
    }

    /// What the bandwidth gate has counted on this loop.
    package var traffic: AdmissionGate.Totals { transport.gate.totals }

    /// What meters this loop's bytes: exit sockets share it.
    package var gate: AdmissionGate { transport.gate }

    /// Circuits of others that are open or being made here.
    package var circuitCount: Int { circuits.count }

    /// Channels that are open here.
    package var channelCount: Int { channels.count }

    /// An ID that no other circuit, channel or stream of the process has had.
    func makeID() -> UInt64 {
        lastID += 1
        return UInt64(index) << 48 | lastID
    }

    /// Reads the clock for a batch.
    func readClock() {
        now = .now
        let passed = (now - epoch).components
        let microseconds = UInt64(max(0, passed.seconds)) &* 1_000_000 &+ UInt64(passed.attoseconds / 1_000_000_000_000)
        let milliseconds = microseconds / 1_000
        coarseNow = UInt32(truncatingIfNeeded: milliseconds)
        pluginHost.now = microseconds
        clock.advance(to: milliseconds)
        if isRanked != hostDoors.attended.contains(.rank) { setRanked() }
    }
}

/// Finds the corridor of each loop: filled in once, before the first cell, and read by the loops themselves only.
package final class CorridorDirectory: @unchecked Sendable {
    // Safe: each entry is written and read on its own loop.
    private let corridors: UnsafeMutablePointer<Corridor?>
    private let count: Int

    /// Room for the corridors of `count` loops.
    package init(count: Int) {
        self.count = count
        corridors = .allocate(capacity: count)
        corridors.initialize(repeating: nil, count: count)
    }

    deinit {
        corridors.deinitialize(count: count)
        corridors.deallocate()
    }

    /// Puts a corridor in its place; call on its loop.
    package func put(_ corridor: Corridor) { corridors[corridor.index] = corridor }

    /// Takes it out again; call on its loop.
    package func remove(_ index: Int) { corridors[index] = nil }

    /// The corridor of a loop; call on that loop.
    package func corridor(_ index: Int) -> Corridor? { corridors[index] }
}

extension NIOLoopBound where Value == Corridor {
    /// Once a second.
    @Sendable
    fileprivate func tick(_ task: RepeatedTask) { value.tick() }
}
