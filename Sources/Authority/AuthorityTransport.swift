package import Cells
package import NIOCore
package import Node

/// How authorities reach each other: HTTP to the other's directory port.
package protocol AuthorityTransport: Sendable {
    /// Uploads a document; succeeds with the status of the answer.
    func post(_ path: String, body: [UInt8], to endpoint: SocketEndpoint, on loop: any EventLoop) -> EventLoopFuture<
        Int
    >
    /// Fetches a document; nil if the other does not have it.
    func get(_ path: String, from endpoint: SocketEndpoint, on loop: any EventLoop) -> EventLoopFuture<[UInt8]?>
}

/// HTTP over plain TCP, as C Tor's authorities speak it.
package struct DirPortTransport: AuthorityTransport {
    private let client: DirPortClient

    /// Takes the client, with its timeouts.
    package init(client: DirPortClient = DirPortClient()) {
        self.client = client
    }

    /// Uploads a document; succeeds with the status of the answer.
    package func post(
        _ path: String, body: [UInt8], to endpoint: SocketEndpoint, on loop: any EventLoop
    ) -> EventLoopFuture<Int> {
        client.fetch(.post(path, body: body), from: endpoint, on: loop).map(\.status)
    }

    /// Fetches a document; nil if the other does not have it.
    package func get(
        _ path: String, from endpoint: SocketEndpoint, on loop: any EventLoop
    ) -> EventLoopFuture<[UInt8]?> {
        var request = DirectoryRequest.get(path)
        request.bodyLimit = AuthorityLimits.voteLength
        return client.fetch(request, from: endpoint, on: loop).map { $0.status == 200 ? $0.body : nil }
    }
}
