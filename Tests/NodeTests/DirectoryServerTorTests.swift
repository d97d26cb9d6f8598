import Cells
import Directory
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing
import Transport

@testable import Node

/// What C Tor's authority answers, and what our directory answers of the same documents, side by side.
@Suite(.enabled(if: DirectoryTorAuthority.isWanted), .serialized)
struct DirectoryServerTorTests {
    @Test func `every kind of request is answered as C Tor answers it`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let store = try tor.mirror()
        let snapshot = store.snapshot
        let router = try #require(snapshot.descriptors.values.first)
        let certificate = try #require(snapshot.certificates.values.first?.first)
        let microdescriptor = try #require(snapshot.microdescriptors.keys.first)
        let v3 = tor.v3Identity.hex
        let zeros = String(repeating: "0", count: 40)
        let none = Base64.encode([UInt8](repeating: 0, count: 32), padding: false)
        let micro = Base64.encode(microdescriptor.bytes, padding: false)
        let digest = Base16.encode(router.digest.bytes, uppercase: true)
        let extra = Base16.encode(try #require(router.extraInfoDigest).bytes, uppercase: true)
        let sha3 = Base16.encode(try #require(snapshot.consensuses[.microdesc]).signedSHA3, uppercase: true)
        let paths = [
            "/tor/status-vote/current/consensus", "/tor/status-vote/current/consensus-microdesc",
            "/tor/status-vote/current/consensus-microdesc/\(v3.prefix(6))",
            "/tor/status-vote/current/consensus-microdesc/\(v3.prefix(6).lowercased())+000000",
            "/tor/status-vote/current/consensus-microdesc/000000+111111",
            "/tor/status-vote/current/consensus-nonsense", "/tor/status-vote/current/consensus/\(v3)",
            "/tor/status-vote/current/consensus-microdesc/diff/\(sha3)/\(v3.prefix(6))",
            "/tor/status-vote/current/consensus-microdesc/diff/\(zeros)000000000000000000000000/\(v3.prefix(6))",
            "/tor/status-vote/current/consensus-microdesc/diff/xyz/\(v3.prefix(6))",
            "/tor/keys/all", "/tor/keys/fp/\(v3)", "/tor/keys/fp/\(zeros)", "/tor/keys/fp/xyz",
            "/tor/keys/sk/\(certificate.signingKeyDigest.hex)", "/tor/keys/sk/\(zeros)",
            "/tor/keys/fp-sk/\(v3)-\(certificate.signingKeyDigest.hex)", "/tor/keys/fp-sk/\(v3)-\(zeros)",
            "/tor/keys/fp-sk/\(v3)", "/tor/keys/xyz", "/tor/keys/",
            "/tor/micro/d/\(micro)", "/tor/micro/d/\(micro)-\(none)", "/tor/micro/d/\(none)", "/tor/micro/d/",
            "/tor/micro/all",
            "/tor/server/all", "/tor/server/fp/\(router.identity.hex)", "/tor/server/fp/\(zeros)",
            "/tor/server/d/\(digest)", "/tor/server/d/\(zeros)", "/tor/server/d/\(digest)+\(zeros)", "/tor/server/d/x",
            "/tor/server/xyz", "/tor/server/",
            "/tor/extra/all", "/tor/extra/fp/\(router.identity.hex)", "/tor/extra/d/\(extra)", "/tor/extra/d/\(zeros)",
            "/tor/robots.txt", "/robots.txt", "/tor/", "/", "/tor", "/tor/nothing", "/tor/hs/3/xyz",
            "http://127.0.0.1/tor/keys/all",
        ]
        let future = HTTPDate.format(WallTime.now + 3600)
        let past = HTTPDate.format(WallTime.now - 1_000_000)
        let headers: [[(String, String)]] = [
            [], [("Accept-Encoding", "x-tor-lzma, x-zstd, deflate, gzip, identity")], [("Accept-Encoding", "x-zstd")],
            [("Accept-Encoding", "deflate")], [("Accept-Encoding", "br, nonsense")],
            [("If-Modified-Since", future)], [("If-Modified-Since", past)], [("If-Modified-Since", "nonsense")],
            [("X-Or-Diff-From-Consensus", "\(sha3)")], [("X-Or-Diff-From-Consensus", "00 \(sha3.dropLast(2))")],
        ]
        let server = DirectoryServer(store: store)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let port = try await DirPortServer.bind(
            SocketEndpoint(address: .v4(0x7F00_0001), port: 0), loops: loops, server: server
        ).get()
        for path in paths {
            for suffix in ["", ".z"] {
                // Every header matters to some paths only.
                for set in headers where set.isEmpty || path.contains("consensus") || suffix.isEmpty {
                    var request = HTTPRequest(.get, path + suffix)
                    for (name, value) in set { request.headers.append(name, value) }
                    var theirs = try tor.exchange(request.encode())
                    var ours = try BlockingSocket.exchange(request.encode(), port: port.endpoint.port)
                    if try body(ours) != body(theirs) {
                        try tor.refresh(store)
                        theirs = try tor.exchange(request.encode())
                        ours = try BlockingSocket.exchange(request.encode(), port: port.endpoint.port)
                    }
                    try compare(ours, theirs, "\(path)\(suffix) \(set)")
                }
            }
        }
        try await port.close().get()
        try await loops.shutdownGracefully()
    }

    private func body(_ response: HTTPResponse) throws -> [UInt8] {
        let method = response.headers["Content-Encoding"].flatMap { CompressionMethod(name: $0) } ?? .identity
        var bytes = try Decompressor.decompress(response.body, method, limit: 1 << 24)
        // C Tor sends an empty line behind its own descriptor, which is no part of it.
        while bytes.suffix(2) == [0x0A, 0x0A] { bytes.removeLast() }
        return bytes
    }

    private func compare(_ ours: HTTPResponse, _ theirs: HTTPResponse, _ what: String) throws {
        let comment = Comment(rawValue: what)
        #expect(ours.status == theirs.status && ours.reason == theirs.reason, comment)
        #expect(ours.headers.entries.map(\.name) == theirs.headers.entries.map(\.name), comment)
        for entry in theirs.headers.entries {
            guard entry.name != "Date", entry.name != "Expires" else {
                let mine = ours.headers[entry.name].flatMap { HTTPDate.parse($0) }
                let time = try #require(HTTPDate.parse(entry.value), comment)
                #expect(abs((mine ?? WallTime(seconds: 0)) - time) <= 3, comment)
                continue
            }
            #expect(ours.headers[entry.name] == entry.value, comment)
        }
        let isSame = try body(ours) == body(theirs)
        #expect(isSame, comment)
    }

    /// The authority votes once a minute, so this may take as long.
    @Test func `differences are what C Tor serves, from the header and from the path, in every encoding`() async throws
    {
        let tor = try await DirectoryTorAuthority.shared.value
        let store = DirectoryStore(files: nil, servesConsensuses: true, logger: Logger(label: "test"))
        let path = "/tor/status-vote/current/consensus-microdesc"
        let old = try Consensus(parsing: try tor.get(path).body)
        store.set(old)
        let digest = Base16.encode(old.signedSHA3, uppercase: true)
        let deadline = ContinuousClock.now + .seconds(100)
        var served: HTTPResponse
        repeat {
            try await Task.sleep(for: .milliseconds(500))
            served = try tor.get(path, headers: [("X-Or-Diff-From-Consensus", digest)])
        } while served.status != 200 && ContinuousClock.now < deadline
        // The new consensus is there a moment before its differences are.
        while !ConsensusDiff.isDiff(served.body), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(200))
            served = try tor.get(path, headers: [("X-Or-Diff-From-Consensus", digest)])
        }
        let new = try ConsensusDiff.apply(
            served.body, to: old.text, baseDigest: old.signedSHA3, limit: DirectoryClientLimits.documentLength)
        #expect(store.set(try Consensus(parsing: new)))
        let server = DirectoryServer(store: store)
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let port = try await DirPortServer.bind(
            SocketEndpoint(address: .v4(0x7F00_0001), port: 0), loops: loops, server: server
        ).get()
        let signer = tor.v3Identity.hex.prefix(6)
        for encoding in ["identity", "deflate", "gzip", "x-zstd", "x-tor-lzma", "x-tor-lzma, x-zstd, deflate"] {
            for (target, header) in [(path, digest), ("\(path)/diff/\(digest)/\(signer)", nil), (path, "00 \(digest)")]
            {
                var request = HTTPRequest(.get, target)
                request.headers.append("Accept-Encoding", encoding)
                if let header { request.headers.append("X-Or-Diff-From-Consensus", header) }
                let theirs = try tor.exchange(request.encode())
                let ours = try BlockingSocket.exchange(request.encode(), port: port.endpoint.port)
                try compare(ours, theirs, "\(target) \(encoding)")
                let isDiff = try ConsensusDiff.isDiff(body(ours))
                #expect(isDiff)
            }
        }
        try await port.close().get()
        try await loops.shutdownGracefully()
        await store.close()
    }

    @Test(arguments: ["identity", "deflate", "gzip", "x-zstd", "x-tor-lzma"])
    func `what C Tor serves is read in every encoding`(encoding: String) async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let plain = try tor.get("/tor/status-vote/current/consensus-microdesc").body
        let answer = try tor.get(
            "/tor/status-vote/current/consensus-microdesc", headers: [("Accept-Encoding", encoding)])
        #expect(answer.status == 200)
        var request = DirectoryRequest.get("/")
        request.bodyLimit = plain.count
        #expect(try DirectoryResponse(answer, to: request).body == plain)
    }

    @Test func `our client gets from C Tor what it asks for over TCP`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = DirPortClient()
        let endpoint = SocketEndpoint(address: .v4(0x7F00_0001), port: tor.dirPort)
        let answer = try await client.fetch(
            .consensus(.microdesc, signers: [tor.v3Identity]), from: endpoint, on: loops.next()
        ).get()
        #expect(answer.status == 200)
        let consensus = try Consensus(parsing: answer.body)
        #expect(consensus.flavor == .microdesc)
        #expect(abs(try #require(answer.date) - WallTime.now) < 5)
        let keys = try await client.fetch(.certificates(of: [tor.v3Identity]), from: endpoint, on: loops.next()).get()
        #expect(try KeyCertificate(keys.body).identity == tor.v3Identity)
        let modified = try await client.fetch(
            .consensus(.ns, signers: [tor.v3Identity], modifiedSince: WallTime.now + 600), from: endpoint,
            on: loops.next()
        ).get()
        #expect(modified.status == 304)
        await #expect(throws: DirectoryFetchError.connectionFailed) {
            let nobody = SocketEndpoint(address: .v4(0x7F00_0001), port: try BlockingSocket.freePort())
            _ = try await client.fetch(.get("/tor/"), from: nobody, on: loops.next()).get()
        }
        try await loops.shutdownGracefully()
    }

    @Test func `a cache that C Tor wrote is loaded, and C Tor's files come back`() async throws {
        let tor = try await DirectoryTorAuthority.shared.value
        let folder = try TemporaryFolder()
        let deadline = ContinuousClock.now + .seconds(20)
        let names = ["cached-certs", "cached-consensus", "cached-microdesc-consensus", "cached-descriptors.new"]
        while ContinuousClock.now < deadline,
            !names.allSatisfy({ FileManager.default.fileExists(atPath: "\(tor.folder)/\($0)") })
        {
            try await Task.sleep(for: .milliseconds(300))
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: tor.folder) where name.hasPrefix("cached-") {
            try FileManager.default.copyItem(atPath: "\(tor.folder)/\(name)", toPath: "\(folder.path)/\(name)")
        }
        let store = DirectoryStore(
            files: try DirectoryFiles(folder: folder.path), servesConsensuses: true, logger: Logger(label: "test"))
        let now = WallTime.now
        try store.load(at: now, trusts: { $0 == tor.v3Identity }) { consensus, snapshot in
            consensus.signatureStatus(
                authorities: [tor.v3Identity], certificates: snapshot.certificates.values.joined(), now: now
            ).isSufficient
        }
        let snapshot = store.snapshot
        #expect(snapshot.certificates[tor.v3Identity]?.count == 1)
        #expect(snapshot.consensus(.ns) != nil && snapshot.consensus(.microdesc) != nil)
        #expect(!snapshot.descriptors.isEmpty)
        await store.close()
    }
}
