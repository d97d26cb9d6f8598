/// A response of the directory protocol.
package struct HTTPResponse: Hashable, Sendable {
    /// The three digits.
    package var status: Int
    /// What stands behind them.
    package var reason: String
    /// Its headers.
    package var headers: HTTPHeaders
    /// What was asked for, encoded as `Content-Encoding` says.
    package var body: [UInt8]

    /// A response.
    package init(_ status: Int, _ reason: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
    }

    /// Status line and headers as a server sends them, up to the empty line; the body follows.
    package func encodeHead() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes += "HTTP/1.0 \(status) ".utf8
        bytes += reason.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
        bytes += "\r\n".utf8
        headers.encode(into: &bytes)
        bytes += "\r\n".utf8
        return bytes
    }
}
