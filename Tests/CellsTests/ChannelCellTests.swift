import Cells
import ProtocolTestKit
import Testing

/// Decodes, compares, encodes again, and tries every truncation.
func check<Body: VariableCellBody>(_ body: Body, _ wire: String, prefixesTaken: [Int] = []) throws {
    let bytes = hex(wire)
    #expect(try Body(body: bytes.span.bytes) == body)
    var encoded: [UInt8] = []
    body.encode(into: &encoded)
    #expect(hex(encoded) == hex(bytes))
    #expect(acceptedTruncations(of: bytes) { _ = try Body(body: $0) } == prefixesTaken)
}

/// The same for a body in 509 bytes, whose padding is ignored.
func check<Body: FixedCellBody>(_ body: Body, _ wire: String) throws {
    let bytes = hex(wire)
    let padded = bytes + [UInt8](repeating: 0xAA, count: 509 - bytes.count)
    #expect(try Body(body: padded.span.bytes) == body)
    var encoded: [UInt8] = []
    body.encode(into: &encoded)
    #expect(hex(encoded) == hex(bytes))
    #expect(acceptedTruncations(of: bytes) { _ = try Body(body: $0) } == [])
    let whole = body.wire(circuitID: CircuitID(rawValue: 5))
    #expect(
        whole == hex("00000005") + [Body.command.rawValue] + bytes + [UInt8](repeating: 0, count: 509 - bytes.count))
    let pool = CellPool(budget: MemoryBudget(limit: 1 << 20))
    var cell = try requireCell(pool.makeCell(circuitID: CircuitID(rawValue: 5), command: .padding))
    body.encode(into: &cell)
    #expect(Array(copying: cell.wire) == whole)
}

@Suite struct ChannelCellTests {
    @Test func `VERSIONS lists versions`() throws {
        try check(VersionsCell(versions: [3, 4, 5]), "0003 0004 0005", prefixesTaken: [0, 2, 4])
        #expect(VersionsCell(versions: [4, 5]).wire() == hex("0000 07 0004 0004 0005"))
    }

    @Test func `an odd VERSIONS fails where it is odd`() {
        let bytes = hex("0004 00")
        #expect(throws: WireError("odd length of VERSIONS", at: 2)) { try VersionsCell(body: bytes.span.bytes) }
    }

    @Test func `the highest common version wins`() {
        #expect(VersionsCell(versions: [1, 2, 3]).highestCommon() == nil)
        #expect(VersionsCell(versions: [5, 3, 4, 9]).highestCommon() == .v5)
        #expect(VersionsCell(versions: [3, 4]).highestCommon() == .v4)
        #expect(VersionsCell(versions: [3, 4, 5]).highestCommon(with: [.v4]) == .v4)
        #expect(VersionsCell(versions: []).highestCommon() == nil)
    }

    @Test func `CERTS carries certificates`() throws {
        let cell = CertsCell(entries: [
            .init(type: .rsaIdentity, certificate: [1, 2, 3]),
            .init(type: CertsCellType(rawValue: 99), certificate: []),
        ])
        try check(cell, "02 02 0003 010203 63 0000")
        #expect(cell.wire() == hex("00000000 81 000a 02 02 0003 010203 63 0000"))
        #expect(cell.certificate(.rsaIdentity) == [1, 2, 3])
        #expect(cell.certificate(.rsaLink) == nil)
        #expect(!cell.hasDuplicates)
        #expect(CertsCell(entries: cell.entries + cell.entries).hasDuplicates)
        let trailing = hex("00 00")
        #expect(throws: WireError.self) { try CertsCell(body: trailing.span.bytes) }
    }

    @Test func `AUTH_CHALLENGE carries a challenge and methods`() throws {
        let challenge = [UInt8](repeating: 0xCD, count: 32)
        try check(AuthChallengeCell(challenge: challenge, methods: [1, 3]), hex(challenge) + "0002 0001 0003")
        #expect(AuthChallengeCell(challenge: challenge, methods: [1, 3]).offersOurMethod)
        #expect(!AuthChallengeCell(challenge: challenge, methods: [1]).offersOurMethod)
    }

    @Test func `AUTHENTICATE carries its fields at their places`() throws {
        var random = SeededRandom()
        let authentication = AuthenticateCell.Authentication(
            initiatorRSADigest: random.bytes(32), responderRSADigest: random.bytes(32),
            initiator: try #require(Ed25519Identity(random.bytes(32))),
            responder: try #require(Ed25519Identity(random.bytes(32))), responderLog: random.bytes(32),
            initiatorLog: random.bytes(32), tlsCertificateDigest: random.bytes(32), exporter: random.bytes(32),
            random: random.bytes(24), signature: random.bytes(64))
        let bytes = authentication.signedBytes + authentication.signature
        #expect(bytes.count == AuthenticateCell.Authentication.length)
        #expect(Array(bytes[0..<8]) == Array("AUTH0003".utf8))
        #expect(Array(bytes[72..<104]) == authentication.initiator.bytes)
        #expect(Array(bytes[136..<168]) == authentication.responderLog)
        #expect(Array(bytes[200..<232]) == authentication.tlsCertificateDigest)
        #expect(Array(bytes[264..<288]) == authentication.random)
        #expect(try AuthenticateCell.Authentication(parsing: bytes.span.bytes) == authentication)
        #expect(acceptedTruncations(of: bytes) { _ = try AuthenticateCell.Authentication(parsing: $0) } == [])
        try check(AuthenticateCell(authentication), "0003 0160" + hex(bytes))
    }

    @Test func `NETINFO carries time and addresses`() throws {
        let cell = NetinfoCell(
            timestamp: 0x6000_0001, otherAddress: IPAddress("192.0.2.1"),
            ownAddresses: [try #require(IPAddress("198.51.100.7")), try #require(IPAddress("2001:db8::1"))])
        try check(
            cell, "60000001 04 04 c0000201 02 04 04 c6336407 06 10 20010db8000000000000000000000001")
        let unknown = hex("00000000 07 02 abcd 02 00 03 414243 04 04 01020304")
        let parsed = try NetinfoCell(body: unknown.span.bytes)
        #expect(parsed.otherAddress == nil && parsed.ownAddresses == [.v4(0x0102_0304)])
    }

    @Test func `PADDING_NEGOTIATE starts and stops`() throws {
        try check(PaddingNegotiateCell(.start, lowTimeout: 1500, highTimeout: 9500), "00 02 05dc 251c")
        try check(PaddingNegotiateCell(.stop), "00 01 0000 0000")
        for bad in ["01 02 0000 0000", "00 03 0000 0000"] {
            let bytes = hex(bad)
            #expect(throws: WireError.self) { try PaddingNegotiateCell(body: bytes.span.bytes) }
        }
    }

    @Test func `padding says nothing`() throws {
        try check(PaddingCell(), "")
        try check(VPaddingCell(length: 3), "000000", prefixesTaken: [0, 1, 2])
    }

    @Test func `commands say whether their cells vary in length`() {
        #expect(CellCommand.versions.isVariableLength && CellCommand.certs.isVariableLength)
        #expect(CellCommand(rawValue: 255).isVariableLength && CellCommand.vpadding.isVariableLength)
        #expect(!CellCommand.netinfo.isVariableLength && !CellCommand(rawValue: 127).isVariableLength)
        #expect(CellCommand.relayEarly.description == "RELAY_EARLY" && CellCommand(rawValue: 77).description == "77")
    }
}
