/// A request of the directory protocol.
package struct HTTPRequest: Hashable, Sendable {
    /// What is to be done; the directory protocol knows two methods.
    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
    }

    /// What is to be done.
    package var method: Method
    /// With what: a path, or a URL as proxies get it.
    package var target: String
    /// Its headers.
    package var headers: HTTPHeaders
    /// What is sent along.
    package var body: [UInt8]

    /// A request.
    package init(_ method: Method, _ target: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// The bytes that a client sends: HTTP/1.0, with `Content-Length` when something may follow.
    package func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 256)
        bytes += "\(method.rawValue) ".utf8
        // White space would end the target.
        bytes += target.utf8.filter { $0 > 0x20 && $0 != 0x7F }
        bytes += " HTTP/1.0\r\n".utf8
        headers.encode(into: &bytes)
        if method == .post { bytes += "Content-Length: \(body.count)\r\n".utf8 }
        bytes += "\r\n".utf8
        bytes += body
        return bytes
    }
}
