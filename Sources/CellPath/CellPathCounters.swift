/// What one loop has done with cells since the start: plain integers, added up when somebody asks.
package struct CellPathCounters: Sendable, Equatable {
    /// Fixed-length cells read from open channels.
    package var received = 0
    /// Cells made here: messages, answers, DESTROYs, padding.
    package var originated = 0
    /// Fixed-length cells handed to TLS.
    package var sent = 0
    /// Messages that were for this node, and cells that only concern the channel or a circuit's life.
    package var recognised = 0
    /// Cells for a circuit that is not, or no longer, there.
    package var droppedUnknownCircuit = 0
    /// CREATE cells that could not be answered: an ID that is in use, or zero.
    package var droppedCreate = 0
    /// Cells whose command means nothing, or nothing in their place.
    package var droppedCommand = 0
    /// Padding.
    package var droppedPadding = 0
    /// Padding sent on channels that had been silent.
    package var sentPadding = 0
    /// Padding that machines sent on circuits.
    package var sentCircuitPadding = 0
    /// Cells that came for a circuit or leg after it had ended, from another loop.
    package var droppedStale = 0
    /// Cells that waited in the queue of a circuit or channel that ended.
    package var droppedWithCircuit = 0
    /// Cells for which there was no memory.
    package var droppedMemory = 0
    /// Cells given to, and taken from, other loops.
    package var handedOver = 0
    /// Circuits closed for breaking the protocol.
    package var protocolViolations = 0
    /// Circuits closed for want of memory, or because their queue was too long.
    package var circuitsShed = 0
    /// Circuits made by others here.
    package var circuitsCreated = 0
    /// CREATE2s refused because the workers had too much to do.
    package var handshakesRefused = 0
    /// CREATE2s that no key of ours answers, or that are malformed.
    package var handshakesFailed = 0

    /// Circuits closed at a plugin's wish, or because one failed that they could not do without.
    package var destroyedByPlugins = 0
    /// Circuits of our own closed because a hop did not take, or keep, a plugin that is required.
    package var pluginsMissed = 0

    /// Nothing yet.
    package init() {}

    /// Adds another loop's.
    package static func += (left: inout CellPathCounters, right: CellPathCounters) {
        for path in all { left[keyPath: path] += right[keyPath: path] }
    }

    // Safe: key paths without captures are immutable.
    nonisolated(unsafe) private static let all: [WritableKeyPath<CellPathCounters, Int>] = [
        \.received, \.originated, \.sent, \.recognised, \.droppedUnknownCircuit, \.droppedCreate, \.droppedCommand,
        \.droppedPadding, \.droppedStale, \.droppedWithCircuit, \.droppedMemory, \.handedOver, \.protocolViolations,
        \.circuitsShed, \.circuitsCreated, \.handshakesRefused, \.handshakesFailed,
        \.destroyedByPlugins, \.pluginsMissed, \.sentPadding, \.sentCircuitPadding,
    ]
}
