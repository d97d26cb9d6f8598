package import Cells
package import OnionCrypto

extension EndpointMachine {
    /// Judges a relay message that was recognised here.
    ///
    /// - Parameters:
    ///   - header: of the message.
    ///   - data: its own bytes, those of `header.dataRange`.
    ///   - tag: of its cell.
    ///   - hop: who sent it; 0 at a relay.
    ///   - isEarly: whether it came in RELAY_EARLY.
    ///   - decider: who decides about flow control.
    package mutating func receive(
        _ header: RelayMessageHeader, data: RawSpan, tag: OnionTag, hop: Int = 0, isEarly: Bool = false,
        by decider: inout some FlowDecider & ~Copyable
    ) -> ReceivedMessage {
        guard header.command == .data else {
            if header.command.isPlugin, speaksPlugins(hop: hop) { return receivePlugin(header, tag, hop, &decider) }
            return ReceivedMessage(action: receiveOther(header, data, hop, isEarly, &decider), sendmeDue: nil)
        }
        // tor-spec §7.3: each DATA counts for the circuit's window, whether its stream is known or not.
        switch noteData(hop: hop, by: &decider) {
        case .none: return ReceivedMessage(action: receiveData(header.streamID, hop, &decider), sendmeDue: nil)
        case .sendSendme: return ReceivedMessage(action: receiveData(header.streamID, hop, &decider), sendmeDue: tag)
        case .destroyCircuit: return ReceivedMessage(action: .destroyCircuit(.torProtocol), sendmeDue: nil)
        }
    }

    private mutating func receiveData(
        _ id: StreamID, _ hop: Int, _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        guard id != .zero else { return unexpected(.noStream) }
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        switch streams.receiveData(slot, by: &decider) {
        case .accept: return .deliverData(streams.handle(at: slot))
        case let verdict: return settle(verdict)
        }
    }

    mutating func receiveOther(
        _ header: RelayMessageHeader, _ data: RawSpan, _ hop: Int, _ isEarly: Bool,
        _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        let id = header.streamID
        switch header.command {
        case .sendme where id == .zero:
            switch noteSendme(data, hop: hop, by: &decider) {
            case .open: return .circuitMaySend(hop: hop)
            case .destroyCircuit: return .destroyCircuit(.torProtocol)
            }
        case .sendme:
            return receiveSendme(id, hop, &decider)
        case .xoff:
            return receiveXoff(id, data, hop)
        case .xon:
            return receiveXon(id, data, hop, &decider)
        case .begin, .beginDirectory, .resolve:
            guard id != .zero else { return unexpected(.noStream) }
            guard role == .relay else { return unexpected(.wrongEnd) }
            return receiveOpening(header.command, id, data)
        case .connected:
            guard id != .zero else { return unexpected(.noStream) }
            return receiveConnected(id, data, hop)
        case .resolved:
            guard id != .zero else { return unexpected(.noStream) }
            return receiveResolved(id, data, hop)
        case .end:
            guard id != .zero else { return unexpected(.noStream) }
            return receiveEnd(id, data, hop)
        case .extend, .extend2:
            return receiveExtend(header, data, isEarly)
        case .extended2:
            guard role == .client else { return unexpected(.wrongEnd) }
            guard let message = try? Extended2Message(data: data) else { return .destroyCircuit(.torProtocol) }
            return .extended(message)
        case .extended:
            // We never send EXTEND, so nobody has it to answer.
            return role == .client ? .destroyCircuit(.torProtocol) : unexpected(.wrongEnd)
        case .truncate:
            guard role == .relay else { return unexpected(.wrongEnd) }
            return .truncate(data.byteCount == 0 ? nil : reason(data))
        case .truncated:
            guard role == .client else { return unexpected(.wrongEnd) }
            return data.byteCount == 0 ? .destroyCircuit(.torProtocol) : .truncated(reason(data))
        case .drop:
            return .drop
        default:
            return unexpected(.unknownCommand)
        }
    }

    // MARK: Streams

    private mutating func receiveSendme(
        _ id: StreamID, _ hop: Int, _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        switch streams.receiveSendme(slot, by: &decider) {
        case .accept:
            let handle = streams.handle(at: slot)
            // Who waits for the circuit's window too stays in line.
            guard streams.isWaiting(slot), canPackage(handle, by: &decider) else { return .none }
            streams.call(slot)
            return .streamMaySend(handle)
        case let verdict: return settle(verdict)
        }
    }

    private mutating func receiveXoff(_ id: StreamID, _ data: RawSpan, _ hop: Int) -> ReceiveMessageAction {
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        guard (try? XoffMessage(data: data)) != nil else { return unexpected(.malformed) }
        let verdict = streams.receiveXoff(slot)
        guard verdict == .accept else { return settle(verdict) }
        return isExcessive(slot) ? .destroyCircuit(.torProtocol) : .none
    }

    private mutating func receiveXon(
        _ id: StreamID, _ data: RawSpan, _ hop: Int, _ decider: inout some FlowDecider & ~Copyable
    ) -> ReceiveMessageAction {
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        guard let message = try? XonMessage(data: data) else { return unexpected(.malformed) }
        let verdict = streams.receiveXon(slot)
        guard verdict == .accept else { return settle(verdict) }
        guard !isExcessive(slot) else { return .destroyCircuit(.torProtocol) }
        let handle = streams.handle(at: slot)
        // Who waits for the circuit's window too stays in line.
        let isCalled = streams.isWaiting(slot) && canPackage(handle, by: &decider)
        if isCalled { streams.call(slot) }
        return .streamPaced(handle, rate: message.rate, maySend: isCalled)
    }

    /// As C Tor, a client that is not strict lets it be.
    private func isExcessive(_ slot: Int) -> Bool {
        parameters.isStrict && role == .client && streams[slot]?.isExcessive(parameters.congestion) == true
    }

    private mutating func receiveConnected(_ id: StreamID, _ data: RawSpan, _ hop: Int) -> ReceiveMessageAction {
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        let verdict = streams.receiveConnected(slot)
        guard verdict == .accept else { return settle(verdict) }
        let handle = streams.handle(at: slot)
        // C Tor: a malformed CONNECTED, or one that names no address at all, ends the stream only.
        guard let message = try? ConnectedMessage(data: data), message.address?.isUnspecified != true else {
            streams.halfClose(slot)
            return .failStream(
                handle, id, sending: EndMessage(reason: .misc), telling: EndMessage(reason: .torProtocol))
        }
        return .streamConnected(handle, message)
    }

    private mutating func receiveResolved(_ id: StreamID, _ data: RawSpan, _ hop: Int) -> ReceiveMessageAction {
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        let verdict = streams[slot]?.receiveResolved() ?? .unexpected
        let handle = streams.handle(at: slot)
        guard verdict == .accept else {
            if verdict == .late { streams.remove(slot) }
            return settle(verdict)
        }
        streams.remove(slot)
        guard let message = try? ResolvedMessage(data: data) else {
            return .streamEnded(handle, EndMessage(reason: .torProtocol))
        }
        return .streamResolved(handle, message)
    }

    private mutating func receiveEnd(_ id: StreamID, _ data: RawSpan, _ hop: Int) -> ReceiveMessageAction {
        // C Tor 0.4.9: an END that gives no reason ends the circuit, whether its stream is known or not. (tor-spec §6.3 would
        // take it as MISC; nobody sends one.)
        guard data.byteCount > 0 else { return .destroyCircuit(.torProtocol) }
        guard let slot = find(id, hop) else { return unexpected(.unknownStream) }
        // A malformed address of EXITPOLICY is no reason to keep the stream.
        let message = (try? EndMessage(data: data)) ?? EndMessage(reason: .torProtocol)
        // Safe: there is a byte, and any bits are one.
        let reason = EndReason(rawValue: data.unsafeLoad(as: UInt8.self))
        let verdict = streams[slot]?.receiveEnd(reason) ?? .unexpected
        let handle = streams.handle(at: slot)
        guard verdict == .accept else {
            if verdict == .late { streams.remove(slot) }
            return settle(verdict)
        }
        streams.remove(slot)
        return .streamEnded(handle, message)
    }

    private mutating func receiveOpening(
        _ command: RelayCommand, _ id: StreamID, _ data: RawSpan
    ) -> ReceiveMessageAction {
        guard streams.slot(of: id) == nil else { return unexpected(.streamInUse) }
        let opening: StreamOpening
        if command == .resolve {
            guard let message = try? ResolveMessage(data: data) else {
                return refuseResolve(id, .permanentError)
            }
            opening = .resolve(message)
        } else if command == .begin {
            guard let message = try? BeginMessage(data: data) else {
                return .refuseStream(id, .end(EndMessage(reason: .torProtocol)))
            }
            opening = .begin(message)
        } else {
            opening = .beginDirectory
        }
        let state: StreamMachine.State = command == .resolve ? .owesResolved : .owesConnected
        let stream = StreamMachine(id: id, hop: 0, state: state, hasWindows: hasStreamWindows(hop: 0))
        guard let handle = streams.insert(stream) else {
            // Not RESOURCELIMIT, of which C Tor's clients conclude that the exit is of no use at all.
            if command == .resolve { return refuseResolve(id, .transientError) }
            return .refuseStream(id, .end(EndMessage(reason: .misc)))
        }
        return .openStream(handle, id, opening)
    }

    private func refuseResolve(_ id: StreamID, _ error: ResolvedMessage.Value) -> ReceiveMessageAction {
        .refuseStream(id, .resolved(ResolvedMessage(answers: [.init(error, timeToLive: 0)])))
    }

    /// tor-spec §6.2: a stream is one of the circuit and of the hop that it was opened at.
    func find(_ id: StreamID, _ hop: Int) -> Int? {
        guard let slot = streams.slot(of: id), let stream = streams[slot], Int(stream.hop) == hop else { return nil }
        return slot
    }

    // MARK: The circuit

    private func receiveExtend(
        _ header: RelayMessageHeader, _ data: RawSpan, _ isEarly: Bool
    ) -> ReceiveMessageAction {
        guard header.streamID == .zero, role == .relay else { return unexpected(.wrongEnd) }
        // tor-spec §5.6: "relays should reject any EXTEND/EXTEND2 cell not received in a RELAY_EARLY cell".
        guard isEarly || parameters.allowsNonEarlyExtend else { return unexpected(.notEarly) }
        // EXTEND carries TAP only, which is gone: C Tor destroys the circuit. tor-spec §5.1.2: exactly one RSA identity, at
        // most one Ed25519 identity, at least one address.
        guard header.command == .extend2, let message = try? Extend2Message(data: data),
            message.rsaIdentities.count == 1, message.ed25519Identities.count <= 1, !message.endpoints.isEmpty,
            message.handshakeType != .tap, message.handshakeType != .fast
        else { return .destroyCircuit(.torProtocol) }
        return .extend(message)
    }

    /// The first byte as a reason; more may follow and says nothing. There must be one.
    private func reason(_ data: RawSpan) -> DestroyReason {
        // Safe: any bits are a byte.
        DestroyReason(rawValue: data.unsafeLoad(as: UInt8.self))
    }

    // MARK: What may not be

    private func settle(_ verdict: StreamMachine.Verdict) -> ReceiveMessageAction {
        switch verdict {
        case .accept: .none
        case .late: .ignore(.late)
        case .unexpected: unexpected(.streamState)
        case .violation: .destroyCircuit(.torProtocol)
        }
    }

    private func unexpected(_ reason: IgnoreReason) -> ReceiveMessageAction {
        parameters.isStrict ? .destroyCircuit(.torProtocol) : .ignore(reason)
    }
}
