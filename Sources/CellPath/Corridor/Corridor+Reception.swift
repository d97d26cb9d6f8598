internal import Cells
internal import Channels
internal import Circuits

/// Reception and key cabinet: which circuit is this cell for, and which way does it go?
extension Corridor {
    /// Takes a fixed-length cell from an open channel.
    func receive(_ cell: consuming Cell, on channel: UInt32) {
        counters.received &+= 1
        channels.pointer(channel).pointee.lastReceived = now
        switch cell.command {
        case .relay, .relayEarly:
            guard let reference = channels.pointer(channel).pointee.table[cell.circuitID] else {
                counters.droppedUnknownCircuit &+= 1
                return
            }
            switch reference.kind {
            case .relay: receiveForward(cell, circuit: reference.slot)
            case .leg: receiveFromLeg(cell, leg: reference.slot)
            case .origin: receiveAtOrigin(cell, origin: reference.slot)
            }
        case .padding:
            counters.droppedPadding &+= 1
        case .create, .createFast, .create2:
            receiveCreate(cell, on: channel)
        case .created, .createdFast, .created2:
            receiveCreated(cell, on: channel)
        case .destroy:
            receiveDestroy(cell, on: channel)
        case .paddingNegotiate:
            receivePaddingNegotiate(cell, on: channel)
        default:
            counters.droppedCommand &+= 1
        }
    }

    private func receiveCreated(_ cell: consuming Cell, on channel: UInt32) {
        guard let reference = channels.pointer(channel).pointee.table[cell.circuitID] else {
            counters.droppedUnknownCircuit &+= 1
            return
        }
        counters.recognised &+= 1
        switch reference.kind {
        case .relay:
            // The peer answers a circuit that it made itself.
            closeForViolation(reference.slot)
        case .leg:
            receiveLegAnswer(cell, leg: reference.slot)
        case .origin:
            receiveOriginAnswer(cell, origin: reference.slot)
        }
    }

    private func receiveDestroy(_ cell: consuming Cell, on channel: UInt32) {
        guard let reference = channels.pointer(channel).pointee.table[cell.circuitID] else {
            counters.droppedUnknownCircuit &+= 1
            return
        }
        counters.recognised &+= 1
        let reason = (try? DestroyCell(body: cell.bodyBytes))?.reason ?? .none
        switch reference.kind {
        case .relay:
            // The reason stays with us: passed on, it would be a side channel. The same holds for a leg.
            closeCircuit(reference.slot, .destroyed, tellsClientward: false)
        case .leg:
            endLeg(reference.slot, .destroyed, tellsPeer: false)
        case .origin:
            let hopCount = origins.pointer(reference.slot).pointee.object.hopCount
            closeOrigin(
                reference.slot, CircuitEnding(reason: reason, isRemote: true, hopCount: hopCount), tellsPeer: false)
        }
    }
}
