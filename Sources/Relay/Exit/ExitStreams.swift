package import CellPath
internal import Cells
package import NIOCore
package import Transport

/// The exit side of one event loop's circuits: opens what clients ask for, as far as the exit policy lets them.
///
/// Names are looked up first; the policy is asked about the address that was found. Confined to its loop.
package final class ExitStreams: StreamAcceptor {
    /// The rules in force for new streams.
    package var rules: ExitRules
    /// Streams to the Internet that are open or being opened.
    package private(set) var count = 0

    private let eventLoop: any EventLoop
    private let resolver: DNSResolver?
    private let gate: AdmissionGate?
    private let directory: ((any StreamPort) -> (any StreamOwner)?)?

    /// The exit side of a loop.
    ///
    /// - Parameters:
    ///   - resolver: nil if names are not looked up here.
    ///   - gate: the loop's bandwidth, which exit sockets share; nil if there is no limit.
    ///   - directory: takes streams to this relay's directory and answers CONNECTED; nil if there is none.
    package init(
        eventLoop: any EventLoop, rules: ExitRules, resolver: DNSResolver?, gate: AdmissionGate? = nil,
        directory: ((any StreamPort) -> (any StreamOwner)?)? = nil
    ) {
        self.eventLoop = eventLoop
        self.rules = rules
        self.resolver = resolver
        self.gate = gate
        self.directory = directory
    }

    package func accept(
        _ request: StreamRequest, port: any StreamPort, isFirstHop: Bool
    ) -> (any StreamOwner)? {
        switch request {
        case .beginDirectory: acceptDirectory(port)
        case .begin(let message): accept(message, port, isFirstHop: isFirstHop)
        case .resolve(let message): accept(message, port)
        }
    }

    /// A stream of ours has ended.
    func streamClosed() {
        count -= 1
    }
}

// MARK: - Each kind of request

extension ExitStreams {
    private func refuse(_ port: any StreamPort, _ reason: EndReason) -> (any StreamOwner)? {
        port.end(EndMessage(reason: reason))
        return nil
    }

    private func acceptDirectory(_ port: any StreamPort) -> (any StreamOwner)? {
        guard let directory else { return refuse(port, .notDirectory) }
        guard !rules.isHibernating else { return refuse(port, .hibernating) }
        return directory(port) ?? refuse(port, .notDirectory)
    }

    private func accept(_ message: BeginMessage, _ port: any StreamPort, isFirstHop: Bool) -> (any StreamOwner)? {
        // Whoever uses us as a proxy of one hop puts us, and himself, at risk. C Tor refuses it in every network.
        guard !isFirstHop else { return refuse(port, .torProtocol) }
        var message = message
        if !rules.allowsIPv6 {
            message.flags.remove(.ipv6Preferred)
            guard !message.flags.contains(.ipv4NotOkay) else { return refuse(port, .exitPolicy) }
        }
        guard !rules.isHibernating else { return refuse(port, .hibernating) }
        if let address = message.ipAddress {
            return open(ExitTarget(address: address, port: message.port, rules: rules), port)
        }
        let name = message.address.lowercased()
        guard let resolver, !rules.rejectsEverything,
            case .name = HostName.kind(of: name, allowingOddCharacters: rules.allowsOddNames)
        else { return refuse(port, .resolveFailed) }
        let stream = makeStream(port)
        resolver.resolve(.addresses(of: name), on: eventLoop).assumeIsolated().whenSuccess { [self] answer in
            guard stream.isWaitingForName else { return }
            stream.open(ExitTarget(answer, port: message.port, flags: message.flags, rules: rules), from: rules)
        }
        return stream
    }

    private func open(_ target: ExitTarget, _ port: any StreamPort) -> (any StreamOwner)? {
        if case .refuse(let message) = target {
            port.end(message)
            return nil
        }
        let stream = makeStream(port)
        stream.open(target, from: rules)
        return stream
    }

    private func makeStream(_ port: any StreamPort) -> ExitStream {
        count += 1
        return ExitStream(port: port, streams: self, gate: gate)
    }

    private func accept(_ message: ResolveMessage, _ port: any StreamPort) -> (any StreamOwner)? {
        let name = message.name.lowercased()
        let question: DNSQuestion?
        switch HostName.kind(of: name, allowingOddCharacters: rules.allowsOddNames) {
        case .name: question = IPAddress(name) == nil ? .addresses(of: name) : nil
        // Nobody learns of our own network's names.
        case .reverse(let address): question = address.isInternal ? nil : .name(of: address)
        case .invalid: question = nil
        }
        guard let question, let resolver, !rules.rejectsEverything else {
            port.sendResolved(.failure(isTransient: false))
            return nil
        }
        let stream = ResolveStream(port: port)
        let allowsIPv6 = rules.allowsIPv6
        resolver.resolve(question, on: eventLoop).assumeIsolated().whenSuccess { answer in
            var isReverse = false
            if case .name = question { isReverse = true }
            stream.answer(ResolvedMessage(answer, isReverse: isReverse, allowsIPv6: allowsIPv6))
        }
        return stream
    }
}
