import Cells
import Directory
import OnionCrypto
import Testing

@Suite struct ExtraInfoDocumentTests {
    private func fixtures() throws -> [ExtraInfoDocument] {
        try DocumentSplitter.read(try RouterFixtures.bytes("extra-infos"), startingWith: ["extra-info"]) {
            _, bytes throws(DirectoryError) in try ExtraInfoDocument(bytes)
        }.map { try $0.document.get() }
    }

    @Test func `C Tor's documents belong to its descriptors`() throws {
        let routers = try RouterFixtures.routers()
        let documents = try fixtures()
        #expect(documents.map(\.nickname) == ["relay1", "auth0"])
        for (document, router) in zip(documents, routers) { try document.check(against: router) }
        #expect(throws: DirectoryError.self) { try documents[0].check(against: routers[1]) }
        #expect(throws: DirectoryError.self) { try documents[0].checkSignature(by: routers[1].identityKey) }
    }

    @Test func `every byte is signed`() throws {
        let keys = try RouterFixtures.keys()
        var builder = ExtraInfoBuilder(nickname: "fanion1", published: RouterFixtures.published)
        builder.statistics = [Array("dirreq-stats-end 2026-11-24 22:54:30 (86400 s)\n".utf8), Array("x-y z\n".utf8)]
        let bytes = try builder.signed(with: keys)
        try ExtraInfoDocument(bytes).checkSignature(by: keys.identityKey.publicKey)
        for index in stride(from: 0, to: bytes.count, by: 5) {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: DirectoryError.self, "byte \(index)") {
                try ExtraInfoDocument(damaged).checkSignature(by: keys.identityKey.publicKey)
            }
        }
    }

    @Test func `statistics that make it too long are left out`() throws {
        let keys = try RouterFixtures.keys()
        var builder = ExtraInfoBuilder(nickname: "fanion1", published: RouterFixtures.published)
        builder.statistics = (0..<9).map { Array("line\($0) ".utf8) + [UInt8](repeating: 0x78, count: 9000) + [0x0A] }
        let document = try ExtraInfoDocument(try builder.signed(with: keys))
        let text = String(decoding: document.bytes, as: UTF8.self)
        #expect(text.contains("line4 ") && !text.contains("line5 ") && document.bytes.count <= 50_000)
    }
}
