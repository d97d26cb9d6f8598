internal import Cells
internal import Circuits
internal import Hooks
internal import OnionCrypto
internal import PluginHost

/// The desk's doors: messages that come, messages that are about to leave, and those that plugins deliver.
extension Corridor {
    /// Commands from here on are for the plugins' own exchange, of which no plugin is asked.
    private static let firstOwnCommand: UInt8 = 0xE0

    /// Asks at `relay_message`, and does what the answer says.
    ///
    /// - Returns: whether the built-in is to see the message, which may be another now.
    @inline(never)
    func askMessage(
        _ cell: inout Cell, _ header: inout RelayMessageHeader, _ tag: OnionTag, _ reference: CircuitReference,
        hop: Int = 0, _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) -> Bool {
        guard header.command.rawValue < Self.firstOwnCommand, let doors = doors(of: reference) else { return true }
        var context = RelayMessageContext()
        context.parameter = HookPoint.torCommand + UInt32(header.command.rawValue)
        context.hop = UInt32(hop)
        context.stream = UInt32(header.streamID.rawValue)
        context.isEarly = cell.command == .relayEarly ? 1 : 0
        context.payloadLength = UInt32(header.length)
        var rewritten: [UInt8]?
        let answer = doors.pointee.doors.relayMessage(
            &context, data: cell.bodyBytes.extracting(header.dataRange), rewritten: &rewritten)
        guard finishAsking(reference, doors) else { return false }
        switch answer {
        case .builtIn: return true
        case .verdict(.byDefault):
            if let rewritten { replace(with: rewritten, &cell, &header) }
            return true
        case .verdict(.handled):
            skip(header, tag, reference, hop, endpoint)
            return false
        case .verdict(.drop):
            if endpoint.pointee.machine.parameters.isStrict {
                counters.protocolViolations &+= 1
                destroy(reference, .torProtocol)
            } else {
                skip(header, tag, reference, hop, endpoint)
            }
            return false
        case .verdict(.destroyCircuit):
            destroyAttended(reference)
            return false
        case .destroyCircuit: return false
        }
    }

    private func replace(with bytes: [UInt8], _ cell: inout Cell, _ header: inout RelayMessageHeader) {
        header.length = min(bytes.count, CellsSpec.relayDataLength)
        let offset = header.dataOffset
        let length = header.length
        var body = cell.body
        // Safe: a cell holds that much from there.
        body.withUnsafeMutableBytes { body in
            bytes.withUnsafeBytes { bytes in
                guard let target = body.baseAddress, let source = bytes.baseAddress else { return }
                (target + offset).copyMemory(from: source, byteCount: length)
            }
        }
    }

    /// A plugin has dealt with a message: the windows hear of it, the stream does not.
    private func skip(
        _ header: RelayMessageHeader, _ tag: OnionTag, _ reference: CircuitReference, _ hop: Int,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        let generation = generation(of: reference)
        var flow = flow(of: reference, endpoint)
        let received = endpoint.pointee.machine.receiveHandled(header, tag: tag, hop: hop, by: &flow)
        guard settle(flow, reference) else { return }
        if let due = received.sendmeDue {
            switch reference.kind {
            case .relay: sendCircuitSendme(quoting: due, circuit: reference.slot)
            case .origin: sendCircuitSendme(quoting: due, hop: hop, origin: reference.slot)
            case .leg: break
            }
            guard isThere(reference, generation) else { return }
        }
        switch received.action {
        case .deliverData(let handle): acknowledgeHandled(handle, reference, hop, endpoint)
        case .destroyCircuit(let reason):
            counters.protocolViolations &+= 1
            destroy(reference, reason)
        default: break
        }
    }

    /// A stream's DATA has gone to a plugin: the stream is acknowledged as if its owner had taken it.
    func acknowledgeHandled(
        _ handle: StreamHandle, _ reference: CircuitReference, _ hop: Int,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        guard let id = endpoint.pointee.machine.streamID(of: handle) else { return }
        if endpoint.pointee.stream(at: handle)?._withUnsafeGuaranteedRef({ $0.isBacklogged }) == true { return }
        let site: CircuitStream.Site =
            reference.kind == .relay
            ? .relay(circuits.handle(reference.slot)) : .origin(origins.handle(reference.slot))
        var flow = flow(of: reference, endpoint)
        let count = endpoint.pointee.machine.acknowledge(handle, by: &flow)
        guard settle(flow, reference) else { return }
        guard let count else { return closeForFlow(reference) }
        for _ in 0..<count { sendStreamSendme(id, hop: hop, site: site) }
    }

    private func destroy(_ reference: CircuitReference, _ reason: DestroyReason) {
        switch reference.kind {
        case .relay: closeCircuit(reference.slot, reason)
        case .origin: closeOrigin(reference.slot, ending(of: reference.slot, reason))
        case .leg: break
        }
    }

    // MARK: Messages that leave

    /// Asks at `message_packaging` of a message that is laid out and waits for its layers.
    ///
    /// - Returns: whether it is to be sent.
    @inline(never)
    func askPackaging(_ cell: borrowing Cell, _ reference: CircuitReference, hop: Int = 0) -> Bool {
        guard let header = try? RelayCellFormat.v0.decodeHeader(cell.bodyBytes) else { return true }
        return askPackaging(
            header.command, header.streamID, cell.bodyBytes.extracting(header.dataRange), reference, hop: hop)
            == .goOn
    }

    /// Asks at `message_packaging`.
    func askPackaging(
        _ command: RelayCommand, _ id: StreamID, _ data: RawSpan, _ reference: CircuitReference, hop: Int
    ) -> DoorOutcome {
        guard command.rawValue < Self.firstOwnCommand, let doors = doors(of: reference) else { return .goOn }
        var context = MessagePackagingContext()
        context.parameter = HookPoint.torCommand + UInt32(command.rawValue)
        context.hop = UInt32(hop)
        context.stream = UInt32(id.rawValue)
        context.payloadLength = UInt32(data.byteCount)
        let answer = doors.pointee.doors.messagePackaging(&context, data: data)
        guard finishAsking(reference, doors) else { return .gone }
        switch answer {
        case .verdict(.taken): return .handled
        case .verdict(.byDefault), .builtIn: return .goOn
        case .destroyCircuit: return .gone
        }
    }

    // MARK: Messages that are delivered

    /// Treats a plugin's message as if a hop had sent it. No plugin is asked of it at `relay_message`.
    func deliver(
        _ bytes: [UInt8], _ command: RelayCommand, _ id: StreamID, hop: UInt32, _ reference: CircuitReference
    ) {
        guard command.rawValue < Self.firstOwnCommand else { return }
        let header = RelayMessageHeader(command: command, streamID: id, dataOffset: 0, length: bytes.count)
        let data = bytes.span.bytes
        switch reference.kind {
        case .relay:
            guard hop == 0 else { return }
            let endpoint = endpoint(of: reference.slot)
            var flow = flow(of: reference, endpoint)
            let action = endpoint.pointee.machine.receiveDelivered(header, data: data, by: &flow)
            guard settle(flow, reference) else { return }
            perform(action, id, data, circuit: reference.slot, endpoint)
        case .origin:
            let origin = origins.pointer(reference.slot)
            guard Int(hop) < origin.pointee.machine.hopCount, let endpoint = origin.pointee.endpoint else { return }
            var flow = flow(of: reference, endpoint)
            let action = endpoint.pointee.machine.receiveDelivered(header, data: data, hop: Int(hop), by: &flow)
            guard settle(flow, reference) else { return }
            perform(action, id, data, hop: Int(hop), origin: reference.slot, endpoint)
        case .leg: break
        }
    }
}

/// What a door's answer leaves to do.
enum DoorOutcome {
    /// As if nobody stood there.
    case goOn
    /// Nothing: a plugin has dealt with it.
    case handled
    /// Nothing: the circuit is gone.
    case gone
}
