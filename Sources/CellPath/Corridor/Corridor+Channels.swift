package import Cells
internal import Channels
package import Circuits
package import NIOCore
internal import Transport

/// How channels come and go.
extension Corridor {
    /// Takes a connection that was accepted on an ORPort; call on this loop, before anything is read from it.
    package func accept(_ socket: any Channel) throws {
        guard let context = settings.serverTLS else { throw TransportError.closedLocally }
        let tls = try TLSHandler(context: context, loop: transport, options: options(for: socket.remoteAddress))
        let driver = ChannelDriver(tls: tls, corridor: self, dialled: nil)
        drivers[ObjectIdentifier(driver)] = driver
        do {
            try driver.install(on: socket)
        } catch {
            drivers[ObjectIdentifier(driver)] = nil
            throw error
        }
    }

    private func options(for remote: SocketAddress?) -> TLSHandler.Options {
        let isPrivate = remote.flatMap { SocketEndpoint($0) }.map(\.address.isInternal) ?? false
        return TLSHandler.Options(
            handshakeTime: settings.handshakeTime, isRelayed: settings.onionKeys != nil,
            isMetered: !isPrivate || settings.countsPrivateBandwidth)
    }

    /// Opens a channel for those who wait for it in the channel table.
    func dial(_ target: HopTarget) {
        guard !target.endpoints.isEmpty else { return dialFailed(target, .connectFailed) }
        dial(target, endpoint: 0, probe: nil)
    }

    package func probe(_ target: HopTarget) -> EventLoopFuture<Ed25519Identity?> {
        let promise = eventLoop.makePromise(of: Ed25519Identity?.self)
        if target.endpoints.isEmpty {
            promise.fail(TransportError.badAddress)
        } else {
            dial(target, endpoint: 0, probe: promise)
        }
        return promise.futureResult
    }

    private func dial(_ target: HopTarget, endpoint: Int, probe: EventLoopPromise<Ed25519Identity?>?) {
        let address = target.endpoints[endpoint]
        let remote = try? SocketAddress(ipAddress: address.address.description, port: Int(address.port))
        guard let tls = try? TLSHandler(context: settings.clientTLS, loop: transport, options: options(for: remote))
        else {
            probe?.fail(TransportError.badAddress)
            if probe == nil { dialFailed(target, .internal) }
            return
        }
        let driver = ChannelDriver(tls: tls, corridor: self, dialled: (target, endpoint), probe: probe)
        drivers[ObjectIdentifier(driver)] = driver
        let bound = NIOLoopBound(driver, eventLoop: eventLoop)
        environment.dialer.dial(address, on: eventLoop) { try bound.value.install(on: $0) }
            .whenFailure { error in
                // Said by the TLS handler too, if it was installed; the second time does nothing.
                bound.value.connectionClosed(error as? TransportError ?? .connectFailed(errno: 0))
            }
    }

    /// The link handshake is done.
    func opened(_ driver: ChannelDriver, _ peer: OpenChannel) {
        readClock()
        if let probe = driver.probe.take() {
            probe.succeed(peer.ed25519Identity)
            return driver.close()
        }
        let handle = insertChannel(driver, peer)
        if let identity = peer.rsaIdentity {
            environment.channels.add(
                ChannelTable.Entry(
                    loop: index, handle: handle, ed25519Identity: peer.ed25519Identity,
                    isCanonical: peer.isCanonical,
                    dialled: driver.dialled.map { $0.target.endpoints[$0.endpoint] }), identity: identity)
        }
        channelOpened?(peer)
        guard let (target, _) = driver.dialled else { return }
        for waiter in environment.channels.finishConnecting(target.rsaIdentity, on: index) {
            tell(waiter.loop, .channelReady(waiter: waiter, loop: index, channel: handle))
        }
        settleSoon()
    }

    /// A connection is gone; its channel ends when no cell is in hand.
    func lose(_ driver: ChannelDriver) {
        lostDrivers.append(driver)
        guard !isSettling, !isSettleDue else { return }
        isSettleDue = true
        eventLoop.assumeIsolated().execute { [self] in
            guard isSettleDue else { return }
            // The burst in which it went may have had no end.
            isInBurst = false
            readClock()
            settle()
        }
    }

    /// Ends what hung on a connection that is gone.
    func forget(_ driver: ChannelDriver) {
        drivers[ObjectIdentifier(driver)] = nil
        guard let handle = driver.channel else { return dialEnded(driver) }
        driver.channel = nil
        guard let record = channels.pointer(handle) else { return }
        if let identity = driver.peer?.rsaIdentity {
            environment.channels.remove(identity: identity, loop: index, handle: handle)
        }
        for (_, reference) in record.pointee.table.all {
            switch reference.kind {
            case .relay: closeCircuit(reference.slot, .channelClosed, tellsClientward: false)
            case .leg: endLeg(reference.slot, .channelClosed, tellsPeer: false)
            case .origin:
                let hopCount = origins.pointer(reference.slot).pointee.object.hopCount
                closeOrigin(
                    reference.slot, CircuitEnding(reason: .channelClosed, isRemote: true, hopCount: hopCount),
                    tellsPeer: false)
            }
        }
        counters.droppedWithCircuit &+= Int(record.pointee.control.count)
        record.pointee.control.removeAll(from: pool)
        touchedChannels.removeAll { $0 == handle.slot }
        _ = channels.remove(handle.slot)
    }

    /// A connection that we dialled never became a channel: the next address, or bad news for those who wait.
    private func dialEnded(_ driver: ChannelDriver) {
        guard driver.peer == nil, let (target, endpoint) = driver.dialled, !driver.isProbe else { return }
        if driver.fault == .wrongIdentity { return dialFailed(target, .orIdentity) }
        if endpoint + 1 < target.endpoints.count {
            dial(target, endpoint: endpoint + 1, probe: nil)
        } else {
            dialFailed(target, .connectFailed)
        }
    }

    private func dialFailed(_ target: HopTarget, _ reason: DestroyReason) {
        for waiter in environment.channels.finishConnecting(target.rsaIdentity, on: index) {
            tell(waiter.loop, .channelFailed(waiter: waiter, reason: reason))
        }
        settleSoon()
    }

    /// A channel's socket takes bytes again.
    func channelWritable(_ channel: UInt32) {
        readClock()
        touch(channel)
        if !isInBurst, !isSettling { settle() }
    }
}
