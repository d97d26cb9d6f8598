internal import EBPF

/// One event loop's plugins: where their memory comes from, what they count, what time it is.
///
/// Confined to its loop. Time, random numbers and somewhere for lines of log are given to it; it reads no clock and no file. It
/// must outlive the `Doors` made with it.
package final class PluginHost {
    /// The loop's clock in microseconds, since whatever moment the loop likes; set once a batch, never back.
    package var now: UInt64 = 0

    let pool: ArenaPool
    /// For all that peers brought.
    private var peerFuel: RateMeter
    /// Bytes of instances that peers brought, and how many there may be: half, so that they leave room for the operator's own.
    private var peerMemory = 0
    private let peerMemoryLimit: Int
    private let randomSource: () -> UInt64
    private let logLine: (_ plugin: String, _ line: String) -> Void
    private let report: (_ plugin: String, _ failure: PluginFailure) -> Void
    private var blocks: [[UInt8]: CounterBlock] = [:]
    /// What has happened to plugins that peers brought, all together: theirs are no names to be kept.
    private var peers = [UInt64](repeating: 0, count: PluginStatistic.allCases.count)

    /// A loop's host.
    ///
    /// - Parameters:
    ///   - random: 64 random bits.
    ///   - log: takes a plugin's line.
    ///   - report: hears of the first failure of each kind of each plugin.
    package init(
        budget: PluginBudget = PluginBudget(), random: @escaping () -> UInt64,
        log: @escaping (_ plugin: String, _ line: String) -> Void = { _, _ in },
        report: @escaping (_ plugin: String, _ failure: PluginFailure) -> Void = { _, _ in }
    ) {
        pool = ArenaPool(limit: budget.totalMemory)
        peerMemoryLimit = budget.totalMemory / 2
        peerFuel = RateMeter(perSecond: budget.hostCPU * 1000 * PluginLimits.fuelPerMicrosecond)
        randomSource = random
        logLine = log
        self.report = report
    }

    /// Makes sure that an instance of each of so many circuits finds memory at hand.
    package func reserve(_ count: Int, for plugin: Plugin) {
        try? pool.reserve(count, arenaSize: plugin.module.layout.size)
    }

    /// Bytes mapped for instances.
    package var memory: Int { pool.mappedBytes }

    /// What every plugin that has ever been here has counted on this loop.
    ///
    /// Those that peers brought are one line: what they count themselves is their bringers' affair.
    package var counters: [PluginCounters] {
        var counters = blocks.values.map(\.snapshot).sorted { ($0.name, $0.version) < ($1.name, $1.version) }
        if peers.contains(where: { $0 > 0 }) {
            let values = PluginStatistic.allCases.map { (name: $0.name, value: peers[$0.rawValue]) }
            counters.append(
                PluginCounters(
                    name: "peers", version: PluginVersion(major: 0, minor: 0, patch: 0), identity: [], values: values))
        }
        return counters
    }

    /// A plugin's counters.
    func counters(of plugin: Plugin) -> CounterBlock {
        if let block = blocks[plugin.file.identity] { return block }
        let block = CounterBlock(plugin)
        blocks[plugin.file.identity] = block
        return block
    }

    /// Notes that something has happened to a plugin.
    func note(_ statistic: PluginStatistic, _ plugin: Plugin) {
        guard plugin.grant.bringer == .installed else {
            peers[statistic.rawValue] &+= 1
            return
        }
        counters(of: plugin).add(statistic)
    }

    /// Counts a failure, and tells of the first of its kind.
    func note(_ failure: PluginFailure, _ plugin: Plugin) {
        guard plugin.grant.bringer == .installed else { return note(failure.kind, plugin) }
        let block = counters(of: plugin)
        if block[failure.kind] == 0 { report(plugin.metadata.name, failure) }
        block.add(failure.kind)
    }

    /// Takes fuel from what all peers' plugins may use.
    func takePeerFuel(_ fuel: UInt64) -> Bool { peerFuel.take(fuel, now: now) }

    /// Adds what an instance of a peer's has been called and has used, when it goes.
    func notePeer(calls: UInt64, fuel: UInt64) {
        peers[PluginStatistic.calls.rawValue] &+= calls
        peers[PluginStatistic.fuel.rawValue] &+= fuel
    }

    /// Takes memory for an instance of a peer's; false if peers have all that they may.
    func takePeerMemory(_ bytes: Int) -> Bool {
        guard peerMemory + bytes <= peerMemoryLimit else { return false }
        peerMemory += bytes
        return true
    }

    /// Gives it back.
    func givePeerMemory(_ bytes: Int) { peerMemory -= bytes }

    func random() -> UInt64 { randomSource() }

    /// A plugin's line for the log.
    ///
    /// - Returns: false if there have been too many of late.
    func log(_ name: String, _ identity: [UInt8], _ line: [UInt8]) -> Bool {
        guard let block = blocks[identity], block.lines.take(1, now: now) else { return false }
        logLine(name, String(decoding: line, as: UTF8.self))
        return true
    }
}

/// What one plugin has counted on one loop.
package struct PluginCounters: Equatable, Sendable {
    /// The plugin.
    package let name: String
    /// Its version.
    package let version: PluginVersion
    /// Its identity.
    package let identity: [UInt8]
    /// Its own counters, by name; and those of the host about it.
    package var values: [(name: String, value: UInt64)]

    /// All of it.
    package init(
        name: String, version: PluginVersion, identity: [UInt8], values: [(name: String, value: UInt64)]
    ) {
        self.name = name
        self.version = version
        self.identity = identity
        self.values = values
    }

    package static func == (left: PluginCounters, right: PluginCounters) -> Bool {
        left.identity == right.identity
            && left.values.elementsEqual(right.values) { $0.name == $1.name && $0.value == $1.value }
    }

    /// A value by name; 0 if there is none.
    package subscript(name: String) -> UInt64 { values.first { $0.name == name }?.value ?? 0 }

    /// The sums over loops, in the order of names.
    package static func sum(_ loops: [[PluginCounters]]) -> [PluginCounters] {
        var sums: [PluginCounters] = []
        for counters in loops.joined() {
            guard let place = sums.firstIndex(where: { $0.identity == counters.identity }) else {
                sums.append(counters)
                continue
            }
            for index in counters.values.indices { sums[place].values[index].value &+= counters.values[index].value }
        }
        return sums.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
    }

    /// As `GETINFO plugin/counters` has it: a line each, `NAME VERSION COUNTER=VALUE ...`.
    package var line: String {
        ([name, version.description] + values.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
    }
}

/// A plugin's counters on one loop, at a fixed address: those that it names, and the host's own behind them. Outlives its
/// instances.
final class CounterBlock {
    private let plugin: PluginMetadata
    private let identity: [UInt8]
    /// The plugin's own, in 16 places; then the host's.
    let words: UnsafeMutablePointer<UInt64>
    var lines = RateMeter(perSecond: PluginLimits.logLines)

    /// Where the host's own begin.
    static let firstStatistic = 16

    init(_ plugin: Plugin) {
        self.plugin = plugin.metadata
        identity = plugin.file.identity
        let count = Self.firstStatistic + PluginStatistic.allCases.count
        words = .allocate(capacity: count)
        words.initialize(repeating: 0, count: count)
    }

    deinit { words.deallocate() }

    subscript(statistic: PluginStatistic) -> UInt64 { words[Self.firstStatistic + statistic.rawValue] }

    func add(_ statistic: PluginStatistic) { words[Self.firstStatistic + statistic.rawValue] &+= 1 }

    var snapshot: PluginCounters {
        var values = plugin.counters.enumerated().map { (name: $0.element, value: words[$0.offset]) }
        values += PluginStatistic.allCases.map { (name: $0.name, value: self[$0]) }
        return PluginCounters(name: plugin.name, version: plugin.version, identity: identity, values: values)
    }
}
