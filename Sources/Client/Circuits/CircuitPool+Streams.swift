package import Cells
internal import Paths

/// Streams: from being wanted to being open, over several exits if need be.
extension CircuitPool {
    /// A program wants a stream.
    package mutating func streamWanted(_ id: UInt64, _ demand: StreamDemand, now: Moment) -> [Action] {
        var demand = demand
        demand.isolation.epoch = epoch
        predicted.note(demand.port, now: now.steady)
        if let kept = addresses.answer(for: demand, now: now.steady) {
            actions.append(.resolve(stream: id, kept))
            return take()
        }
        streams[id] = PooledStream(demand: demand, now: now)
        waiting.insert(id)
        serve(now)
        return take()
    }

    /// A stream is no more: the program has gone, or what was open has ended.
    package mutating func streamGone(_ id: UInt64, now: Moment) -> [Action] {
        forget(id)
        return take()
    }

    /// CONNECTED came.
    package mutating func streamConnected(_ id: UInt64, _ address: IPAddress?, now: Moment) -> [Action] {
        guard let stream = streams[id], case .attached(let circuit) = stream.phase else { return take() }
        if let address, !isBelievable(address, stream.demand) {
            fail(id, .torProtocol)
            return take()
        }
        addresses.clearFailures(stream.demand.host)
        streams[id]?.phase = .open(circuit: circuit)
        actions.append(.accept(stream: id, address))
        return take()
    }

    /// RESOLVED came; the stream has ended.
    package mutating func streamResolved(_ id: UInt64, _ message: ResolvedMessage, now: Moment) -> [Action] {
        guard let stream = streams[id], case .attached = stream.phase else { return take() }
        let resolution = resolution(message, stream.demand)
        addresses.note(resolution, for: stream.demand, now: now.steady)
        forget(id)
        actions.append(.resolve(stream: id, resolution))
        return take()
    }

    /// END came, or the circuit went away, before the stream was open.
    ///
    /// Some reasons are worth a try elsewhere (connection_edge_process_end_not_open in C Tor).
    package mutating func streamEnded(_ id: UInt64, _ message: EndMessage, now: Moment) -> [Action] {
        guard var stream = streams[id], case .attached(let circuit) = stream.phase else {
            forget(id)
            return take()
        }
        stream.lastFailure = .remote(message.reason)
        streams[id] = stream
        switch message.reason {
        case .exitPolicy: refused(id, stream, circuit, by: message)
        case .hibernating, .resourceLimit:
            if let exit = circuits[circuit]?.path.last { selector?.refusingExits.insert(exit.rsaIdentity) }
            retry(id, on: circuit)
        case .resolveFailed, .misc, .noRoute:
            if addresses.noteFailure(stream.demand.host) < PoolLimits.hostFailures {
                circuits[circuit]?.isUnusable = true
                retry(id, on: circuit)
            } else {
                addresses.clearFailures(stream.demand.host)
                fail(id, .remote(message.reason))
            }
        case .destroy:
            circuits[circuit]?.isUnusable = true
            streams[id]?.lastFailure = .destroyed
            retry(id, on: circuit)
        case .torProtocol:
            // A cell was changed on its way, maybe to mark it: the circuit is not to be trusted.
            circuits[circuit]?.isUnusable = true
            fail(id, .remote(message.reason))
            close(circuit, .torProtocol)
        default:
            fail(id, .remote(message.reason))
        }
        serve(now)
        return take()
    }

    /// The circuit would not take the stream.
    package mutating func attachFailed(_ id: UInt64, now: Moment) -> [Action] {
        guard let stream = streams[id], let circuit = stream.circuit else { return take() }
        circuits[circuit]?.isUnusable = true
        retry(id, on: circuit)
        serve(now)
        return take()
    }

    /// The exit's policy is not what we thought; it may say for which address.
    private mutating func refused(_ id: UInt64, _ stream: PooledStream, _ circuit: UInt64, by message: EndMessage) {
        let exit = circuits[circuit]?.path.last?.rsaIdentity
        if let address = message.address {
            guard isBelievable(address, stream.demand) else {
                fail(id, .torProtocol)
                return
            }
            if let exit, (selector?.refusedAddresses[exit]?.count ?? 0) < PoolLimits.refusedAddresses {
                selector?.refusedAddresses[exit, default: []].insert(address)
            }
            // From now on we know the address, so the next exit is chosen by it.
            if case .connect(_, let port) = stream.demand.target {
                streams[id]?.demand.target = .connect(host: address.description, port: port)
            }
        } else if let exit {
            selector?.refusingExits.insert(exit)
        }
        retry(id, on: circuit)
    }

    /// Lets the stream wait for another circuit, unless it has had its chances.
    private mutating func retry(_ id: UInt64, on circuit: UInt64) {
        guard var stream = streams[id] else { return }
        circuits[circuit]?.streams.remove(id)
        stream.phase = .waiting
        stream.losses += 1
        streams[id] = stream
        waiting.insert(id)
        if stream.losses >= PoolLimits.streamLosses { fail(id, stream.lastFailure ?? .destroyed) }
    }

    /// Tells the program that it is in vain.
    mutating func fail(_ id: UInt64, _ failure: StreamFailure) {
        forget(id)
        actions.append(.fail(stream: id, failure))
    }

    private mutating func forget(_ id: UInt64) {
        waiting.remove(id)
        guard let stream = streams.removeValue(forKey: id), let circuit = stream.circuit else { return }
        circuits[circuit]?.streams.remove(id)
    }

    /// Whether an exit's address may be what was asked for.
    private func isBelievable(_ address: IPAddress, _ demand: StreamDemand) -> Bool {
        if address.isUnspecified { return false }
        if settings.rejectsInternalAnswers, address.isInternal { return false }
        return address.isV6 ? demand.allowsIPv6 : demand.allowsIPv4
    }

    private func resolution(_ message: ResolvedMessage, _ demand: StreamDemand) -> Resolution {
        var names: [Resolution] = []
        var v4: [Resolution] = []
        var v6: [Resolution] = []
        for answer in message.answers {
            switch answer.value {
            case .hostName(let name):
                names.append(.name(name, timeToLive: answer.timeToLive))
            case .address(let address) where isBelievable(address, demand):
                let found = Resolution.address(address, timeToLive: answer.timeToLive)
                if address.isV6 { v6.append(found) } else { v4.append(found) }
            case .address, .transientError, .permanentError, .unknown: break
            }
        }
        if case .reverse = demand.target { return names.first ?? .nothing }
        return (demand.prefersIPv6 ? v6 + v4 : v4 + v6).first ?? .nothing
    }

    /// Gives up what has taken too long: attempts after 10, 10, 15, … seconds, the whole after `SocksTimeout`.
    mutating func expireStreams(_ now: Moment) {
        for (id, stream) in streams.sorted(by: { $0.key < $1.key }) {
            switch stream.phase {
            case .open: break
            case .waiting:
                if stream.born + settings.socksTimeout <= now.steady { fail(id, .timeout) }
            case .attached(let circuit):
                let patience = settings.streamTimeout ?? .seconds(stream.timeouts < 2 ? 10 : 15)
                guard stream.attached + patience <= now.steady else { continue }
                circuits[circuit]?.isUnusable = true
                circuits[circuit]?.streams.remove(id)
                streams[id]?.phase = .waiting
                waiting.insert(id)
                streams[id]?.timeouts += 1
                streams[id]?.lastFailure = .timeout
                actions.append(.detach(stream: id, .timeout))
            }
        }
    }
}
