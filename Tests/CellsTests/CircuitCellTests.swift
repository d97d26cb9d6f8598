import Cells
import ProtocolTestKit
import Testing

@Suite struct CircuitCellTests {
    @Test func `CREATE2 and CREATED2 carry handshakes`() throws {
        try check(Create2Cell(handshakeType: .ntor, handshakeData: [1, 2, 3]), "0002 0003 010203")
        try check(Created2Cell(handshakeData: [4, 5]), "0002 0405")
    }

    @Test func `a handshake longer than the cell is refused`() {
        let create = hex("0002 01fa") + [UInt8](repeating: 0, count: 505)
        #expect(throws: WireError("handshake", at: 4)) { try Create2Cell(body: create.span.bytes) }
        let created = hex("01fc") + [UInt8](repeating: 0, count: 507)
        #expect(throws: WireError("handshake", at: 2)) { try Created2Cell(body: created.span.bytes) }
    }

    @Test func `CREATE_FAST and CREATED_FAST carry random numbers`() throws {
        let first = [UInt8](repeating: 1, count: 20)
        let second = [UInt8](repeating: 2, count: 20)
        try check(CreateFastCell(clientRandom: first), hex(first))
        try check(CreatedFastCell(relayRandom: first, keyDigest: second), hex(first + second))
    }

    @Test func `DESTROY carries a reason`() throws {
        try check(DestroyCell(reason: .resourceLimit), "05")
        try check(DestroyCell(reason: DestroyReason(rawValue: 200)), "c8")
        #expect(DestroyReason.torProtocol.description == "TORPROTOCOL")
        #expect(DestroyReason.orIdentity.description == "OR_IDENTITY")
    }
}
