package import Cells
package import NIOCore
package import Transport

/// Asks a directory over plain TCP: authorities among each other, and whoever knows no ORPort.
package struct DirPortClient: Sendable {
    private let dialer: any Dialer
    private let stall: TimeAmount

    /// A client.
    ///
    /// - Parameter stall: how long nothing may move.
    package init(dialer: any Dialer = DirectDialer(), stall: TimeAmount = .minutes(5)) {
        self.dialer = dialer
        self.stall = stall
    }

    /// Asks the directory at `endpoint`; fails with a `DirectoryFetchError`.
    package func fetch(
        _ request: DirectoryRequest, from endpoint: SocketEndpoint, on loop: any EventLoop
    ) -> EventLoopFuture<DirectoryResponse> {
        let fetch = HTTPFetch(
            request: request.encode(host: "\(endpoint)"),
            bodyLimit: max(request.bodyLimit, HTTPLimits.downloadLength), allowsPartial: request.allowsPartial,
            stall: stall)
        return fetch.run(at: endpoint, over: dialer, on: loop)
            .flatMapThrowing { try DirectoryResponse($0, to: request) }
            .flatMapErrorThrowing { error in
                switch error {
                case HTTPFetchError.connectionFailed: throw DirectoryFetchError.connectionFailed
                case HTTPFetchError.timedOut: throw DirectoryFetchError.timedOut
                case HTTPFetchError.http(let error): throw DirectoryFetchError.http(error)
                default: throw error
                }
            }
    }
}
