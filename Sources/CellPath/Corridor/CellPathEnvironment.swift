package import Cells
package import Logging
package import NIOCore
package import PluginHost
package import Transport

/// What all corridors of a node share. Everything in it is safe to use from any loop.
package final class CellPathEnvironment: Sendable {
    /// The event loops that carry cells, by number.
    package let loops: [any EventLoop]
    /// `MaxMemInQueues`.
    package let memory: MemoryBudget
    /// Bandwidth limits.
    package let bandwidth: SharedBandwidth
    /// Which relays we have channels to.
    package let channels: ChannelTable
    /// Who answers CREATE2.
    package let workers: HandshakeWorkers
    /// How connections are opened.
    package let dialer: any Dialer
    /// What this node runs for peers; nil if it does not speak of plugins.
    package let plugins: PluginShelf?
    let exchange: LoopExchange
    let logger: Logger

    /// The shared parts of a node with these loops.
    package init(
        loops: [any EventLoop], memory: MemoryBudget, bandwidth: SharedBandwidth, dialer: any Dialer,
        workerCount: Int, onionQueueDelay: Duration = CellPathLimits.onionQueueDelay, plugins: PluginShelf? = nil,
        logger: Logger
    ) {
        precondition(!loops.isEmpty)
        self.loops = loops
        self.memory = memory
        self.bandwidth = bandwidth
        self.dialer = dialer
        self.logger = logger
        self.plugins = plugins
        channels = ChannelTable(loopCount: loops.count)
        exchange = LoopExchange(loops: loops)
        workers = HandshakeWorkers(loops: loops, threadCount: workerCount, maximumDelay: onionQueueDelay)
    }
}
