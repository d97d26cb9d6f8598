package import Cells
internal import Synchronization

/// The directory side of a relay or authority: a request in, a response out, whatever carried it.
///
/// Shared by all loops. `DirectoryStreamServer` brings requests of circuits, `DirPortServer` those of TCP connections.
package final class DirectoryServer: Sendable {
    private struct Hooks {
        var authority: (any DirectoryAuthorityService)?
        var onionServices: (any OnionServiceDirectory)?
        var ownAddress: IPAddress?
        var isBusy: @Sendable (Int) -> Bool = { _ in false }
        var observer: (@Sendable (_ status: Int, _ bodyLength: Int) -> Void)?
    }

    private let store: DirectoryStore
    private let hooks = Mutex(Hooks())

    /// Serves what a store has.
    package init(store: DirectoryStore) {
        self.store = store
    }

    /// Has an authority answer for votes and uploads.
    package func setAuthority(_ authority: any DirectoryAuthorityService) {
        hooks.withLock { $0.authority = authority }
    }

    /// Has somebody answer for onion services' descriptors.
    package func setOnionServices(_ onionServices: any OnionServiceDirectory) {
        hooks.withLock { $0.onionServices = onionServices }
    }

    /// Our own address: whoever is near it is not told theirs.
    package func setOwnAddress(_ address: IPAddress?) {
        hooks.withLock { $0.ownAddress = address }
    }

    /// Has answers of so many bytes refused with 503 while `isBusy` says so, as when the bandwidth is used up.
    package func setBusy(_ isBusy: @escaping @Sendable (Int) -> Bool) {
        hooks.withLock { $0.isBusy = isBusy }
    }

    /// Has `observer` called with every answer's status and length, for statistics.
    package func setObserver(_ observer: @escaping @Sendable (_ status: Int, _ bodyLength: Int) -> Void) {
        hooks.withLock { $0.observer = observer }
    }

    /// Answers a request, once; at once for all but uploads to an authority.
    package func answer(
        _ request: HTTPRequest, from peer: DirectoryPeer, now: WallTime,
        reply: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let (answers, hooks) = answers(now)
        let observer = hooks.observer
        let send: @Sendable (HTTPResponse) -> Void = { response in
            observer?(response.status, response.body.count)
            reply(response)
        }
        switch request.method {
        case .get:
            let response = answers.get(request, from: peer)
            let isRefused = response.status == 200 && hooks.isBusy(response.body.count)
            send(isRefused ? answers.short(503, "Directory busy, try again later") : response)
        case .post:
            post(request, from: peer, answers, reply: send)
        }
    }

    /// The answer to a request that is none.
    package func badRequest(now: WallTime) -> HTTPResponse {
        answers(now).answers.short(400, "Bad request")
    }

    private func answers(_ now: WallTime) -> (answers: DirectoryAnswers, hooks: Hooks) {
        let hooks = hooks.withLock { $0 }
        var answers = DirectoryAnswers(snapshot: store.snapshot, now: now)
        answers.authority = hooks.authority
        answers.onionServices = hooks.onionServices
        answers.ownAddress = hooks.ownAddress
        return (answers, hooks)
    }

    private func post(
        _ request: HTTPRequest, from peer: DirectoryPeer, _ answers: DirectoryAnswers,
        reply: @escaping @Sendable (HTTPResponse) -> Void
    ) {
        let path = DirectoryResource.path(of: request.target).path
        let now = answers.now
        if path.hasPrefix("/tor/hs/") {
            guard peer.isAnonymous else { return reply(answers.short(503, "Rejecting single hop HS descriptor post")) }
            let isTaken =
                path == "/tor/hs/3/publish" && answers.onionServices?.publish(request.body, now: now) ?? false
            return reply(
                isTaken
                    ? answers.short(200, "HS descriptor stored successfully.")
                    : answers.short(400, "Invalid HS descriptor. Rejected."))
        }
        guard let authority = answers.authority else {
            return reply(
                answers.short(400, "Nonauthoritative directory does not accept posted server descriptors"))
        }
        guard let kind = DirectoryUpload.Kind(rawValue: path) else { return reply(answers.short(404, "Not found")) }
        let upload = DirectoryUpload(
            kind, body: request.body, peer: peer, reason: request.headers["X-Desc-Gen-Reason"])
        let date = HTTPHeaders.Entry("Date", HTTPDate.format(now))
        authority.receiveUpload(upload, now: now) { answer in
            let response =
                switch answer {
                case .accepted(let words): HTTPResponse(200, words, headers: HTTPHeaders([date]))
                case .notNew:
                    HTTPResponse(
                        200, "OK", headers: HTTPHeaders([date, .init("X-Descriptor-Not-New", "Yes")]))
                case .refused(let status, let words): HTTPResponse(status, words, headers: HTTPHeaders([date]))
                }
            reply(response)
        }
    }
}
