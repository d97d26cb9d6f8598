import Cells
import Circuits
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Transport

@testable import Node

/// An authority that takes what is uploaded and has one large vote.
final class UploadTaker: DirectoryAuthorityService {
    let uploads = Mutex<[DirectoryUpload]>([])
    let answer: DirectoryUploadAnswer
    let vote: [UInt8]

    init(answer: DirectoryUploadAnswer = .accepted("Descriptor accepted"), vote: [UInt8] = []) {
        self.answer = answer
        self.vote = vote
    }

    func statusVoteDocuments(_ path: String) -> [[UInt8]] { path == "next/authority" ? [vote] : [] }

    func bandwidthFile() -> [UInt8]? { nil }

    func receiveUpload(
        _ upload: DirectoryUpload, now: WallTime, reply: @escaping @Sendable (DirectoryUploadAnswer) -> Void
    ) {
        uploads.withLock { $0.append(upload) }
        let answer = answer
        // From another thread, as a busy authority would; a task could wait for tests that keep all processors busy.
        NIOThreadPool.singleton.submit { _ in reply(answer) }
    }
}

@Suite struct DirectoryFetcherTests {
    private let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private static let identity = RSAIdentity(hex: String(repeating: "AB", count: 20))!
    private static let nobody = RSAIdentity(hex: String(repeating: "CD", count: 20))!

    private static func target(_ identity: RSAIdentity) -> HopTarget {
        HopTarget(
            rsaIdentity: identity, ed25519Identity: nil,
            endpoints: [SocketEndpoint(address: .v4(0x7F00_0001), port: 9001)], onionKey: nil)
    }

    private static func server(_ authority: UploadTaker? = nil) -> DirectoryServer {
        let store = DirectoryStore(files: nil, servesConsensuses: false, logger: Logger(label: "test"))
        let server = DirectoryServer(store: store)
        if let authority { server.setAuthority(authority) }
        return server
    }

    /// Runs requests on the loop, each when the one before is answered; the results and whom circuits were built to.
    private func fetch(
        _ requests: [(DirectoryRequest, RSAIdentity)], authority: UploadTaker? = nil, stall: TimeAmount = .seconds(20),
        mute: Set<RSAIdentity> = []
    ) async throws -> (results: [Result<DirectoryResponse, DirectoryFetchError>], launches: [RSAIdentity]) {
        let loop = loops.next()
        let promise = loop.makePromise(
            of: ([Result<DirectoryResponse, DirectoryFetchError>], [RSAIdentity]).self)
        loop.execute {
            let circuits = DirectoryCircuits(eventLoop: loop)
            circuits.servers[Self.identity] = Self.server(authority)
            circuits.mute = mute
            let fetcher = DirectoryFetcher(launcher: circuits, stall: stall)
            var results: [Result<DirectoryResponse, DirectoryFetchError>] = []
            var rest = requests[...]
            func next() {
                guard let (request, identity) = rest.popFirst() else {
                    promise.succeed((results, circuits.launches))
                    fetcher.close()
                    return
                }
                fetcher.fetch(request, from: Self.target(identity)) { result in
                    results.append(result)
                    next()
                }
            }
            next()
        }
        return try await promise.futureResult.get()
    }

    @Test func `a request goes over a stream of a one-hop circuit, and the next over the same circuit`() async throws {
        let begun = WallTime.now
        let (results, launches) = try await fetch([
            (.get("/tor/robots.txt"), Self.identity), (.get("/tor/nothing"), Self.identity),
        ])
        let first = try results[0].get()
        #expect(first.status == 200)
        #expect(first.body == Array("User-agent: *\r\nDisallow: /\r\n".utf8))
        #expect(first.addressSuggestion == nil)
        let date = try #require(first.date)
        #expect(date >= begun && date <= WallTime.now)
        #expect(try results[1].get().status == 404)
        #expect(launches == [Self.identity])
    }

    @Test func `a large document comes whole through small windows, compressed`() async throws {
        let vote = Array((0..<20_000).map { "line \($0 &* 48_271 % 65_537)\n" }.joined().utf8)
        let (results, _) = try await fetch(
            [(.get("/tor/status-vote/next/authority.z"), Self.identity)], authority: UploadTaker(vote: vote))
        let response = try results[0].get()
        #expect(response.body == vote)
        #expect(response.headers["Content-Encoding"] == "x-zstd")
    }

    @Test func `an upload reaches the authority with its reason, and its answer comes back`() async throws {
        for (answer, status, reason) in [
            (DirectoryUploadAnswer.accepted("Descriptor accepted"), 200, "Descriptor accepted"),
            (.notNew, 200, "OK"), (.refused(400, "No."), 400, "No."),
        ] {
            let taker = UploadTaker(answer: answer)
            let body = [UInt8](repeating: 0x41, count: 5000)
            let (results, _) = try await fetch(
                [(.upload(descriptor: body, because: "config change"), Self.identity)], authority: taker)
            let response = try results[0].get()
            #expect(response.status == status && response.reason == reason)
            #expect((response.headers["X-Descriptor-Not-New"] != nil) == (answer == .notNew))
            let upload = try #require(taker.uploads.withLock { $0.first })
            #expect(upload.body == body && upload.kind == .descriptors && upload.reason == "config change")
        }
        // A relay takes none.
        let (results, _) = try await fetch([(.upload(descriptor: [1], because: "x"), Self.identity)])
        #expect(try results[0].get().status == 400)
    }

    @Test func `a relay that cannot be reached, and one that is silent, are errors of their own`() async throws {
        let (results, launches) = try await fetch([(.get("/tor/"), Self.nobody), (.get("/tor/"), Self.nobody)])
        #expect(
            results == [
                .failure(.circuitClosed(isChannelFailure: true)), .failure(.circuitClosed(isChannelFailure: true)),
            ])
        #expect(launches.count == 2)
        let (silent, _) = try await fetch(
            [(.get("/tor/"), Self.identity)], stall: .milliseconds(50), mute: [Self.identity])
        #expect(silent == [.failure(.timedOut)])
    }

    @Test func `a body that grows beyond the limit is refused`() async throws {
        var request = DirectoryRequest.get("/tor/status-vote/next/authority.z")
        request.bodyLimit = 1000
        let vote = [UInt8](repeating: 0x20, count: 1001)
        let (results, _) = try await fetch([(request, Self.identity)], authority: UploadTaker(vote: vote))
        #expect(results == [.failure(.compression(.tooLong))])
    }

    @Test func `a DirPort serves, refuses what is no request, and counts its connections`() async throws {
        let here = SocketEndpoint(address: .v4(0x7F00_0001), port: 0)
        let port = try await DirPortServer.bind(here, loops: loops, server: Self.server(), connectionLimit: 2).get()
        let number = port.endpoint.port
        let robots = try BlockingSocket.exchange(HTTPRequest(.get, "/tor/robots.txt").encode(), port: number)
        #expect(robots.status == 200 && robots.headers["Content-Length"] == "\(robots.body.count)")
        let bad = try BlockingSocket.exchange(Array("GET x\r\n\r\n".utf8), port: number)
        #expect(bad.status == 400 && bad.reason == "Bad request")
        #expect(throws: HTTPError.truncated) {
            try BlockingSocket.exchange(Array("HELO x\r\n\r\n".utf8), port: number)
        }
        // Two that say nothing fill it: the third is turned away, and let in when they have gone.
        let idle = [try BlockingSocket.open(port: number), try BlockingSocket.open(port: number)]
        #expect(try await status(at: number, becomes: nil))
        for descriptor in idle { BlockingSocket.close(descriptor) }
        #expect(try await status(at: number, becomes: 404))
        try await port.close().get()
        try await loops.shutdownGracefully()
    }

    /// Whether a DirPort's answer becomes this one within ten seconds, as it notices who has come and gone; nil is none.
    private func status(at port: UInt16, becomes expected: Int?) async throws -> Bool {
        for _ in 0..<500 {
            let answer = try? BlockingSocket.exchange(HTTPRequest(.get, "/tor/").encode(), port: port)
            if answer?.status == expected { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}
