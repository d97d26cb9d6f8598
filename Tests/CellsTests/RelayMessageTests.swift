import Cells
import ProtocolTestKit
import Testing

/// Decodes, compares, encodes again, and tries every truncation.
private func check<Message: RelayMessage>(_ message: Message, _ wire: String, prefixesTaken: [Int] = []) throws {
    let bytes = hex(wire)
    #expect(try Message(data: bytes.span.bytes) == message)
    var encoded: [UInt8] = []
    message.encode(into: &encoded)
    #expect(hex(encoded) == hex(bytes))
    #expect(acceptedTruncations(of: bytes) { _ = try Message(data: $0) } == prefixesTaken)
}

private func refuses<Message: RelayMessage>(_ type: Message.Type, _ bytes: [UInt8]) -> Bool {
    (try? Message(data: bytes.span.bytes)) == nil
}

@Suite struct RelayMessageTests {
    @Test func `BEGIN names an address and a port`() throws {
        let text = hex(Array("example.com:80".utf8))
        try check(BeginMessage(address: "example.com", port: 80), text + "00")
        try check(
            BeginMessage(address: "2001:db8::1", port: 65535, flags: [.ipv6Okay, .ipv6Preferred]),
            hex(Array("[2001:db8::1]:65535".utf8)) + "00 00000005", prefixesTaken: [20])
        #expect(BeginMessage(address: "192.0.2.1", port: 1).ipAddress == IPAddress("192.0.2.1"))
        #expect(BeginMessage(address: "example.com", port: 1).ipAddress == nil)
    }

    @Test(arguments: [
        "", "\0", "host\0", ":80\0", "host:\0", "host:0\0", "host:65536\0", "host:80x\0", "host:+80\0", "host:80\0abc",
        "host:80\0abcde", "[::1:80\0", "[1.2.3.4]:80\0", "a b:80\0", "a\u{7f}:80\0", "host:123456\0",
    ])
    func `a malformed BEGIN is refused`(text: String) {
        #expect(refuses(BeginMessage.self, Array(text.utf8)))
    }

    @Test func `CONNECTED may name an address`() throws {
        try check(ConnectedMessage(), "")
        try check(
            ConnectedMessage(address: IPAddress("192.0.2.1"), timeToLive: 60), "c0000201 0000003c",
            prefixesTaken: [0, 4])
        try check(
            ConnectedMessage(address: IPAddress("2001:db8::1"), timeToLive: 7),
            "00000000 06 20010db8000000000000000000000001 00000007", prefixesTaken: [0, 21])
        #expect(refuses(ConnectedMessage.self, hex("00000000 04 01020304 00000000")))
        #expect(refuses(ConnectedMessage.self, hex("c0000201 0000003c 00")))
    }

    @Test func `END gives a reason, and for EXITPOLICY an address`() throws {
        try check(EndMessage(reason: .done), "06", prefixesTaken: [0])
        try check(
            EndMessage(reason: .exitPolicy, address: IPAddress("192.0.2.1"), timeToLive: 9), "04 c0000201 00000009",
            prefixesTaken: [0, 1, 5])
        try check(
            EndMessage(reason: .exitPolicy, address: IPAddress("2001:db8::1"), timeToLive: 9),
            "04 20010db8000000000000000000000001 00000009", prefixesTaken: [0, 1, 5, 9, 17])
        let trailing = hex("06 ffff")
        #expect(try EndMessage(data: trailing.span.bytes) == EndMessage(reason: .done))
        let empty: [UInt8] = []
        #expect(try EndMessage(data: empty.span.bytes).reason == .misc)
    }

    @Test func `SENDME carries a tag of 16 or 20 bytes`() throws {
        try check(SendmeMessage.v0, "")
        let long = [UInt8](repeating: 0xAB, count: 20)
        let short = [UInt8](repeating: 0xCD, count: 16)
        try check(SendmeMessage.v1(tag: long), "01 0014" + hex(long), prefixesTaken: [0])
        try check(SendmeMessage.v1(tag: short), "01 0010" + hex(short), prefixesTaken: [0])
        #expect(refuses(SendmeMessage.self, hex("01 0013") + [UInt8](repeating: 0, count: 19)))
        #expect(refuses(SendmeMessage.self, hex("02 0014") + long))
        #expect(refuses(SendmeMessage.self, hex("01 0014") + long + [0]))
        let old = hex("00 ffff")
        #expect(try SendmeMessage(data: old.span.bytes) == .v0)
    }

    @Test func `EXTEND2 names a relay and a handshake`() throws {
        let rsa = try #require(RSAIdentity(repeatElement(0x11, count: 20)))
        let ed = try #require(Ed25519Identity(repeatElement(0x22, count: 32)))
        let message = Extend2Message(
            linkSpecifiers: [
                .endpoint(try #require(SocketEndpoint("192.0.2.1:9001"))), .rsaIdentity(rsa), .ed25519Identity(ed),
                .endpoint(try #require(SocketEndpoint("[2001:db8::1]:443"))), .unknown(type: 77, body: [1, 2]),
            ], handshakeType: .ntorV3, handshakeData: [9, 8, 7])
        try check(
            message,
            "05 00 06 c0000201 2329 02 14 \(hex(rsa.bytes)) 03 20 \(hex(ed.bytes))"
                + "01 12 20010db8000000000000000000000001 01bb 4d 02 0102 0003 0003 090807")
        #expect(message.rsaIdentities == [rsa] && message.ed25519Identities == [ed] && message.endpoints.count == 2)
        #expect(refuses(Extend2Message.self, hex("01 00 05 c000020123 0002 0000")))
        #expect(refuses(Extend2Message.self, hex("01 02 13") + [UInt8](repeating: 0, count: 19) + hex("0002 0000")))
        #expect(refuses(Extend2Message.self, hex("00 0002 0000 00")))
        try check(Extended2Message(handshakeData: [1, 2]), "0002 0102")
    }

    @Test func `TRUNCATED gives a reason`() throws {
        try check(TruncatedMessage(reason: .connectFailed), "06", prefixesTaken: [0])
        #expect(refuses(TruncatedMessage.self, [6, 0]))
    }

    @Test func `RESOLVE and RESOLVED ask and answer`() throws {
        try check(
            ResolveMessage(name: "example.com"), hex(Array("example.com".utf8)) + "00", prefixesTaken: Array(1...11))
        #expect(refuses(ResolveMessage.self, [0]))
        #expect(refuses(ResolveMessage.self, Array("a\0b\0".utf8)))
        let message = ResolvedMessage(answers: [
            .init(.address(try #require(IPAddress("192.0.2.1"))), timeToLive: 60),
            .init(.address(try #require(IPAddress("2001:db8::1"))), timeToLive: 61),
            .init(.hostName("a.b"), timeToLive: 62), .init(.transientError, timeToLive: 0),
            .init(.permanentError, timeToLive: 0), .init(.unknown(type: 9, value: [1]), timeToLive: 1),
        ])
        try check(
            message,
            "04 04 c0000201 0000003c 06 10 20010db8000000000000000000000001 0000003d 00 03 612e62 0000003e"
                + "f0 00 00000000 f1 00 00000000 09 01 01 00000001",
            prefixesTaken: [0, 10, 32, 41, 47, 53])
        #expect(refuses(ResolvedMessage.self, hex("04 05 c000020101 0000003c")))
        let many = ResolvedMessage(answers: Array(repeating: message.answers[1], count: 100))
        var encoded: [UInt8] = []
        many.encode(into: &encoded)
        #expect(encoded.count == 22 * 22)
    }

    @Test func `v0 lays out header, data, zeros and random padding`() throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 20))
        var cell = try requireCell(pool.makeCell(circuitID: CircuitID(rawValue: 1), command: .relay))
        var random = SeededRandom()
        var body = cell.body
        RelayCellFormat.v0.encode(
            DataMessage([0xAA, 0xBB]), streamID: StreamID(rawValue: 0x1234), into: &body, using: &random)
        let bytes = Array(copying: cell.bodyBytes)
        #expect(Array(bytes.prefix(17)) == hex("02 0000 1234 00000000 0002 aabb 00000000"))
        // Of 492 random bytes about two are zero.
        #expect(bytes.dropFirst(17).count { $0 == 0 } < 20)
        let header = try RelayCellFormat.v0.decodeHeader(cell.bodyBytes)
        #expect(
            header
                == RelayMessageHeader(command: .data, streamID: StreamID(rawValue: 0x1234), dataOffset: 11, length: 2))
        #expect(Array(copying: cell.bodyBytes.extracting(header.dataRange)) == [0xAA, 0xBB])
    }

    @Test(arguments: [498, 497, 494, 493, 490, 489, 480])
    func `a long message leaves no room to pad wrongly`(length: Int) throws {
        let pool = CellPool(budget: MemoryBudget(limit: 1 << 20))
        var cell = try requireCell(pool.makeCell(circuitID: CircuitID(rawValue: 1), command: .relay))
        var random = SeededRandom()
        let data = random.bytes(length)
        var body = cell.body
        RelayCellFormat.v0.encode(DataMessage(data), streamID: .zero, into: &body, using: &random)
        let bytes = Array(copying: cell.bodyBytes)
        #expect(Array(bytes[11..<(11 + length)]) == data)
        let zeros = bytes.dropFirst(11 + length).prefix(4)
        #expect(zeros.allSatisfy { $0 == 0 } && zeros.count == min(4, 498 - length))
    }

    @Test func `a length beyond the cell is refused`() {
        var body = [UInt8](repeating: 0, count: 509)
        body[9] = 1
        body[10] = 0xF3
        #expect(throws: WireError("relay message length", at: 9)) {
            try RelayCellFormat.v0.decodeHeader(body.span.bytes)
        }
    }
}

@Suite struct PaddingMessageTests {
    @Test func `PADDING_NEGOTIATE and its answer are read and written`() throws {
        let start = PaddingNegotiateMessage(.start, machine: 1, counter: 0x0102_0304)
        var bytes: [UInt8] = []
        start.encode(into: &bytes)
        #expect(bytes == [0, 2, 1, 0, 1, 2, 3, 4])
        #expect(try PaddingNegotiateMessage(data: bytes.span.bytes) == start)
        #expect(try PaddingNegotiateMessage(data: (bytes + [9, 9]).span.bytes) == start)
        for length in 0..<8 {
            #expect(throws: WireError.self) { try PaddingNegotiateMessage(data: Array(bytes[..<length]).span.bytes) }
        }
        for (place, value) in [(0, 1), (1, 0), (1, 3), (3, 2)] as [(Int, UInt8)] {
            var wrong = bytes
            wrong[place] = value
            #expect(throws: WireError.self) { try PaddingNegotiateMessage(data: wrong.span.bytes) }
        }
        let answer = PaddingNegotiatedMessage(.stop, isAccepted: false, machine: 0, counter: 7)
        bytes = []
        answer.encode(into: &bytes)
        #expect(bytes == [0, 1, 2, 0, 0, 0, 0, 7])
        #expect(try PaddingNegotiatedMessage(data: bytes.span.bytes) == answer)
    }
}
