/// Reads one response as a directory client gets it: bytes in, a response or an error out.
///
/// A response ends where `Content-Length` says or, without one, where the server closes. Not for the body's encoding
/// (`Decompressor`).
package struct HTTPResponseMachine: ~Copyable {
    private enum State: ~Copyable {
        case head(HTTPHeadBuffer)
        case body(HTTPResponse, missing: Int?)
        case finished
    }

    private var state: State
    private let bodyLimit: Int

    /// Awaits a response with a body of at most `bodyLimit` bytes.
    package init(bodyLimit: Int = HTTPLimits.downloadLength) {
        self.init(.head(HTTPHeadBuffer()), bodyLimit)
    }

    private init(_ state: consuming State, _ bodyLimit: Int) {
        self.state = state
        self.bodyLimit = bodyLimit
    }

    /// What bytes from the server lead to.
    package enum ReceiveAction: Equatable {
        /// More must come.
        case wait
        /// The response is whole.
        case handle(HTTPResponse)
        /// This is no response of a directory server.
        case fail(HTTPError)
        /// The response was complete already; what follows means nothing.
        case ignore
    }

    /// Bytes came from the server.
    package mutating func receive(_ bytes: RawSpan) -> ReceiveAction {
        let limit = bodyLimit
        var action = ReceiveAction.wait
        switch consume self.state {
        case .head(var buffer):
            do throws(HTTPError) {
                guard let head = try buffer.receive(bytes) else {
                    self = Self(.head(buffer), limit)
                    return .wait
                }
                var response = try Self.readHead(head.lines)
                let length = try response.headers.contentLength()
                guard length ?? 0 <= limit else { throw .bodyTooLong }
                response.body = Array(head.rest.prefix(length ?? Int.max))
                let missing = length.map { $0 - response.body.count }
                self = Self(Self.afterBody(response, missing: missing, limit: limit, &action), limit)
            } catch {
                self = Self(.finished, limit)
                action = .fail(error)
            }
        case .body(var response, let missing):
            let taken = min(missing ?? Int.max, bytes.byteCount)
            bytes.extracting(first: taken).withUnsafeBytes { response.body.append(contentsOf: $0) }
            self = Self(
                Self.afterBody(response, missing: missing.map { $0 - taken }, limit: limit, &action), limit)
        case .finished:
            self = Self(.finished, limit)
            action = .ignore
        }
        return action
    }

    /// The server closed.
    ///
    /// - Parameter allowsPartial: take a body that is shorter than announced, as for documents that each stand on their
    ///   own (dir-spec §4.6 has clients use what they got).
    package mutating func receiveEnd(allowsPartial: Bool = false) -> ReceiveAction {
        let limit = bodyLimit
        let action: ReceiveAction
        switch consume self.state {
        case .head: action = .fail(.truncated)
        case .body(let response, let missing):
            action = missing == nil || allowsPartial ? .handle(response) : .fail(.truncated)
        case .finished: action = .ignore
        }
        self = Self(.finished, limit)
        return action
    }

    private static func afterBody(
        _ response: HTTPResponse, missing: Int?, limit: Int, _ action: inout ReceiveAction
    ) -> State {
        if response.body.count > limit {
            action = .fail(.bodyTooLong)
        } else if missing == 0 {
            action = .handle(response)
        } else {
            return .body(response, missing: missing)
        }
        return .finished
    }

    private static func readHead(_ lines: [ArraySlice<UInt8>]) throws(HTTPError) -> HTTPResponse {
        let line = lines[0]
        guard line.starts(with: "HTTP/1.0 ".utf8) || line.starts(with: "HTTP/1.1 ".utf8) else {
            throw .malformedFirstLine
        }
        let digits = line.dropFirst(9).prefix { $0 != 0x20 }
        guard digits.count == 3, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let status = Int(String(decoding: digits, as: UTF8.self)), (100..<600).contains(status)
        else { throw .malformedFirstLine }
        let reason = line[digits.endIndex...].dropFirst()
        return HTTPResponse(
            status, String(decoding: reason, as: UTF8.self), headers: try HTTPHeaders(lines: lines.dropFirst()))
    }
}
