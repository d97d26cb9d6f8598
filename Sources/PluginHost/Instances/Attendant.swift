internal import EBPF
internal import Hooks

/// A plugin that stands at doors: its instance, and what a call needs, side by side.
///
/// Lives at a fixed address, since its desk is known to the machine. A call touches no reference count: what it needs of the
/// plugin was copied or is reached through pointers that the plugin, held here, keeps alive.
struct Attendant: ~Copyable {
    let plugin: Plugin
    var instance: Instance
    let desk: UnsafeMutablePointer<InstanceDesk>
    private let stands: UnsafePointer<Plugin.Stand>
    private let firstStand: InlineArray<21, UInt8>
    let doors: DoorSet
    let capabilities: Capabilities
    private let fuel: UInt64
    private let context: Int
    let payload: Int
    let answer: Int
    /// Whether a peer brought it.
    let isPeers: Bool
    /// Whether it came by negotiation, from either end: no change of the operator's plugins touches it.
    let isNegotiated: Bool
    /// At a client, the hop that brought it, of which alone it hears; else any.
    let onlyHop: UInt32
    /// What a peer's instance counts; the operator's count in their loop's.
    private let ownCounters: CounterBlock?
    /// To how many microseconds its clock is rounded; 1 is exactly.
    private let clock: UInt64
    /// Detached; waits to be taken away.
    var isGone = false

    /// A new instance, its programs not yet called.
    init(
        _ plugin: Plugin, host: PluginHost, isNegotiated: Bool = false, onlyHop: UInt32 = Self.anyHop
    ) throws(PluginFailure) {
        self.plugin = plugin
        self.isNegotiated = isNegotiated
        self.onlyHop = onlyHop
        ownCounters = plugin.grant.bringer == .peer ? CounterBlock(plugin) : nil
        let isPeers = plugin.grant.bringer == .peer
        guard !isPeers || host.takePeerMemory(plugin.module.layout.size) else { throw .noMemory }
        do throws(ArenaPool.Exhausted) {
            instance = try Instance(of: plugin.module, in: host.pool)
        } catch {
            if isPeers { host.givePeerMemory(plugin.module.layout.size) }
            throw .noMemory
        }
        desk = .allocate(capacity: 1)
        desk.initialize(
            to: InstanceDesk(
                plugin: plugin, counters: (ownCounters ?? host.counters(of: plugin)).words,
                host: Unmanaged.passUnretained(host), onlyHop: onlyHop))
        stands = UnsafePointer(plugin.stands)
        firstStand = plugin.firstStand
        doors = plugin.file.doors
        capabilities = plugin.metadata.capabilities
        fuel = plugin.grant.budget.instructionsPerCall
        let windows = plugin.module.layout.windows
        context = windows[0].lowerBound
        payload = windows[1].lowerBound
        answer = windows[2].lowerBound
        self.isPeers = isPeers
        clock = plugin.grant.bringer == .peer ? PluginLimits.peerClock : 1
    }

    deinit {
        if isPeers {
            let size = plugin.module.layout.size
            desk.pointee.host._withUnsafeGuaranteedRef { $0.givePeerMemory(size) }
        }
        desk.deinitialize(count: 1)
        desk.deallocate()
    }

    /// For `onlyHop`: whatever the hop.
    static let anyHop = UInt32.max

    /// Whether it hears what concerns a hop.
    @inline(__always)
    func hears(_ hop: UInt32) -> Bool { onlyHop == Self.anyHop || onlyHop == hop }

    /// What it has counted for its bringer: its own counters, its calls, its fuel.
    var counters: [UInt64] {
        let words = desk.pointee.counters
        let own = (0..<desk.pointee.counterCount).map { words[$0] }
        return own
            + [PluginStatistic.calls, .fuel].map { words[CounterBlock.firstStatistic + $0.rawValue] }
    }

    /// The places of the programs at a door.
    @inline(__always)
    func places(at hook: Hook) -> Range<Int> {
        let number = Int(hook.rawValue)
        return Int(firstStand[number])..<Int(firstStand[number + 1])
    }

    /// Whether the program at a place answers for this value of the parameter.
    @inline(__always)
    func answers(_ place: Int, _ parameter: UInt32) -> Bool {
        let own = stands[place].parameter
        return own == Plugin.Stand.any || own == parameter
    }

    /// Puts bytes into the payload window, if the plugin may see them.
    ///
    /// - Returns: where they are, or 0 if it may not; and how many there are.
    mutating func show(_ bytes: RawSpan) -> (address: UInt32, length: UInt32) {
        guard capabilities.contains(.read) else { return (0, UInt32(truncatingIfNeeded: bytes.byteCount)) }
        return place(bytes)
    }

    /// Puts bytes into the payload window.
    mutating func place(_ bytes: RawSpan) -> (address: UInt32, length: UInt32) {
        let count = min(bytes.byteCount, PluginLimits.payloadBytes)
        let start = payload
        var memory = instance.mutableMemory
        bytes.withUnsafeBytes { source in
            memory.withUnsafeMutableBytes { target in
                // Safe: the window has `payloadBytes` bytes inside the arena.
                guard let from = source.baseAddress, let base = target.baseAddress else { return }
                (base + start).copyMemory(from: from, byteCount: count)
            }
        }
        return (UInt32(start), UInt32(count))
    }

    /// Calls the program at a place, and reads back what it may change.
    ///
    /// - Returns: r0, and the fuel that it took.
    @inline(__always)
    mutating func call<Context: HookContext>(
        _ place: Int, _ context: inout Context, now: UInt64
    ) throws(Fault) -> (answer: UInt64, fuel: UInt64) {
        let (address, fuel, desk, stands) = (self.context, fuel, desk, stands)
        desk.pointee.now = clock == 1 ? now : now / clock * clock
        desk.pointee.count(.calls, 1)
        store(context, at: address)
        let result = stands[place].program._withUnsafeGuaranteedRef { standing -> Result<UInt64, Fault> in
            do throws(Fault) {
                return .success(try instance.call(standing.program, UInt64(address), fuel: fuel, host: desk))
            } catch {
                return .failure(error)
            }
        }
        let answer = try result.get()
        if Context.hasOutputs {
            // Safe: the window is inside the arena, and any bits are a context.
            context.takeOutputs(of: instance.memory.unsafeLoad(fromByteOffset: address, as: Context.self))
        }
        let used = fuel &- instance.fuelLeft &+ PluginLimits.callFuel
        desk.pointee.count(.fuel, used)
        return (answer, used)
    }

    @inline(__always)
    private mutating func store<Context: HookContext>(_ context: Context, at address: Int) {
        var memory = instance.mutableMemory
        memory.storeBytes(of: context, toByteOffset: address, as: Context.self)
    }
}
