package import Cells
package import Hooks

/// A negotiated plugin that has gone by itself, or was stopped.
package struct PluginDeparture: Equatable, Sendable {
    /// Which one.
    package let identity: [UInt8]
    /// Why.
    package let reason: PluginDetachReason
    /// What it had counted.
    package let counters: [UInt64]
}

/// What negotiated plugins need of a circuit's doors beside the questions.
extension Doors {
    /// Those that the operator or user has installed, in order.
    var installed: [Plugin] {
        (0..<count).filter { !attendants[$0].isNegotiated }.map { attendants[$0].plugin }
    }

    /// Whether a plugin that was negotiated is there.
    package func hasNegotiated(_ identity: [UInt8]) -> Bool { place(of: identity, isNegotiated: true) != nil }

    /// What a negotiated plugin has counted: its own counters, its calls, its fuel; nil if it is not there.
    package func negotiatedCounters(of identity: [UInt8]) -> [UInt64]? {
        place(of: identity, isNegotiated: true).map { attendants[$0].counters }
    }

    /// A message from the other half of a negotiated plugin.
    package mutating func pluginMessage(
        _ command: UInt16, of identity: [UInt8], hop: UInt32, body: RawSpan
    ) -> Answer<MessageVerdict> {
        guard let place = place(of: identity, isNegotiated: true), attendants[place].doors.contains(.relayMessage),
            attendants[place].hears(hop)
        else { return .builtIn }
        var context = RelayMessageContext()
        context.parameter = UInt32(command)
        context.hop = hop
        return decide(at: place, &context, show: body)
    }
}
