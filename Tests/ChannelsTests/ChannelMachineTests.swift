import Cells
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Channels

/// Each state with each event.
@Suite struct ChannelMachineTests {
    static let relay = TestRelay.first
    static let other = TestRelay.second

    enum Kind: String, CaseIterable, Sendable {
        case client
        case relay
        case responder
    }

    enum Stage: Int, CaseIterable, Sendable {
        case greeting
        case certifying
        case authenticating
        case concluding
        case open
        case closed
    }

    static func role(_ kind: Kind) -> ChannelRole {
        switch kind {
        case .client: .client(relay.expected)
        case .relay: .relay(other.identity, relay.expected)
        case .responder: .responder(relay.identity)
        }
    }

    /// What the peer of a side says, in order, when all goes well.
    static func script(_ kind: Kind) throws -> [WireCell] {
        let initiator = TestSide(
            role(kind == .responder ? .relay : kind), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        var script: [WireCell] = []
        try joined(initiator, responder) { fromInitiator, cell in
            if fromInitiator == (kind == .responder) { script.append(cell) }
            return [cell]
        }
        return script
    }

    /// A side of a kind that has come to a stage.
    static func side(_ kind: Kind, at stage: Stage) throws -> TestSide {
        let side = TestSide(role(kind), responder: relay.identity)
        // A responder's peer signs the responder's challenge, so its script fits only its own conversation.
        let peer = TestSide(role(kind == .responder ? .relay : .responder), responder: relay.identity)
        if stage == .closed {
            _ = side.receive(WireCell(.create2))
            return side
        }
        var count = 0
        func pass(_ cell: WireCell) -> [WireCell] {
            count += 1
            return count <= stage.rawValue ? [cell] : []
        }
        if kind == .responder {
            try joined(peer, side) { fromInitiator, cell in fromInitiator ? pass(cell) : [cell] }
        } else {
            try joined(side, peer) { fromInitiator, cell in fromInitiator ? [cell] : pass(cell) }
        }
        return side
    }

    /// The commands that do not close a side at a stage.
    static func tolerated(_ kind: Kind, _ stage: Stage) -> Set<UInt8> {
        let noise: Set<UInt8> = [128, 132, 200]
        switch (stage, kind) {
        case (.greeting, _): return noise.union([7])
        case (.certifying, .responder): return noise.union([7, 129, 8])
        case (.certifying, _): return noise.union([7, 129])
        case (.authenticating, .responder): return noise.union([7, 8, 131])
        case (.authenticating, _): return noise.union([7, 8, 130])
        case (.concluding, _): return noise.union([7, 8])
        case (.open, _): return noise.union([0, 7, 8, 10, 12, 77])
        case (.closed, _): return []
        }
    }

    @Test(arguments: Kind.allCases, Stage.allCases)
    func `each cell at each stage`(kind: Kind, stage: Stage) throws {
        let script = try Self.script(kind)
        for command: UInt8 in [0, 7, 8, 10, 12, 77, 128, 129, 130, 131, 132, 200] {
            let side = try Self.side(kind, at: stage)
            #expect(side.isOpen == (stage == .open))
            let command = CellCommand(rawValue: command)
            // The real cell where there is one; AUTHENTICATE must fit this conversation, so it is tried elsewhere.
            let cell = script.first { $0.command == command } ?? WireCell(command, [])
            let action = side.receive(cell)
            if Self.tolerated(kind, stage).contains(command.rawValue), command != .authenticate {
                #expect(side.fault == nil, "\(kind) \(stage) \(command)")
            } else if command != .authenticate || stage != .authenticating || kind != .responder {
                #expect(side.fault != nil, "\(kind) \(stage) \(command) \(action)")
                #expect(side.nextDeadline == nil)
                #expect(side.receive(cell) == .close(.closed))
            }
        }
    }

    @Test func `the faults say what was wrong`() throws {
        let create = WireCell(.create2)
        for stage in [Stage.greeting, .certifying, .authenticating, .concluding] {
            for kind in Kind.allCases {
                #expect(try Self.side(kind, at: stage).receive(create) == .close(.unexpectedCell(.create2)))
            }
        }
        let netinfo = WireCell(NetinfoCell(timestamp: 0, otherAddress: .v4(1), ownAddresses: []))
        #expect(try Self.side(.client, at: .certifying).receive(netinfo) == .close(.notAuthenticated))
        #expect(
            try Self.side(.responder, at: .certifying).receive(WireCell(.authenticate))
                == .close(.unexpectedCell(.authenticate)))
    }

    @Test func `AUTHENTICATE twice closes`() throws {
        let initiator = TestSide(Self.role(.relay), responder: Self.relay.identity)
        let responder = TestSide(Self.role(.responder), responder: Self.relay.identity)
        try joined(initiator, responder) { _, cell in cell.command == .authenticate ? [cell, cell] : [cell] }
        #expect(responder.fault == .unexpectedCell(.authenticate))
    }

    @Test func `VERSIONS must be even and have something in common`() throws {
        for kind in Kind.allCases {
            let side = try Self.side(kind, at: .greeting)
            #expect(side.receive(WireCell(.versions, [0, 4, 0])) == .close(.malformedCell(.versions)))
            for versions: [UInt16] in [[], [3], [1, 2, 3, 6, 1024]] {
                let side = try Self.side(kind, at: .greeting)
                #expect(side.receive(WireCell(VersionsCell(versions: versions))) == .close(.noCommonVersion))
            }
        }
    }

    @Test(arguments: Kind.allCases)
    func `NETINFO without a readable address of ours closes`(kind: Kind) throws {
        for body: [UInt8] in [
            [0, 0, 0, 0, 9, 4, 1, 2, 3, 4, 0], [0, 0, 0, 0, 4, 16] + [UInt8](repeating: 1, count: 17),
        ] {
            let side = try Self.side(kind, at: .concluding)
            #expect(side.receive(WireCell(.netinfo, body)) == .close(.malformedCell(.netinfo)))
        }
    }

    @Test func `CERTS and AUTH_CHALLENGE with a circuit ID or bad bodies close`() throws {
        let script = try Self.script(.client)
        for (stage, index) in [(Stage.certifying, 1), (.authenticating, 2)] {
            var cell = script[index]
            cell.circuitID = CircuitID(rawValue: 1)
            #expect(try Self.side(.client, at: stage).receive(cell) == .close(.malformedCell(cell.command)))
            for count in stride(from: 0, to: script[index].body.count, by: 5) {
                let cut = WireCell(script[index].command, Array(script[index].body.prefix(count)))
                #expect(try Self.side(.client, at: stage).receive(cut) == .close(.malformedCell(cell.command)))
            }
        }
    }

    @Test func `an initiator begins with VERSIONS and a responder waits`() throws {
        #expect(try Self.side(.client, at: .greeting).firstBytes == hex("0000 07 0004 0004 0005"))
        #expect(try Self.side(.responder, at: .greeting).firstBytes == [])
    }

    @Test func `a handshake that takes a minute is given up`() throws {
        let now = ContinuousClock.now
        for kind in Kind.allCases {
            let side = TestSide(Self.role(kind), responder: Self.relay.identity, now: now)
            let deadline = side.nextDeadline ?? now
            #expect(deadline == now + .seconds(60))
            #expect(side.timedOut(now: deadline - .milliseconds(1)) == .wait)
            #expect(side.timedOut(now: deadline) == .close(.timedOut))
            #expect(side.nextDeadline == nil)
            let open = try Self.side(kind, at: .open)
            #expect(open.timedOut(now: now + .seconds(1000)) == .wait)
        }
    }

    @Test func `keying material is asked for by relays, with the initiator's digest`() throws {
        #expect(try Self.side(.client, at: .authenticating).exporterContext == nil)
        let relay = try Self.side(.relay, at: .authenticating)
        #expect(relay.exporterContext == Self.other.identity.rsaDigest)
        let responder = try Self.side(.responder, at: .authenticating)
        #expect(responder.exporterContext == Self.other.identity.rsaDigest)
        relay.machine.provide(exporter: [UInt8](repeating: 0, count: 32))
        #expect(relay.exporterContext == nil)
    }

    @Test func `without keying material nobody authenticates`() throws {
        let challenge = try Self.script(.relay)[2]
        let side = try Self.side(.relay, at: .authenticating)
        let wire = challenge.wire
        let action = side.machine.receiveVariable(
            .authChallenge, circuitID: .zero, body: challenge.body.span.bytes, wire: wire.span.bytes,
            wallTime: testTime, using: &side.random)
        #expect(action == .close(.noKeyingMaterial))
    }

    @Test func `a responder whose TLS showed another certificate closes`() {
        let side = TestSide(.responder(Self.relay.identity), responder: Self.other.identity)
        #expect(side.receive(WireCell(VersionsCell(versions: [4, 5]))) == .close(.noKeyingMaterial))
    }
}
