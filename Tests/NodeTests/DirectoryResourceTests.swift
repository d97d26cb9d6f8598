import Cells
import Directory
import Testing

@testable import Node

@Suite struct DirectoryResourceTests {
    private let first = RSAIdentity(hex: String(repeating: "0A", count: 20))!
    private let second = RSAIdentity(hex: String(repeating: "FF", count: 20))!

    @Test func `targets become paths below tor, without the ending that asks for deflate`() {
        func path(_ target: String) -> String {
            let (path, isCompressed) = DirectoryResource.path(of: target)
            return path + (isCompressed ? " z" : "")
        }
        #expect(path("/tor/keys/all.z") == "/tor/keys/all z")
        #expect(path("/keys/all") == "/tor/keys/all")
        #expect(path("keys/all") == "/tor/keys/all")
        #expect(path("/") == "/tor/")
        #expect(path("") == "/tor/")
        #expect(path("http://example.com/tor/robots.txt") == "/tor/robots.txt")
        #expect(path("https://example.com") == "/tor/https://example.com")
        #expect(path(".z") == "/tor/ z")
    }

    @Test func `a consensus is asked for by flavor, signers and difference`() {
        func selection(_ rest: String) -> DirectoryResource.ConsensusSelection? {
            guard case .consensus(let selection)? = DirectoryResource(path: "/tor/status-vote/current/" + rest) else {
                return nil
            }
            return selection
        }
        let digest = String(repeating: "ab", count: 32)
        #expect(selection("consensus") == .init(flavor: .ns, signers: [], difference: nil))
        #expect(
            selection("consensus/14c131+27B6B5") == .init(flavor: .ns, signers: ["14C131", "27B6B5"], difference: nil))
        #expect(
            selection("consensus-microdesc/diff/\(digest)/14C131")
                == .init(
                    flavor: .microdesc, signers: ["14C131"], difference: .from([UInt8](repeating: 0xAB, count: 32))))
        #expect(selection("consensus-microdesc/diff/ab")?.difference == .malformed)
        #expect(selection("consensus-nonsense")?.flavor == .ns)
        #expect(
            DirectoryResource(path: "/tor/status-vote/current/consensus-signatures")
                == .statusVote("current/consensus-signatures"))
        #expect(DirectoryResource(path: "/tor/status-vote/next/authority") == .statusVote("next/authority"))
        #expect(DirectoryResource(path: "/tor/status-vote/next/bandwidth") == .bandwidthFile)
        #expect(DirectoryResource(path: "/tor/status-vote/other/authority") == nil)
    }

    @Test func `digests are sorted, each once, and those that cannot be read passed over`() {
        let both = "\(second.hex)+\(first.hex)+\(second.hex.lowercased())+xyz+12"
        #expect(DirectoryResource(path: "/tor/keys/fp/\(both)") == .certificates(.identities([first, second])))
        #expect(DirectoryResource(path: "/tor/keys/sk/\(both)") == .certificates(.signingKeys([first, second])))
        #expect(DirectoryResource(path: "/tor/server/fp/\(both)") == .descriptors(.identities([first, second])))
        #expect(
            DirectoryResource(path: "/tor/keys/fp-sk/\(first.hex)-\(second.hex)+\(first.hex)")
                == .certificates(.pairs([.init(identity: first, signingKey: second)])))
        #expect(DirectoryResource(path: "/tor/keys/other") == .certificates(nil))
        #expect(DirectoryResource(path: "/tor/extra/d/") == .extraInfo(.digests([])))
        let low = MicrodescriptorDigest([UInt8](repeating: 1, count: 32))!
        let high = MicrodescriptorDigest([UInt8](repeating: 0xFB, count: 32))!
        let request = DirectoryRequest.microdescriptors([high, low])
        #expect(DirectoryResource(path: request.http.target) == .microdescriptors([low, high]))
        #expect(DirectoryResource(path: "/tor/micro/d/AQEB-x") == .microdescriptors([]))
    }

    @Test func `what a client asks for is what a server reads`() {
        #expect(
            DirectoryRequest.consensus(.microdesc, signers: [second, first]).http.target
                == "/tor/status-vote/current/consensus-microdesc/0A0A0A+FFFFFF.z")
        #expect(
            DirectoryRequest.consensus(.ns, signers: [first]).http.target
                == "/tor/status-vote/current/consensus/0A0A0A.z")
        let digest = DescriptorDigest([UInt8](repeating: 7, count: 20))!
        #expect(
            DirectoryResource(path: DirectoryRequest.descriptors([digest]).http.target)
                == .descriptors(.digests([digest])))
        #expect(
            String(decoding: DirectoryRequest.get("/tor/").encode(host: "h"), as: UTF8.self)
                == "GET /tor/ HTTP/1.0\r\nHost: h\r\nAccept-Encoding: x-tor-lzma, x-zstd, deflate, gzip, identity\r\n\r\n"
        )
        var anonymous = DirectoryRequest.get("/tor/")
        anonymous.isAnonymous = true
        #expect(String(decoding: anonymous.encode(host: "h"), as: UTF8.self) == "GET /tor/ HTTP/1.0\r\nHost: h\r\n\r\n")
    }
}
