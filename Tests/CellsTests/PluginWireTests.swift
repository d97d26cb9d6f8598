import Cells
import ProtocolTestKit
import Testing

/// Decodes, compares, encodes again, and tries every truncation and one byte too many.
private func check<Message: RelayMessage>(
    _ message: Message, _ wire: String, prefixesTaken: [Int] = [], takesMore: Bool = false
) throws {
    let bytes = hex(wire)
    #expect(try Message(data: bytes.span.bytes) == message)
    var encoded: [UInt8] = []
    message.encode(into: &encoded)
    #expect(hex(encoded) == hex(bytes))
    #expect(acceptedTruncations(of: bytes) { _ = try Message(data: $0) } == prefixesTaken)
    let more = bytes + [0]
    #expect(((try? Message(data: more.span.bytes)) != nil) == takesMore)
}

private func refuses<Message: RelayMessage>(_ type: Message.Type, _ wire: String) -> Bool {
    let bytes = hex(wire)
    return (try? Message(data: bytes.span.bytes)) == nil
}

@Suite struct PluginWireTests {
    private let identity = [UInt8](0..<32)
    private let identityText = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    @Test func `PLUGIN_OFFER names a plugin, its size and its arguments`() throws {
        try check(
            PluginOfferMessage(slot: 1, identity: identity, size: 16384, arguments: [0xAA, 0xBB]),
            "01 00 \(identityText) 00004000 02 aabb")
        try check(
            PluginOfferMessage(slot: 129, replaces: 130, identity: identity, size: 262144),
            "81 82 \(identityText) 00040000 00")
        for slot in ["00", "80"] { #expect(refuses(PluginOfferMessage.self, "\(slot) 00 \(identityText) 00004000 00")) }
    }

    @Test func `PLUGIN_ANSWER says one thing`() throws {
        try check(PluginAnswerMessage(slot: 3, .ready), "03 00 00 00000000")
        try check(PluginAnswerMessage(slot: 3, .needCode(credit: 65536)), "03 01 00 00010000")
        try check(PluginAnswerMessage(slot: 3, .refused(.busy)), "03 02 05 00000000")
        for wire in [
            "03 00 01 00000000", "03 00 00 00000001", "03 01 00 00000000", "03 01 02 00000001", "03 02 00 00000000",
            "03 02 01 00000001", "03 03 00 00000000", "00 00 00 00000000",
        ] { #expect(refuses(PluginAnswerMessage.self, wire)) }
    }

    @Test func `PLUGIN_CODE has 1 to 472 bytes`() throws {
        try check(
            PluginCodeMessage(slot: 1, offset: 472, bytes: [7, 8, 9]), "01 000001d8 070809", prefixesTaken: [6, 7],
            takesMore: true)
        let full = String(repeating: "ff", count: 472)
        #expect(!refuses(PluginCodeMessage.self, "01 00000000 " + full))
        #expect(refuses(PluginCodeMessage.self, "01 00000000 ff" + full))
    }

    @Test func `PLUGIN_READY has up to 64 bytes of answer`() throws {
        try check(PluginReadyMessage(slot: 1), "01", takesMore: true)
        try check(PluginReadyMessage(slot: 1, answer: [1, 2]), "01 0102", prefixesTaken: [1, 2], takesMore: true)
        #expect(!refuses(PluginReadyMessage.self, "01" + String(repeating: "ff", count: 64)))
        #expect(refuses(PluginReadyMessage.self, "01" + String(repeating: "ff", count: 65)))
    }

    @Test func `PLUGIN_DETACH gives a reason`() throws {
        try check(PluginDetachMessage(slot: 9, reason: .fault), "09 02")
    }

    @Test func `PLUGIN_MESSAGE has a command and up to 475 bytes`() throws {
        try check(
            PluginHalfMessage(slot: 1, local: 0x1234, body: [5]), "01 1234 05", prefixesTaken: [3], takesMore: true)
        #expect(!refuses(PluginHalfMessage.self, "01 0000" + String(repeating: "ff", count: 475)))
        #expect(refuses(PluginHalfMessage.self, "01 0000" + String(repeating: "ff", count: 476)))
    }

    @Test func `PLUGIN_COUNTERS asks, or answers with up to 18 values`() throws {
        try check(PluginCountersMessage(slot: 1), "01", takesMore: true)
        try check(
            PluginCountersMessage(slot: 1, values: [1, .max]), "01 02 0000000000000001 ffffffffffffffff",
            prefixesTaken: [1])
        try check(PluginCountersMessage(slot: 1, values: []), "01 00", prefixesTaken: [1])
        #expect(!refuses(PluginCountersMessage.self, "01 12" + String(repeating: "00", count: 18 * 8)))
        #expect(refuses(PluginCountersMessage.self, "01 13" + String(repeating: "00", count: 19 * 8)))
    }

    @Test func `the request is 200 bytes, whatever it asks for`() throws {
        var request = PluginRequestExtension()
        #expect(request.body == [1, 0] + [UInt8](repeating: 0, count: 198))
        let taken = [
            request.add(.init(slot: 1, name: .identity(identity), arguments: [1, 2, 3])),
            request.add(.init(slot: 2, name: .recommended(set: 0x0102_0304, place: 5))),
            request.add(.init(slot: 3, name: .identity(identity), arguments: [UInt8](repeating: 0, count: 118))),
            request.add(.init(slot: 3, name: .identity(identity), arguments: [UInt8](repeating: 9, count: 117))),
        ]
        #expect(taken == [true, true, false, true])
        let body = request.body
        #expect(body.count == 200)
        #expect(hex(Array(body.prefix(47))) == hex(hex("01 03 01 00 \(identityText) 03 010203 02 01 01020304 05")))
        #expect(try PluginRequestExtension(body: body.span.bytes) == request)
        #expect(acceptedTruncations(of: body) { _ = try PluginRequestExtension(body: $0) } == [])
        let longer = body + [0]
        #expect((try? PluginRequestExtension(body: longer.span.bytes)) == nil)
    }

    @Test(arguments: [
        "02 00", "00 00", "01 05", "01 01 00 01 00000000 00 00", "01 01 81 01 00000000 00 00", "01 01 01 02",
        "01 02 01 01 00000000 00 00 01 01 00000000 00 00", "01 00 00 01", "01 01 01 01 00000000 00 ff",
    ])
    func `a malformed request is refused`(wire: String) {
        let start = hex(wire)
        let body = start + [UInt8](repeating: 0, count: 200 - start.count)
        #expect((try? PluginRequestExtension(body: body.span.bytes)) == nil)
    }

    @Test func `the answer is 200 bytes, whatever it says`() throws {
        let answer = PluginAnswerExtension(entries: [
            .init(slot: 1, status: .ready), .init(slot: 2, status: .needCode), .init(slot: 3, status: .refused),
        ])
        let body = answer.body
        #expect(body.count == 200)
        #expect(Array(body.prefix(9)) == [1, 3, 1, 0, 2, 1, 3, 2, 0])
        #expect(try PluginAnswerExtension(body: body.span.bytes) == answer)
        #expect(acceptedTruncations(of: body) { _ = try PluginAnswerExtension(body: $0) } == [])
        for change in [(0, 2), (1, 5), (3, 3), (8, 1), (199, 1)] {
            var wrong = body
            wrong[change.0] = UInt8(change.1)
            #expect((try? PluginAnswerExtension(body: wrong.span.bytes)) == nil)
        }
    }

    @Test(arguments: [(0, 16384), (16376, 16384), (16377, 65536), (65528, 65536), (65529, 262144), (262136, 262144)])
    func `a bundle is padded to one of three sizes`(length: Int, size: Int) throws {
        let bundle = PluginBundle(file: [UInt8](repeating: 7, count: length - min(length, 3)), evidence: [1, 2, 3])
        let shorter = length < 3 ? PluginBundle(file: []) : bundle
        #expect(shorter.size == UInt32(size))
        let bytes = shorter.bytes
        #expect(bytes.count == size)
        #expect(try PluginBundle(bytes: bytes.span.bytes) == shorter)
    }

    @Test func `a bundle that lies is refused, and one that is too large does not travel`() {
        #expect(PluginBundle(file: [UInt8](repeating: 1, count: 262137)).size == nil)
        #expect(PluginBundle(file: [UInt8](repeating: 1, count: 262137)).bytes == [])
        for wire in ["ffffffff 00000000", "00000000 00000001", "00000001 01 00", "00000000 00000000 01"] {
            let bytes = hex(wire)
            #expect((try? PluginBundle(bytes: bytes.span.bytes)) == nil)
        }
    }
}
