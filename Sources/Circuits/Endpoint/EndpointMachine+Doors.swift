package import Cells
package import OnionCrypto

/// Messages that a plugin has dealt with, or has made: what windows have to do with them.
extension EndpointMachine {
    /// A message has come that a plugin has dealt with: DATA counts for the windows as always, nothing else is noted.
    ///
    /// - Returns: `deliverData` where a stream of ours is to be acknowledged, without bytes for its owner.
    package mutating func receiveHandled(
        _ header: RelayMessageHeader, tag: OnionTag, hop: Int = 0, by decider: inout some FlowDecider & ~Copyable
    ) -> ReceivedMessage {
        guard header.command == .data else { return ReceivedMessage(action: .none, sendmeDue: nil) }
        var due: OnionTag?
        // tor-spec §7.3: each DATA counts for the circuit's window, whoever it is for.
        switch noteData(hop: hop, by: &decider) {
        case .none: break
        case .sendSendme: due = tag
        case .destroyCircuit: return ReceivedMessage(action: .destroyCircuit(.torProtocol), sendmeDue: nil)
        }
        guard header.streamID != .zero, let slot = find(header.streamID, hop) else {
            return ReceivedMessage(action: .none, sendmeDue: due)
        }
        let action: ReceiveMessageAction =
            switch streams.receiveData(slot, by: &decider) {
            case .accept: .deliverData(streams.handle(at: slot))
            case .violation: .destroyCircuit(.torProtocol)
            case .late, .unexpected: .none
            }
        return ReceivedMessage(action: action, sendmeDue: due)
    }

    /// How many bytes `package` would put into the next DATA cell, of so many.
    package func nextLength(available: Int) -> Int {
        let isForced = cellsUntilRandomness == 0 && !hasSentRandomness
        return min(available, dataLimit, CellsSpec.relayDataLength - (isForced ? Self.roomForRandomness : 0))
    }

    /// Judges a message that a plugin delivers as if it had come from `hop`.
    ///
    /// DATA counts for no window: no window was spent on it where it was taken.
    package mutating func receiveDelivered(
        _ header: RelayMessageHeader, data: RawSpan, hop: Int = 0, by decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        guard header.command == .data else { return receiveOther(header, data, hop, false, &decider) }
        guard header.streamID != .zero, let slot = find(header.streamID, hop), let stream = streams[slot] else {
            return .ignore(.unknownStream)
        }
        switch stream.state {
        case .open, .owesConnected: return .deliverData(streams.handle(at: slot))
        case .halfClosed: return .ignore(.late)
        case .awaitingConnected, .awaitingResolved, .owesResolved: return .ignore(.streamState)
        }
    }
}
