import Cells
import Directory
import Testing

@Suite struct MicrodescriptorTests {
    @Test func `what we compute is what C Tor computed`() throws {
        let served = DocumentSplitter.read(
            try RouterFixtures.bytes("microdescriptors"), startingWith: ["onion-key"]
        ) { _, bytes throws(DirectoryError) in try Microdescriptor(bytes) }
        let routers = try RouterFixtures.routers()
        #expect(served.count == 2)
        for (index, router) in [routers[1], routers[0]].enumerated() {
            let computed = Microdescriptor.all(of: router, methods: [32, 33, 34, 35])
            #expect(computed.map(\.methods) == [[32, 33, 34, 35]])
            #expect(
                String(decoding: computed[0].microdescriptor.bytes, as: UTF8.self)
                    == String(decoding: try served[index].document.get().bytes, as: UTF8.self))
            #expect(computed[0].microdescriptor.digest == (try served[index].document.get().digest))
        }
    }

    @Test func `a whole vote's microdescriptors are computed`() throws {
        let vote = String(decoding: try NetworkStatusFixtures.bytes("vote-auth1"), as: UTF8.self)
        let digests = vote.split(separator: "\n").filter { $0.hasPrefix("m ") }
            .compactMap { $0.split(separator: "=").last.map(String.init) }
        let routers = DocumentSplitter.read(
            try NetworkStatusFixtures.bytes("router-descriptors"), startingWith: ["router"]
        ) { _, bytes throws(DirectoryError) in try RouterDescriptor(bytes) }
        let computed = try routers.compactMap { Microdescriptor(of: try $0.document.get(), method: 34) }
            .map { Base64.encode($0.digest.bytes, padding: false) }
        #expect(!digests.isEmpty && Set(digests).isSubset(of: computed))
    }

    @Test func `families by key appear from method 35 on`() throws {
        let router = try RouterDescriptor(try RouterFixtures.builder().signed(with: try RouterFixtures.keys()))
        let all = Microdescriptor.all(of: router, methods: [35, 33, 32, 34])
        #expect(all.map(\.methods) == [[32, 33, 34], [35]])
        #expect(all[0].microdescriptor.familyIDs.isEmpty && all[1].microdescriptor.familyIDs == router.familyIDs)
        let last = all[1].microdescriptor
        #expect(last.ed25519Identity == router.ed25519Identity && last.ntorOnionKey == router.ntorOnionKey)
        #expect(last.exitPolicy?.description == "accept 80,443" && last.ipv6Policy?.description == "accept 80,443")
        #expect(last.family?.contains(router.identity, nickname: "") == true && !last.rejectsEverything)
    }

    @Test func `later forms are let be and broken ones refused`() throws {
        let start = "onion-key\nntor-onion-key T/oUYtkvy1LNfAcQ+rcqNfea04bmhH2mNFAgn0Wjz2I\n"
        func read(_ rest: String) throws -> Microdescriptor { try Microdescriptor(Array((start + rest).utf8)) }
        #expect(try read("").rejectsEverything && read("p unheard of\nnew thing\n").rejectsEverything)
        #expect(try read("a [2001:db8::1]:9001\nid rsa1024 x\n").ipv6?.port == 9001)
        let identity = "id ed25519 2Prg/CcJMhTzexv7auhKEsbw7G29s5LWKlP9wQE0ElM\n"
        #expect(throws: DirectoryError.self) { try read(identity + identity) }
        #expect(throws: DirectoryError.self) { try read("id ed25519 short\n") }
        #expect(throws: DirectoryError.self) { try read("p accept 80") }
        #expect(throws: DirectoryError.self) { try Microdescriptor(Array("onion-key\n".utf8)) }
    }
}
