internal import Cells
package import Configuration
package import NIOCore
internal import NIOPosix
package import Transport

/// How a node gets at a log's files: a relay directly, a client through circuits of its own.
package protocol LogTransport: Sendable {
    /// What is at `path` under the log's URL, or why it cannot be had.
    func fetch(_ path: String, of url: LogURL, limit: Int) async throws(LogFetchError) -> [UInt8]
}

/// Why a file of a log cannot be had.
package enum LogFetchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The log's host has no address.
    case unknownHost
    /// No connection, or it broke.
    case connectionFailed
    /// Nothing moved for too long.
    case timedOut
    /// No HTTP, or more than there may be.
    case badAnswer
    /// The server's status.
    case status(Int)

    /// The reason, without the address.
    package var description: String {
        switch self {
        case .unknownHost: "its host has no address"
        case .connectionFailed: "no connection"
        case .timedOut: "no answer in time"
        case .badAnswer: "the answer is no HTTP, or too long"
        case .status(let status): "HTTP status \(status)"
        }
    }
}

extension LogURL {
    /// The request for a file under it.
    package func request(for path: String) -> [UInt8] {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        var headers = HTTPHeaders()
        headers.append("Host", port == 80 ? host : "\(host):\(port)")
        return HTTPRequest(.get, prefix + path, headers: headers).encode()
    }
}

extension HTTPResponse {
    /// The body of an answer that has one.
    package func contents() throws(LogFetchError) -> [UInt8] {
        guard status == 200 else { throw .status(status) }
        return body
    }
}

/// Over TCP, from wherever this node is.
package struct DirectLogTransport: LogTransport {
    private let dialer: any Dialer
    private let loop: any EventLoop

    /// A transport whose sockets live on a loop.
    package init(dialer: any Dialer, loop: any EventLoop) {
        self.dialer = dialer
        self.loop = loop
    }

    package func fetch(_ path: String, of url: LogURL, limit: Int) async throws(LogFetchError) -> [UInt8] {
        guard let address = await Self.address(of: url.host) else { throw .unknownHost }
        let fetch = HTTPFetch(
            request: url.request(for: path), bodyLimit: limit, stall: .seconds(NodeLimits.logStall))
        let response: HTTPResponse
        do {
            response = try await fetch.run(
                at: SocketEndpoint(address: address, port: url.port), over: dialer, on: loop
            ).get()
        } catch HTTPFetchError.timedOut {
            throw .timedOut
        } catch HTTPFetchError.http {
            throw .badAnswer
        } catch {
            throw .connectionFailed
        }
        return try response.contents()
    }

    /// The system's resolver blocks, so not on a loop.
    private static func address(of host: String) async -> IPAddress? {
        if let address = IPAddress(host) { return address }
        return try? await NIOThreadPool.singleton.runIfActive { HostAddresses.lookUp(host).first }
    }
}
