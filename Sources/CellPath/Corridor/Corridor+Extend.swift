internal import Cells
internal import Channels
internal import Circuits

/// Extending somebody's circuit: EXTEND2 at its owner, the leg on the next channel's loop, EXTENDED2 back (tor-spec §5.3).
extension Corridor {
    /// EXTEND2 came for us, in RELAY_EARLY as it must.
    func extend(_ slot: UInt32, _ message: Extend2Message) {
        let circuit = circuits.pointer(slot)
        // A circuit goes on to one relay.
        guard circuit.pointee.phase == .open else { return closeForViolation(slot) }
        guard let target = target(of: message, from: circuit.pointee.channel) else { return closeForViolation(slot) }
        circuit.pointee.phase = .extending
        circuit.pointee.pendingCreate = Create2Cell(
            handshakeType: message.handshakeType, handshakeData: message.handshakeData)
        let waiter = ChannelWaiter(kind: .relayCircuit, loop: index, handle: circuits.handle(slot))
        requestChannel(to: target, for: waiter, on: nil)
    }

    /// The relay that a client wants, if it may have it: another one than we and the one before us, at an address that we
    /// dial.
    private func target(of message: Extend2Message, from channel: UInt32) -> HopTarget? {
        guard message.rsaIdentities.count == 1, let identity = message.rsaIdentities.first,
            message.ed25519Identities.count <= 1, identity.bytes.contains(where: { $0 != 0 })
        else { return nil }
        let ed25519Identity = message.ed25519Identities.first
        let endpoints = message.endpoints.filter { endpoint in
            endpoint.port != 0 && !endpoint.address.isUnspecified
                && (settings.extendsToPrivateAddresses || !endpoint.address.isInternal)
        }
        guard !endpoints.isEmpty else { return nil }
        if let own = settings.identities?.current {
            guard identity != own.rsaIdentity, ed25519Identity != own.ed25519Identity else { return nil }
        }
        if let peer = channels.pointer(channel).pointee.driver.peer {
            if let before = peer.rsaIdentity, before == identity { return nil }
            if let before = peer.ed25519Identity, before == ed25519Identity { return nil }
        }
        return HopTarget(
            rsaIdentity: identity, ed25519Identity: ed25519Identity, endpoints: endpoints, onionKey: nil)
    }

    /// Finds or opens a channel for a waiter, which hears `channelReady` or `channelFailed`.
    func requestChannel(to target: HopTarget, for waiter: ChannelWaiter, on loop: Int?) {
        switch environment.channels.request(target, for: waiter, on: loop) {
        case .open(let loop, let handle): channelReady(waiter, loop: loop, channel: handle)
        case .connecting: break
        case .dial(let loop): tell(loop, .dial(target))
        }
    }

    /// The channel that somebody here waited for is open.
    func channelReady(_ waiter: ChannelWaiter, loop: Int, channel: SlabHandle) {
        switch waiter.kind {
        case .relayCircuit:
            guard let circuit = circuits.pointer(waiter.handle), let create = circuit.pointee.pendingCreate.take()
            else {
                return
            }
            tell(loop, .makeLeg(owner: waiter.handle, ownerLoop: index, channel: channel, create: create))
        case .originCircuit:
            originChannelReady(waiter.handle, channel: channel)
        }
    }

    /// The channel that somebody here waited for did not come about.
    func channelFailed(_ waiter: ChannelWaiter, _ reason: DestroyReason) {
        switch waiter.kind {
        case .relayCircuit:
            if circuits.pointer(waiter.handle) != nil { closeCircuit(waiter.handle.slot, reason) }
        case .originCircuit:
            originChannelFailed(waiter.handle, reason)
        }
    }

    /// Makes the leg of a circuit on a channel of ours, and sends CREATE2.
    func makeLeg(owner: SlabHandle, ownerLoop: Int, channel handle: SlabHandle, create: Create2Cell) {
        guard let record = channels.pointer(handle) else {
            return tell(ownerLoop, .legEnded(owner: owner, reason: .channelClosed))
        }
        guard let circuitID = freeCircuitID(on: record),
            var cell = pool.makeCell(circuitID: circuitID, command: .create2)
        else { return tell(ownerLoop, .legEnded(owner: owner, reason: .resourceLimit)) }
        create.encode(into: &cell)
        let leg = legs.insert(
            ExitwardLeg(ownerLoop: ownerLoop, owner: owner, channel: handle.slot, circuitID: circuitID))
        record.pointee.table.insert(circuitID, CircuitReference(.leg, leg.slot))
        counters.originated &+= 1
        queueForward(cell, leg: leg)
        tell(ownerLoop, .legMade(owner: owner, legLoop: index, leg: leg))
    }

    /// A circuit ID of our half that is not in use (tor-spec §5.1.1).
    func freeCircuitID(on record: UnsafeMutablePointer<ChannelRecord>) -> CircuitID? {
        let topBit: UInt32 = record.pointee.driver.isInitiator ? 0x8000_0000 : 0
        for _ in 0..<CellPathLimits.circuitIDAttempts {
            let value = UInt32(truncatingIfNeeded: random.next()) & 0x7FFF_FFFF | topBit
            let circuitID = CircuitID(rawValue: value)
            if value & 0x7FFF_FFFF != 0, record.pointee.table[circuitID] == nil { return circuitID }
        }
        return nil
    }

    /// The owner learns where its leg is.
    func legMade(_ owner: SlabHandle, legLoop: Int, leg: SlabHandle) {
        guard let circuit = circuits.pointer(owner), circuit.pointee.phase == .extending else {
            // The circuit ended meanwhile.
            return tell(legLoop, .destroyLeg(leg: leg, reason: .destroyed))
        }
        circuit.pointee.legLoop = legLoop
        circuit.pointee.leg = leg
    }

    /// CREATED2 or another answer came from the next relay; on the leg's loop.
    func receiveLegAnswer(_ cell: consuming Cell, leg slot: UInt32) {
        let leg = legs.pointer(slot)
        guard leg.pointee.isWaiting, cell.command == .created2, let answer = try? Created2Cell(body: cell.bodyBytes)
        else {
            counters.protocolViolations &+= 1
            return endLeg(slot, .torProtocol, tellsPeer: true)
        }
        leg.pointee.isWaiting = false
        tell(leg.pointee.ownerLoop, .legAnswered(owner: leg.pointee.owner, answer: answer))
    }

    /// The next relay has answered: tell the client.
    func legAnswered(_ owner: SlabHandle, _ answer: Created2Cell) {
        guard let circuit = circuits.pointer(owner), circuit.pointee.phase == .extending else { return }
        guard answer.handshakeData.count + 2 <= CellsSpec.relayDataLength else {
            return closeForViolation(owner.slot)
        }
        circuit.pointee.phase = .extended
        send(Extended2Message(handshakeData: answer.handshakeData), streamID: .zero, circuit: owner.slot)
    }

    /// The leg is no more: so is the circuit.
    func legEnded(_ owner: SlabHandle, _ reason: DestroyReason) {
        guard let circuit = circuits.pointer(owner) else { return }
        circuit.pointee.leg = .none
        closeCircuit(owner.slot, reason)
    }

    /// TRUNCATE: the client wants the circuit to end here. C Tor wants a reason if there is a hop to tell it.
    func truncate(_ slot: UInt32, _ reason: DestroyReason?) {
        let circuit = circuits.pointer(slot)
        if circuit.pointee.leg != .none {
            guard let reason else { return closeForViolation(slot) }
            tell(circuit.pointee.legLoop, .destroyLeg(leg: circuit.pointee.leg, reason: reason))
            circuit.pointee.leg = .none
        }
        circuit.pointee.pendingCreate = nil
        circuit.pointee.phase = .open
        send(TruncatedMessage(reason: .requested), streamID: .zero, circuit: slot)
    }
}
