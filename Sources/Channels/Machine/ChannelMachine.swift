package import Cells
internal import OnionCrypto

/// The link handshake of one channel, from the end of TLS to NETINFO (tor-spec §4), for either side.
///
///     initiator                               responder
///     VERSIONS              ------------->
///                           <-------------    VERSIONS CERTS AUTH_CHALLENGE NETINFO
///     a relay:  CERTS AUTHENTICATE NETINFO -->
///     a client: NETINFO     ------------->
///
///     greeting --VERSIONS--> certifying --CERTS--> authenticating --AUTH…--> concluding
///                                 |                       |                      |
///                                 +-------NETINFO---------+-------NETINFO--------+--> open
///
/// An initiator goes on without AUTH_CHALLENGE, but not without CERTS; a responder may go on without CERTS and AUTHENTICATE,
/// its peer then being a client. Whatever breaks the order closes the channel, as in C Tor. When it is open, this machine has
/// nothing more to do with fixed cells: the corridor sorts them. Not for TLS, nor for circuits.
///
/// Send `firstBytes`. Hand over every cell. Before each, if `exporterContext` is not nil, export keying material with that
/// context and `provide` it.
package struct ChannelMachine: ~Copyable {
    /// What the driver must do after a cell.
    package enum ReceiveAction: Equatable {
        /// Nothing.
        case wait
        /// Send these bytes: whole cells.
        case send([UInt8])
        /// Send these bytes, if there are any; the channel is open.
        case open(OpenChannel, sending: [UInt8])
        /// Close the connection.
        case close(ChannelFault)
    }

    private enum State {
        /// No VERSIONS yet.
        case greeting(Handshake)
        /// No CERTS yet.
        case certifying(Handshake)
        /// The peer's certificates are there, proof at an initiator, a claim at a responder.
        case authenticating(Handshake, CertifiedPeer)
        /// All but NETINFO is done; a peer is one that has proved who it is.
        case concluding(Handshake, CertifiedPeer)
        /// NETINFO has been exchanged.
        case open
        /// `close` has been said.
        case closed
    }

    private var state: State
    /// Set by `provide`; used once.
    private var exporter: [UInt8]?
    /// When the handshake must be over; nil once it is.
    package private(set) var nextDeadline: ContinuousClock.Instant?
    /// What to send before anything else: VERSIONS from an initiator, nothing from a responder.
    package let firstBytes: [UInt8]

    /// A channel whose TLS has just been completed.
    package init(_ role: ChannelRole, connection: ChannelConnection, now: ContinuousClock.Instant) {
        var handshake = Handshake(role: role, connection: connection)
        firstBytes = role.isInitiator ? handshake.logged(Handshake.versions.wire()) : []
        state = .greeting(handshake)
        nextDeadline = now + ChannelsLimits.handshakeTime
    }

    /// Whether the handshake is over and has succeeded.
    package var isOpen: Bool {
        switch state {
        case .open: true
        default: false
        }
    }

    /// The context to export keying material with, 32 bytes, as long as that is needed and not provided.
    package var exporterContext: [UInt8]? {
        guard exporter == nil else { return nil }
        switch state {
        case .authenticating(let handshake, let peer): return handshake.exporterContext(peer: peer)
        default: return nil
        }
    }

    /// Takes keying material: 32 bytes, for the label of AUTH0003 and the context asked for (tor-spec §4.4.2).
    package mutating func provide(exporter bytes: [UInt8]) {
        exporter = bytes
    }

    /// The deadline has passed.
    package mutating func timedOut(now: ContinuousClock.Instant) -> ReceiveAction {
        guard let nextDeadline, now >= nextDeadline else { return .wait }
        return close(.timedOut)
    }

    /// A variable-length cell has come.
    ///
    /// - Parameters:
    ///   - wire: The cell as it came, header and body.
    package mutating func receiveVariable(
        _ command: CellCommand, circuitID: CircuitID, body: RawSpan, wire: RawSpan, wallTime: WallTime,
        using random: inout some RandomNumberGenerator
    ) -> ReceiveAction {
        switch command {
        case .versions: return receiveVersions(body: body, wire: wire, wallTime: wallTime, using: &random)
        case .certs:
            return receiveCerts(circuitID: circuitID, body: body, wire: wire, wallTime: wallTime)
        case .authChallenge:
            return receiveAuthChallenge(
                circuitID: circuitID, body: body, wire: wire, wallTime: wallTime, using: &random)
        case .authenticate: return receiveAuthenticate(body: body)
        default:
            // tor-spec §3, §7.2: VPADDING, AUTHORIZE and unknown commands are ignored; but the logs hold them.
            return log(wire)
        }
    }

    /// A fixed-length cell has come before the channel is open.
    package mutating func receiveFixed(_ command: CellCommand, body: RawSpan, wallTime: WallTime) -> ReceiveAction {
        switch state {
        case .greeting:
            return close(.unexpectedCell(command))
        case .certifying(let handshake):
            guard command == .netinfo else { return close(.unexpectedCell(command)) }
            // C Tor: an initiator closes on NETINFO before CERTS.
            guard !handshake.role.isInitiator else { return close(.notAuthenticated) }
            return receiveNetinfo(handshake, provenPeer: nil, body: body, wallTime: wallTime)
        case .authenticating(let handshake, let peer):
            guard command == .netinfo else { return close(.unexpectedCell(command)) }
            let provenPeer = handshake.role.isInitiator ? peer : nil
            return receiveNetinfo(handshake, provenPeer: provenPeer, body: body, wallTime: wallTime)
        case .concluding(let handshake, let peer):
            guard command == .netinfo else { return close(.unexpectedCell(command)) }
            return receiveNetinfo(handshake, provenPeer: peer, body: body, wallTime: wallTime)
        case .open:
            state = .open
            return .wait
        case .closed:
            return close(.closed)
        }
    }
}

// MARK: - In the order of the protocol

extension ChannelMachine {
    private mutating func receiveVersions(
        body: RawSpan, wire: RawSpan, wallTime: WallTime, using random: inout some RandomNumberGenerator
    ) -> ReceiveAction {
        switch state {
        case .greeting(var handshake):
            handshake.receivedLog.update(wire)
            guard let cell = try? VersionsCell(body: body) else { return close(.malformedCell(.versions)) }
            guard let linkProtocol = cell.highestCommon() else { return close(.noCommonVersion) }
            guard handshake.hasResponderCertificate else { return close(.noKeyingMaterial) }
            handshake.linkProtocol = linkProtocol
            let bytes = handshake.answerVersions(wallTime: wallTime, using: &random)
            state = .certifying(handshake)
            return bytes.isEmpty ? .wait : .send(bytes)
        // C Tor drops later ones.
        case .certifying, .authenticating, .concluding, .open, .closed:
            return log(wire)
        }
    }

    private mutating func receiveCerts(
        circuitID: CircuitID, body: RawSpan, wire: RawSpan, wallTime: WallTime
    ) -> ReceiveAction {
        switch state {
        case .certifying(var handshake):
            handshake.receivedLog.update(wire)
            guard circuitID == .zero, let cell = try? CertsCell(body: body) else {
                return close(.malformedCell(.certs))
            }
            do throws(ChannelFault) {
                let peer = try CertifiedPeer(cell, binding: handshake.binding, now: wallTime)
                try handshake.checkExpectation(peer)
                let bytes = handshake.answerCerts(wallTime: wallTime)
                state = .authenticating(handshake, peer)
                return bytes.isEmpty ? .wait : .send(bytes)
            } catch {
                return close(error)
            }
        case .greeting, .authenticating, .concluding, .open:
            return close(.unexpectedCell(.certs))
        case .closed:
            return close(.closed)
        }
    }

    private mutating func receiveAuthChallenge(
        circuitID: CircuitID, body: RawSpan, wire: RawSpan, wallTime: WallTime,
        using random: inout some RandomNumberGenerator
    ) -> ReceiveAction {
        switch state {
        case .authenticating(var handshake, let peer):
            guard handshake.role.isInitiator else { return close(.unexpectedCell(.authChallenge)) }
            handshake.receivedLog.update(wire)
            guard circuitID == .zero, let cell = try? AuthChallengeCell(body: body) else {
                return close(.malformedCell(.authChallenge))
            }
            do throws(ChannelFault) {
                let bytes = try handshake.answerChallenge(
                    cell, peer: peer, exporter: exporter.take(), wallTime: wallTime, using: &random)
                state = .concluding(handshake, peer)
                return bytes.isEmpty ? .wait : .send(bytes)
            } catch {
                return close(error)
            }
        case .greeting, .certifying, .concluding, .open:
            return close(.unexpectedCell(.authChallenge))
        case .closed:
            return close(.closed)
        }
    }

    private mutating func receiveAuthenticate(body: RawSpan) -> ReceiveAction {
        switch state {
        case .authenticating(let handshake, let peer):
            guard !handshake.role.isInitiator else { return close(.unexpectedCell(.authenticate)) }
            guard let cell = try? AuthenticateCell(body: body) else { return close(.malformedCell(.authenticate)) }
            do throws(ChannelFault) {
                try handshake.check(cell, peer: peer, exporter: exporter.take())
                state = .concluding(handshake, peer)
                return .wait
            } catch {
                return close(error)
            }
        case .greeting, .certifying, .concluding, .open:
            return close(.unexpectedCell(.authenticate))
        case .closed:
            return close(.closed)
        }
    }

    private mutating func receiveNetinfo(
        _ handshake: consuming Handshake, provenPeer: CertifiedPeer?, body: RawSpan, wallTime: WallTime
    ) -> ReceiveAction {
        guard let cell = try? NetinfoCell(body: body), let apparent = cell.otherAddress else {
            return close(.malformedCell(.netinfo))
        }
        let bytes = handshake.netinfo(wallTime: wallTime)
        let channel = OpenChannel(
            linkProtocol: handshake.linkProtocol, isInitiator: handshake.role.isInitiator,
            rsaIdentity: provenPeer?.rsaIdentity, ed25519Identity: provenPeer?.ed25519Identity,
            isCanonical: cell.ownAddresses.contains { $0.unmapped == handshake.connection.remoteAddress },
            apparentAddress: apparent, clockSkew: provenPeer == nil ? nil : Self.skew(cell, wallTime))
        state = .open
        nextDeadline = nil
        return .open(channel, sending: bytes)
    }

    private static func skew(_ cell: NetinfoCell, _ wallTime: WallTime) -> Int64? {
        let skew = wallTime - WallTime(seconds: Int64(cell.timestamp))
        return abs(skew) > ChannelsSpec.clockSkew ? skew : nil
    }

    private mutating func log(_ wire: RawSpan) -> ReceiveAction {
        switch state {
        case .greeting(var handshake):
            handshake.receivedLog.update(wire)
            state = .greeting(handshake)
        case .certifying(var handshake):
            handshake.receivedLog.update(wire)
            state = .certifying(handshake)
        case .authenticating(var handshake, let peer):
            handshake.receivedLog.update(wire)
            state = .authenticating(handshake, peer)
        case .concluding(let handshake, let peer): state = .concluding(handshake, peer)
        case .open: state = .open
        case .closed: return close(.closed)
        }
        return .wait
    }

    private mutating func close(_ fault: ChannelFault) -> ReceiveAction {
        state = .closed
        nextDeadline = nil
        return .close(fault)
    }
}
