internal import Cells
internal import Channels
internal import Circuits
internal import NIOCore
package import Transport

/// One connection of a corridor: runs the link handshake on it, then hands every cell to the corridor.
///
/// Owns the TLS handler and the cell reader; knows the machine only while the handshake lasts. Confined to its loop.
package final class ChannelDriver: TLSHandlerOwner {
    let tls: TLSHandler
    /// Whether we dialled.
    let isInitiator: Bool
    /// Its place in the corridor once the link handshake is done; nil before, and after it is gone.
    var channel: SlabHandle?
    /// Who the peer proved to be, once the link handshake is done.
    private(set) var peer: OpenChannel?
    /// Whom we dialled, and where; nil if we were dialled.
    let dialled: (target: HopTarget, endpoint: Int)?
    /// Who waits to hear whether the relay is there; then the connection closes.
    var probe: EventLoopPromise<Ed25519Identity?>?
    /// Whether it was opened for that alone.
    let isProbe: Bool

    private unowned let corridor: Corridor
    private var reader = CellReader()
    private var machine: ChannelMachine?
    private var timer: Scheduled<Void>?
    private var isGone = false
    /// Why the link handshake failed; nil if it did not, or the connection failed by itself.
    private(set) var fault: ChannelFault?

    init(
        tls: TLSHandler, corridor: Corridor, dialled: (target: HopTarget, endpoint: Int)?,
        probe: EventLoopPromise<Ed25519Identity?>? = nil
    ) {
        self.tls = tls
        self.corridor = corridor
        self.dialled = dialled
        self.probe = probe
        isProbe = probe != nil
        isInitiator = dialled != nil
    }

    /// Puts it on its socket, and starts the time limit of the whole handshake.
    func install(on socket: any Channel) throws {
        timer = corridor.eventLoop.assumeIsolated().scheduleTask(in: corridor.settings.handshakeTime) { [weak self] in
            guard let self, channel == nil else { return }
            tls.abort(.handshakeTimedOut)
        }
        try tls.install(on: socket, owner: self)
    }

    /// Closes the connection when what is queued in TLS has gone.
    func close() { tls.close() }

    /// Closes the connection at once.
    func abort() { tls.abort() }

    // MARK: TLSHandlerOwner

    package func connectionSecured() {
        let certificate = (isInitiator ? tls.peerCertificate : tls.ownCertificate) ?? []
        guard let role = role(presenting: certificate), let remote = tls.remoteAddress.flatMap({ SocketEndpoint($0) })
        else { return tls.abort() }
        let connection = ChannelConnection(
            responderCertificate: certificate, remoteAddress: remote.address,
            ownAddresses: corridor.settings.ownAddresses)
        let machine = ChannelMachine(role, connection: connection, now: .now)
        let first = machine.firstBytes
        self.machine = consume machine
        guard !first.isEmpty else { return }
        tls.append(first)
        tls.flush()
    }

    private func role(presenting certificate: [UInt8]) -> ChannelRole? {
        let identities = corridor.settings.identities
        if let (target, _) = dialled {
            let expected = ExpectedPeer(
                rsaIdentity: target.rsaIdentity, ed25519Identity: target.ed25519Identity)
            return identities.map { .relay($0.current, expected) } ?? .client(expected)
        }
        return identities?.presenting(certificate).map { .responder($0) }
    }

    package func receive(plaintext: UnsafeRawBufferPointer) {
        // Held once for the burst, not once for each cell.
        let corridor = corridor
        let pool = corridor.pool
        corridor.beginBurst()
        var rest = plaintext
        var hasRelieved = false
        while !isGone {
            if let channel, let cell = reader.nextWhole(&rest, pool: pool) {
                corridor.receive(cell, on: channel.slot)
            } else if !receiveNext(&rest, corridor, &hasRelieved) {
                return
            }
        }
    }

    /// Takes what is not a whole cell of an open channel.
    ///
    /// - Returns: false if the bytes are used up, or the connection is given up.
    @inline(never)
    private func receiveNext(
        _ rest: inout UnsafeRawBufferPointer, _ corridor: Corridor, _ hasRelieved: inout Bool
    ) -> Bool {
        do throws(CellReader.Failure) {
            switch try reader.next(&rest, pool: corridor.pool) {
            case .cell(let cell):
                if let channel {
                    corridor.receive(cell, on: channel.slot)
                } else {
                    receiveInHandshake(cell)
                }
            case .variable(let cell):
                receive(cell)
            case .needsMore:
                return false
            case .outOfMemory:
                guard !hasRelieved else {
                    tls.abort()
                    return false
                }
                hasRelieved = true
                corridor.relieveMemory()
            }
            return true
        } catch {
            tls.abort()
            return false
        }
    }

    package func burstEnded() { corridor.endBurst() }

    package func connectionWritable() {
        if let channel { corridor.channelWritable(channel.slot) }
    }

    package func connectionClosed(_ reason: TransportError) {
        guard !isGone else { return }
        isGone = true
        timer?.cancel()
        machine = nil
        if let probe = probe.take() { probe.fail(reason) }
        corridor.lose(self)
    }

    // MARK: The link handshake

    private func receiveInHandshake(_ cell: consuming Cell) {
        guard machine != nil else { return tls.abort() }
        provideExporter()
        let command = cell.command
        guard let action = machine?.receiveFixed(command, body: cell.bodyBytes, wallTime: .now) else { return }
        perform(action)
    }

    private func receive(_ cell: CellReader.VariableCell) {
        // On an open channel every one of them is ignored, VERSIONS to AUTHENTICATE excepted (tor-spec §4.1).
        guard machine != nil else { return }
        provideExporter()
        var random = corridor.random
        let action = machine?.receiveVariable(
            cell.command, circuitID: cell.circuitID, body: cell.body.span.bytes, wire: cell.wire.span.bytes,
            wallTime: .now, using: &random)
        if let action { perform(action) }
    }

    private func provideExporter() {
        guard let context = machine?.exporterContext, let bytes = try? tls.exportKeyingMaterial(context: context)
        else { return }
        machine?.provide(exporter: bytes)
    }

    private func perform(_ action: ChannelMachine.ReceiveAction) {
        switch action {
        case .wait:
            break
        case .send(let bytes):
            tls.append(bytes)
            tls.flush()
        case .open(let peer, let bytes):
            if !bytes.isEmpty {
                tls.append(bytes)
                tls.flush()
            }
            guard !isGone else { return }
            timer?.cancel()
            self.peer = peer
            reader.isOpen = true
            corridor.opened(self, peer)
        case .close(let fault):
            self.fault = fault
            tls.abort()
        }
    }
}
