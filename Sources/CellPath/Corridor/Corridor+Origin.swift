internal import Cells
package import Circuits
internal import Hooks
internal import NIOCore
internal import OnionCrypto

/// Circuits that start here: built hop by hop, sealed for a hop when a cell leaves, peeled when one comes.
extension Corridor: CircuitLauncher {
    package func launch(_ path: [HopTarget], owner: any ClientCircuitOwner) -> any ClientCircuit {
        let object = OriginCircuit(id: makeID(), path: path, corridor: self, owner: owner)
        var random = self.random
        let handle = origins.insert(
            OriginRecord(
                object: object,
                machine: OriginCircuitMachine(
                    path: path, congestion: offersCongestion(isRelay: false), using: &random)))
        object.handle = handle
        origins.pointer(handle.slot).pointee.endpoint = makeEndpoint(.client)
        guard planLinks(path, origin: handle.slot) else {
            counters.pluginsMissed &+= 1
            closeOrigin(handle.slot, ending(of: handle.slot, .requested))
            return object
        }
        if let first = path.first {
            let waiter = ChannelWaiter(kind: .originCircuit, loop: index, handle: handle)
            // All of such a circuit lives where its streams are, so its channel does too.
            requestChannel(to: first, for: waiter, on: index)
        } else {
            closeOrigin(handle.slot, ending(of: handle.slot, .internal))
        }
        return object
    }

    /// The channel to the first hop is there.
    func originChannelReady(_ handle: SlabHandle, channel: SlabHandle) {
        guard let origin = origins.pointer(handle), origin.pointee.channel == .none else { return }
        guard let record = channels.pointer(channel) else {
            return closeOrigin(handle.slot, ending(of: handle.slot, .channelClosed))
        }
        guard let circuitID = freeCircuitID(on: record) else {
            return closeOrigin(handle.slot, ending(of: handle.slot, .resourceLimit))
        }
        origin.pointee.channel = channel
        origin.pointee.circuitID = circuitID
        origin.pointee.handshakes.begin(.now)
        record.pointee.table.insert(circuitID, CircuitReference(.origin, handle.slot))
        noteOrigin(hops: origin.pointee.object.path.count, record)
        perform(origin.pointee.machine.start(), origin: handle.slot)
    }

    /// There will be no channel to the first hop.
    func originChannelFailed(_ handle: SlabHandle, _ reason: DestroyReason) {
        guard origins.pointer(handle) != nil else { return }
        closeOrigin(
            handle.slot,
            CircuitEnding(reason: reason, isRemote: false, hopCount: 0, isChannelFailure: true))
    }

    /// Adds a hop to a circuit's path.
    func extendOrigin(_ handle: SlabHandle, to target: HopTarget) {
        guard let origin = origins.pointer(handle) else { return }
        if target.takesPlugins || origin.pointee.exchange != nil { planLink(target, origin: handle.slot) }
        perform(origin.pointee.machine.extend(to: target), origin: handle.slot)
    }

    /// CREATED2 or CREATED_FAST came.
    func receiveOriginAnswer(_ cell: consuming Cell, origin slot: UInt32) {
        let origin = origins.pointer(slot)
        let action: OriginCircuitMachine.BuildAction
        if cell.command == .createdFast, let answer = try? CreatedFastCell(body: cell.bodyBytes) {
            action = origin.pointee.machine.receiveCreatedFast(answer)
        } else if cell.command == .created2, let answer = try? Created2Cell(body: cell.bodyBytes) {
            action = origin.pointee.machine.receiveCreated2(answer)
        } else {
            counters.protocolViolations &+= 1
            return closeOrigin(slot, ending(of: slot, .torProtocol))
        }
        perform(action, origin: slot)
    }

    private func perform(_ action: OriginCircuitMachine.BuildAction, origin slot: UInt32) {
        let origin = origins.pointer(slot)
        let hops = origin.pointee.machine.hopCount
        if hops > origin.pointee.object.hopCount { origin.pointee.handshakes.end(hop: hops - 1, now) }
        if let endpoint = origin.pointee.endpoint, hops > origin.pointee.object.hopCount {
            // One at a time: what was settled is the last one's.
            for hop in origin.pointee.object.hopCount..<hops {
                endpoint.pointee.machine.addHop(
                    congestion: hop == hops - 1 ? origin.pointee.machine.lastHopCongestion : nil,
                    path: origin.pointee.machine.path.count < 3 ? .sbws : .exit)
            }
            guard receivePluginAnswer(hop: hops - 1, origin: slot) else { return }
        }
        switch action {
        case .sendCreateFast(let create): sendCreate(create, origin: slot)
        case .sendCreate2(let create): sendCreate(create, origin: slot)
        case .sendExtend2(let message, let hop):
            origin.pointee.handshakes.begin(.now)
            origin.pointee.object.noteHops(hops, isBuilt: false)
            send(message, streamID: .zero, hop: hop, origin: slot)
        case .built:
            let handle = origins.handle(slot)
            origin.pointee.object.noteHops(hops, isBuilt: beginBringing(origin: slot))
            attend(CircuitReference(.origin, slot))
            if origins.pointer(handle) != nil { startBringing(origin: slot) }
        case .none:
            break
        case .destroyCircuit(let reason):
            if reason == .torProtocol { counters.protocolViolations &+= 1 }
            closeOrigin(slot, ending(of: slot, reason))
        }
    }

    private func sendCreate(_ create: some FixedCellBody, origin slot: UInt32) {
        let circuitID = origins.pointer(slot).pointee.circuitID
        guard var cell = pool.makeCell(circuitID: circuitID, command: .create2) else { return shedOrigin(slot) }
        create.encode(into: &cell)
        cell.mark = OriginMark.ready
        counters.originated &+= 1
        enqueueOrigin(cell, origin: slot)
    }

    // MARK: Messages

    /// A RELAY cell came.
    func receiveAtOrigin(_ cell: consuming Cell, origin slot: UInt32) {
        let origin = origins.pointer(slot)
        let command = cell.command
        var body = cell.body
        let opened = command == .relay ? origin.pointee.machine.open(command: command, body: &body) : nil
        guard let (hop, tag) = opened, let endpoint = origin.pointee.endpoint,
            var header = try? RelayCellFormat.v0.decodeHeader(cell.bodyBytes)
        else {
            counters.protocolViolations &+= 1
            return closeOrigin(slot, ending(of: slot, .torProtocol))
        }
        counters.recognised &+= 1
        if origin.pointee.attended.hearsArrivals {
            let isThere = askReceived(
                cell, .backward, CircuitReference(.origin, slot), kind: header.command == .drop ? 2 : 1,
                queue: origin.pointee.queue.count, hop: hop)
            guard isThere else { return }
        }
        if origin.pointee.attended.contains(.relayMessage) {
            guard askMessage(&cell, &header, tag, CircuitReference(.origin, slot), hop: hop, endpoint) else { return }
        }
        let data = cell.bodyBytes.extracting(header.dataRange)
        var flow = flow(of: origin, endpoint)
        let received = endpoint.pointee.machine.receive(header, data: data, tag: tag, hop: hop, by: &flow)
        guard settle(flow, CircuitReference(.origin, slot)) else { return }
        if let due = received.sendmeDue {
            let handle = origins.handle(slot)
            sendCircuitSendme(quoting: due, hop: hop, origin: slot)
            guard origins.pointer(handle) != nil else { return }
        }
        perform(received.action, header.streamID, data, hop: hop, origin: slot, endpoint)
    }

    /// Does what a message from a hop calls for.
    @inline(__always)
    func perform(
        _ action: ReceiveMessageAction, _ id: StreamID, _ data: RawSpan, hop: Int, origin slot: UInt32,
        _ endpoint: UnsafeMutablePointer<CircuitEndpoint>
    ) {
        let origin = origins.pointer(slot)
        if origin.pointee.attended.contains(.stream) {
            guard askStream(of: action, id, data, CircuitReference(.origin, slot), hop: hop, endpoint) else { return }
        }
        switch action {
        case .deliverData(let handle):
            deliver(data, to: handle, endpoint)
        case .none, .drop, .ignore:
            break
        case .streamConnected(let handle, let message):
            endpoint.pointee.stream(at: handle)?._withUnsafeGuaranteedRef { $0.note(message) }
        case .streamResolved(let handle, let message):
            endpoint.pointee.take(handle)?.note(message)
            origin.pointee.object.streamsChanged()
        case .streamEnded(let handle, let message):
            endpoint.pointee.take(handle)?.note(message)
            origin.pointee.object.streamsChanged()
        case .failStream(let handle, let id, let sending, let telling):
            endpoint.pointee.take(handle)?.note(telling)
            origin.pointee.object.streamsChanged()
            send(sending, streamID: id, hop: hop, origin: slot)
        case .streamMaySend(let handle):
            wake(handle, endpoint)
        case .plugin(let command):
            receivePlugin(command, data, hop: hop, CircuitReference(.origin, slot))
        case .streamPaced(let handle, let rate, let maySend):
            pace(handle, rate: rate, maySend: maySend, endpoint)
        case .circuitMaySend(let hop):
            guard pumpPlugins(CircuitReference(.origin, slot), hop: hop) else { return }
            wakeStreams(endpoint, CircuitReference(.origin, slot), hop: hop)
        case .extended(let message):
            perform(origin.pointee.machine.receiveExtended2(message, hop: hop), origin: slot)
        case .truncated(let reason):
            closeOrigin(
                slot,
                CircuitEnding(reason: reason, isRemote: true, hopCount: origin.pointee.object.hopCount))
        case .destroyCircuit(let reason):
            counters.protocolViolations &+= 1
            closeOrigin(slot, ending(of: slot, reason))
        case .openStream, .refuseStream, .extend, .truncate:
            // Messages for a relay, which its machine gives no client.
            break
        }
    }

    /// Sends a message to a hop.
    func send(_ message: some RelayMessage, streamID: StreamID, hop: Int, origin slot: UInt32) {
        guard var cell = pool.makeCell(circuitID: origins.pointer(slot).pointee.circuitID, command: .relay) else {
            return shedOrigin(slot)
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encode(message, streamID: streamID, into: &body, using: &random)
        queueMessage(cell, type(of: message).command, hop: hop, origin: slot)
    }

    /// Acknowledges DATA of a hop's.
    func sendCircuitSendme(quoting tag: OnionTag, hop: Int, origin slot: UInt32) {
        guard var cell = pool.makeCell(circuitID: origins.pointer(slot).pointee.circuitID, command: .relay) else {
            return shedOrigin(slot)
        }
        var body = cell.body
        var random = self.random
        RelayCellFormat.v0.encodeCircuitSendme(
            quoting: tag, version: settings.endpoint.sendmeEmitMinVersion, into: &body, using: &random)
        queueMessage(cell, .sendme, hop: hop, origin: slot)
    }

    /// Queues a message of ours, unless a plugin takes it.
    private func queueMessage(_ cell: consuming Cell, _ command: RelayCommand, hop: Int, origin slot: UInt32) {
        if origins.pointer(slot).pointee.attended.contains(.messagePackaging) {
            guard askPackaging(cell, CircuitReference(.origin, slot), hop: hop) else { return }
        }
        counters.originated &+= 1
        queueMessage(cell, command, hop: hop, mark: 0, origin: slot)
    }

    /// Queues a DATA cell for a hop.
    func enqueueData(_ cell: consuming Cell, hop: Int, origin slot: UInt32) {
        queueMessage(cell, .data, hop: hop, mark: OriginMark.data, origin: slot)
    }

    private func queueMessage(
        _ cell: consuming Cell, _ command: RelayCommand, hop: Int, mark: UInt8, origin slot: UInt32
    ) {
        cell.command = origins.pointer(slot).pointee.machine.cellCommand(for: command, hop: hop)
        cell.mark = UInt8(truncatingIfNeeded: hop) & OriginMark.hop | mark
        if cell.command == .relay { noteMessage(origin: slot) }
        enqueueOrigin(cell, origin: slot)
    }

    private func enqueueOrigin(_ cell: consuming Cell, origin slot: UInt32) {
        let origin = origins.pointer(slot)
        cell.circuitID = origin.pointee.circuitID
        cell.enqueuedAt = coarseNow
        origin.pointee.queue.append(cell, in: pool)
        guard !origin.pointee.schedule.isScheduled, origin.pointee.channel != .none else { return }
        origin.pointee.schedule.isScheduled = true
        schedule(
            CircuitReference(.origin, slot), generation: origins.handle(slot).generation,
            burden: origin.pointee.schedule.burden, on: origin.pointee.channel.slot)
    }

    /// Seals a cell as it leaves: for its hop, and for those before.
    @inline(__always)
    func seal(_ cell: inout Cell, origin: UnsafeMutablePointer<OriginRecord>) {
        let mark = cell.mark
        guard mark != OriginMark.ready else { return }
        let command = cell.command
        let hop = Int(mark & OriginMark.hop)
        var body = cell.body
        let tag = origin.pointee.machine.seal(forHop: hop, command: command, body: &body)
        if let tag, mark & OriginMark.data != 0, let endpoint = origin.pointee.endpoint {
            endpoint.pointee.dataSealed(tag, hop: hop)
        }
    }

    // MARK: Streams

    /// Opens a stream to the last hop.
    func openStream(
        _ request: StreamRequest, origin handle: SlabHandle, circuit: UInt64, owner: any StreamOwner
    ) -> (any StreamPort)? {
        guard let origin = origins.pointer(handle), let endpoint = origin.pointee.endpoint else { return nil }
        let hop = origin.pointee.machine.hopCount - 1
        var kind = StreamKind.connection
        if case .resolve = request { kind = .resolve }
        guard let (streamHandle, id) = endpoint.pointee.machine.openStream(kind, hop: hop) else { return nil }
        let stream = CircuitStream(
            id: makeID(), circuit: circuit, site: .origin(handle), handle: streamHandle, corridor: self)
        stream.owner = owner
        watchDrain(of: stream, endpoint, hop: hop, isExit: false)
        endpoint.pointee.put(stream, at: streamHandle)
        if origin.pointee.attended.contains(.stream) {
            guard askOpening(request, id, CircuitReference(.origin, handle.slot), hop: hop) else { return stream }
        }
        switch request {
        case .begin(let message): send(message, streamID: id, hop: hop, origin: handle.slot)
        case .beginDirectory: send(BeginDirectoryMessage(), streamID: id, hop: hop, origin: handle.slot)
        case .resolve(let message): send(message, streamID: id, hop: hop, origin: handle.slot)
        }
        return stream
    }

    /// Streams of a circuit that have not ended.
    func streamCount(of handle: SlabHandle) -> Int {
        origins.pointer(handle)?.pointee.endpoint?.pointee.machine.streamCount ?? 0
    }

    // MARK: Ending

    private func shedOrigin(_ slot: UInt32) {
        counters.droppedMemory &+= 1
        closeOrigin(slot, ending(of: slot, .resourceLimit))
    }

    /// That we end a circuit, for a reason.
    func ending(of slot: UInt32, _ reason: DestroyReason) -> CircuitEnding {
        CircuitEnding(
            reason: reason, isRemote: false, hopCount: origins.pointer(slot).pointee.object.hopCount)
    }

    /// Ends a circuit that starts here.
    ///
    /// - Parameter tellsPeer: False if the first hop said it first, or its channel is gone.
    func closeOrigin(_ slot: UInt32, _ ending: CircuitEnding, tellsPeer: Bool = true) {
        let origin = origins.pointer(slot)
        _ = origin.pointee.machine.close()
        if let endpoint = origin.pointee.endpoint {
            origin.pointee.endpoint = nil
            closeEndpoint(endpoint)
        }
        if let doors = origin.pointee.doors {
            origin.pointee.doors = nil
            closeDoors(doors, reason: ending.reason.rawValue, isRemote: ending.isRemote)
        }
        if let exchange = origin.pointee.exchange.take() { forget(exchange) }
        counters.droppedWithCircuit &+= Int(origin.pointee.queue.count)
        origin.pointee.queue.removeAll(from: pool)
        if let record = channels.pointer(origin.pointee.channel) {
            record.pointee.table.remove(origin.pointee.circuitID)
            record.pointee.lastUsed = now
            // tor-spec §5.4: "the origin MUST NOT send a reason".
            if tellsPeer { sendDestroy(origin.pointee.circuitID, .none, on: origin.pointee.channel.slot) }
        }
        let object = origin.pointee.object
        _ = origins.remove(slot)
        object.note(ending)
    }
}
