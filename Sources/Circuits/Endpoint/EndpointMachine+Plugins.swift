internal import Cells
internal import OnionCrypto

/// The exchange of plugins as flow control sees it: code and messages count like DATA, and belong to no stream
/// (docs/plugin-protocol.md §3).
extension EndpointMachine {
    /// The handshake with a hop spoke of plugins; at a relay the hop is 0.
    package mutating func allowPlugins(hop: Int) {
        if 0..<8 ~= hop { pluginHops |= 1 << UInt8(hop) }
    }

    /// Whether a hop may send messages of the exchange.
    func speaksPlugins(hop: Int) -> Bool { 0..<8 ~= hop && pluginHops & 1 << UInt8(hop) != 0 }

    /// Counts a message of the exchange that is about to be packaged for a hop.
    ///
    /// - Returns: false if the window is closed: nothing is counted then.
    package mutating func packageMessage(hop: Int, by decider: inout some FlowDecider & ~Copyable) -> Bool {
        guard sendableCells(hop: hop, by: &decider) > 0 else { return false }
        notePackaged(hop: hop, by: &decider)
        return true
    }

    mutating func receivePlugin(
        _ header: RelayMessageHeader, _ tag: OnionTag, _ hop: Int, _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceivedMessage {
        guard header.streamID == .zero else {
            return ReceivedMessage(action: .destroyCircuit(.torProtocol), sendmeDue: nil)
        }
        guard header.command.countsLikeData else {
            return ReceivedMessage(action: .plugin(header.command), sendmeDue: nil)
        }
        switch noteData(hop: hop, by: &decider) {
        case .none: return ReceivedMessage(action: .plugin(header.command), sendmeDue: nil)
        case .sendSendme: return ReceivedMessage(action: .plugin(header.command), sendmeDue: tag)
        case .destroyCircuit: return ReceivedMessage(action: .destroyCircuit(.torProtocol), sendmeDue: nil)
        }
    }
}
