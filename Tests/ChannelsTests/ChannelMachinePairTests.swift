import Cells
import OnionCrypto
import ProtocolTestKit
import Testing

@testable import Channels

/// Initiator and responder, joined in memory.
@Suite struct ChannelMachinePairTests {
    let relay = TestRelay.first
    let other = TestRelay.second

    @Test func `a client knows the relay, and the relay does not know the client`() throws {
        let client = TestSide(.client(relay.expected), responder: relay.identity, remote: "192.0.2.1")
        let responder = TestSide(
            .responder(relay.identity), responder: relay.identity, remote: "198.51.100.9", own: ["192.0.2.1"])
        try joined(client, responder)
        let atClient = try #require(client.channel)
        let atRelay = try #require(responder.channel)
        #expect(atClient.linkProtocol == .v5)
        #expect(atClient.rsaIdentity == relay.identity.rsaIdentity)
        #expect(atClient.ed25519Identity == relay.identity.ed25519Identity)
        #expect(atClient.isAuthenticated && atClient.isCanonical && atClient.isInitiator)
        #expect(atClient.apparentAddress == IPAddress("198.51.100.9"))
        #expect(atClient.clockSkew == nil)
        #expect(!atRelay.isAuthenticated && !atRelay.isCanonical && !atRelay.isInitiator)
        #expect(atRelay.apparentAddress == IPAddress("192.0.2.1"))
        // A client's NETINFO has a time of zero, which is no skew.
        #expect(atRelay.clockSkew == nil)
        #expect(client.isOpen && responder.isOpen)
        #expect(client.nextDeadline == nil && responder.nextDeadline == nil)
    }

    @Test func `two relays know each other`() throws {
        let initiator = TestSide(
            .relay(other.identity, relay.expected), responder: relay.identity, remote: "192.0.2.1",
            own: ["192.0.2.2", "2001:db8::2"])
        let responder = TestSide(
            .responder(relay.identity), responder: relay.identity, remote: "2001:db8::2", own: ["192.0.2.3"])
        try joined(initiator, responder)
        #expect(initiator.channel?.rsaIdentity == relay.identity.rsaIdentity)
        #expect(initiator.channel?.isCanonical == false)
        #expect(responder.channel?.rsaIdentity == other.identity.rsaIdentity)
        #expect(responder.channel?.ed25519Identity == other.identity.ed25519Identity)
        #expect(responder.channel?.isCanonical == true)
    }

    @Test func `circuit IDs with the top bit are the initiator's`() throws {
        let client = TestSide(.client(relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(client, responder)
        for (channel, mayChooseTop) in [(client.channel, false), (responder.channel, true)] {
            #expect(channel?.peerMayChoose(CircuitID(rawValue: 0x8000_0001)) == mayChooseTop)
            #expect(channel?.peerMayChoose(CircuitID(rawValue: 0x7FFF_FFFF)) == !mayChooseTop)
            #expect(channel?.peerMayChoose(.zero) == false)
        }
    }

    @Test func `the cells come in C Tor's order`() throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        var seen: [(Bool, CellCommand)] = []
        try joined(initiator, responder) { fromInitiator, cell in
            seen.append((fromInitiator, cell.command))
            return [cell]
        }
        #expect(
            seen.filter(\.0).map(\.1) == [.versions, .certs, .authenticate, .netinfo])
        #expect(
            seen.filter { !$0.0 }.map(\.1) == [.versions, .certs, .authChallenge, .netinfo])
    }

    @Test(arguments: [[4], [3, 4], [4, 9], [1, 2, 3, 4]] as [[UInt16]])
    func `the highest common link protocol wins`(versions: [UInt16]) throws {
        let client = TestSide(.client(relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(client, responder) { _, cell in
            cell.command == .versions ? [WireCell(VersionsCell(versions: versions))] : [cell]
        }
        #expect(client.channel?.linkProtocol == .v4)
        #expect(responder.channel?.linkProtocol == .v4)
        #expect(client.channel?.negotiatesPadding == false)
    }

    @Test func `expecting nobody in particular finds out who it is`() throws {
        let client = TestSide(.client(ExpectedPeer()), responder: relay.identity)
        try joined(client, TestSide(.responder(relay.identity), responder: relay.identity))
        #expect(client.channel?.rsaIdentity == relay.identity.rsaIdentity)
        #expect(client.channel?.ed25519Identity == relay.identity.ed25519Identity)
    }

    @Test(arguments: [0, 1, 2])
    func `another identity than expected closes`(which: Int) throws {
        let expected = [
            other.expected, ExpectedPeer(rsaIdentity: other.identity.rsaIdentity),
            ExpectedPeer(
                rsaIdentity: relay.identity.rsaIdentity, ed25519Identity: other.identity.ed25519Identity),
        ][which]
        for role in [ChannelRole.client(expected), .relay(other.identity, expected)] {
            let initiator = TestSide(role, responder: relay.identity)
            let responder = TestSide(.responder(relay.identity), responder: relay.identity)
            try joined(initiator, responder)
            #expect(initiator.fault == .wrongIdentity)
            #expect(responder.channel == nil)
        }
    }

    @Test func `a man in the middle with another TLS certificate is found out`() throws {
        // The client sees the attacker's certificate; CERTS comes from the real relay.
        let client = TestSide(.client(relay.expected), responder: other.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(client, responder)
        #expect(client.fault == .badCertificate(.ed25519Link))
    }

    @Test func `keying material of another connection does not authenticate`() throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        initiator.secret = [9]
        try joined(initiator, responder)
        #expect(responder.fault == .badAuthentication)
    }

    @Test(arguments: [true, false])
    func `a cell slipped in spoils the logs`(fromInitiator: Bool) throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(initiator, responder) { direction, cell in
            direction == fromInitiator && cell.command == .certs ? [WireCell(VPaddingCell(length: 3)), cell] : [cell]
        }
        #expect(responder.fault == .badAuthentication)
    }

    @Test func `padding after the logs end is ignored`() throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(initiator, responder) { _, cell in
            cell.command == .netinfo
                ? [WireCell(VPaddingCell(length: 3)), WireCell(CellCommand(rawValue: 200), [1]), cell] : [cell]
        }
        #expect(initiator.isOpen && responder.isOpen)
        #expect(responder.channel?.isAuthenticated == true)
    }

    @Test func `every changed byte of AUTHENTICATE is noticed`() throws {
        for offset in 0..<356 {
            let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
            let responder = TestSide(.responder(relay.identity), responder: relay.identity)
            try joined(initiator, responder) { _, cell in
                guard cell.command == .authenticate else { return [cell] }
                var changed = cell
                changed.body[offset] ^= 0x20
                return [changed]
            }
            let expected: ChannelFault =
                (2..<4).contains(offset) ? .malformedCell(.authenticate) : .badAuthentication
            #expect(responder.fault == expected, "byte \(offset)")
            #expect(responder.channel == nil)
        }
    }

    @Test func `without AUTH_CHALLENGE a relay opens unauthenticated, and says NETINFO at last`() throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(initiator, responder) { _, cell in cell.command == .authChallenge ? [] : [cell] }
        #expect(initiator.channel?.isAuthenticated == true)
        #expect(responder.channel?.isAuthenticated == false)
    }

    @Test func `a challenge without our method is answered with NETINFO alone`() throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        try joined(initiator, responder) { _, cell in
            guard cell.command == .authChallenge else { return [cell] }
            return [WireCell(AuthChallengeCell(challenge: [UInt8](repeating: 1, count: 32), methods: [1, 2]))]
        }
        #expect(initiator.isOpen)
        #expect(responder.channel?.isAuthenticated == false)
    }

    @Test(arguments: [(3600, nil), (3601, 3601), (-3600, nil), (-4000, -4000)] as [(Int64, Int64?)])
    func `a clock an hour off is reported to whoever knows a relay's`(skew: Int64, reported: Int64?) throws {
        let initiator = TestSide(.relay(other.identity, relay.expected), responder: relay.identity)
        let responder = TestSide(.responder(relay.identity), responder: relay.identity)
        initiator.wallTime = testTime + skew
        try joined(initiator, responder)
        #expect(initiator.channel?.clockSkew == reported)
        #expect(responder.channel?.clockSkew == reported.map { -$0 })
    }
}
